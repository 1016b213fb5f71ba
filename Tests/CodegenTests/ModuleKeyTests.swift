import Diagnostics
import Synchronization
import Testing

@testable import Codegen
@testable import IR

/// Keys of generated code: what changes the code changes the key, and what is only said about a
/// model does not.
@Suite struct ModuleKeyTests {
  /// Objects by their keys, in memory.
  private final class Store: ObjectStore {
    private let objects = Mutex<[ModuleKey: [UInt8]]>([:])
    private let found = Mutex(0)

    func object(of module: ModuleKey) -> [UInt8]? {
      let object = objects.withLock { $0[module] }
      if object != nil { found.withLock { $0 += 1 } }
      return object
    }
    func keep(_ object: [UInt8], of module: ModuleKey) { objects.withLock { $0[module] = object } }

    var keys: Set<ModuleKey> { objects.withLock { Set($0.keys) } }
    var hits: Int { found.withLock { $0 } }
  }

  /// An activation of a matrix, and a softmax of its rows.
  private func graph(
    rows: Int = 3, columns: Int = 20, function: ActivationFunction = .gelu, offset: Int = 0,
    stride: Int = 20, name: String = "softmax"
  ) throws -> Graph {
    var builder = GraphBuilder(name: "test", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(rows, columns))), name: "images")
    let hidden = try builder.append(.activation(Activation(function)), [x], name: "hidden")
    builder.addOutput("y", try builder.append(.softmax(Softmax()), [hidden], name: name))
    return builder.graph.placed([
      Placement(.image, offsetBytes: 0, rowStride: columns),
      Placement(.arena, offsetBytes: offset, rowStride: stride),
      Placement(.output(0), offsetBytes: 0, rowStride: columns),
    ])
  }

  private func program(_ name: String = "m", weights: UInt64 = 1) -> ProgramInfo {
    ProgramInfo(
      name: name, model: name, compilerVersion: "0", weightsBytes: 64, weightsHashLow: weights,
      weightsHashHigh: 2, weightsFileName: "\(name).weights", arenaBytes: 4096)
  }

  private func objects(
    _ graph: Graph, _ targets: [Target] = [.x86v3], _ program: ProgramInfo? = nil, _ store: Store?
  ) throws -> [[UInt8]] {
    try CodeGenerator.generate(
      graph, for: targets, program: program ?? self.program(), store: store
    ).modules
  }

  @Test func theSecondTimeNothingIsGeneratedAndTheBytesAreTheSame() throws {
    let (store, targets) = (Store(), [Target.x86v2, .x86v3, .aarch64])
    for target in targets {
      let alone = try objects(graph(), [target], nil, nil)
      #expect(try objects(graph(), [target], nil, store) == alone)
      #expect(try objects(graph(), [target], nil, store) == alone)
    }
    #expect(store.hits == targets.count && store.keys.count == targets.count)
  }

  @Test func whatIsSaidAboutTheModelIsNotInTheCode() throws {
    let store = Store()
    let one = try objects(graph(), [.x86v2, .x86v3], program("one", weights: 7), store)
    let other = try objects(graph(), [.x86v2, .x86v3], program("other", weights: 8), store)
    #expect(store.hits == 2)
    #expect(one[0] != other[0] && one[1...] == other[1...])
    #expect(other == (try objects(graph(), [.x86v2, .x86v3], program("other", weights: 8), nil)))
  }

  /// Each of these graphs and targets has code of its own.
  @Test func whatChangesTheCodeChangesTheKey() throws {
    let store = Store()
    var made: Set<[UInt8]> = []
    let graphs = [
      try graph(), try graph(rows: 4), try graph(columns: 19), try graph(function: .silu),
      try graph(offset: 64), try graph(stride: 36), try graph(name: "other"),
    ]
    for graph in graphs { made.insert(try objects(graph, [.x86v3], nil, store)[1]) }
    let targets = Target.combinations.filter { $0 != .x86v3 }
    for target in targets { _ = try objects(graph(), [target], nil, store) }
    #expect(store.hits == 0)
    #expect(made.count == graphs.count && store.keys.count == graphs.count + targets.count)
    // The second place of a library has another symbol.
    _ = try objects(graph(), [.x86v2, .x86v3], nil, store)
    #expect(store.hits == 1)
  }

  /// Text always is made, with the program in the first module.
  @Test func textIsNotKept() throws {
    let store = Store()
    for artifact in [CodeGenerator.Artifact.assembly, .llvm] {
      let output = try CodeGenerator.generate(
        graph(), for: [.x86v3], program: program(), as: artifact, store: store)
      #expect(output.modules.count == 1)
    }
    #expect(store.keys.isEmpty)
  }
}
