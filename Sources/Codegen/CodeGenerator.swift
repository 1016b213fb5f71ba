import Diagnostics
import IR
import Parallel
import Synchronization

/// Turns a planned graph into code: for each instruction set a module with a function for each
/// operation that does something; in the first one also the tables and the exported functions of
/// the compiled model.
public enum CodeGenerator {
  /// What is made of the module.
  public enum Artifact: String, Hashable, Sendable, CaseIterable {
    /// A relocatable ELF object.
    case object
    /// Assembly text.
    case assembly
    /// LLVM's text form, after the passes.
    case llvm
  }

  /// The generated modules.
  public struct Output: Sendable {
    /// For each target its object, or its text in UTF-8.
    public let modules: [[UInt8]]
    /// The names of the nodes whose steps run, in order.
    public let steps: [String]
  }

  /// The symbol, hidden, that the embedded weights must have; see `ProgramInfo.weightsFileName`.
  public static let weightsSymbol = "vit_weights_blob"

  /// The nodes of a planned graph that something is executed for, in order: the steps of the
  /// compiled model.
  public static func steps(of graph: Graph) -> [Node] { graph.nodes.filter(hasStep) }

  /// `true` iff something is executed for a node of a planned graph: operations on weights alone
  /// are evaluated when the weights are written, and views do nothing.
  static func hasStep(_ node: Node) -> Bool {
    switch node.placement?.space {
    case nil, .weights, .image: false
    case .arena, .output: !node.op.isView
    }
  }

  /// Generates code.
  ///
  /// Equal arguments give equal bytes.
  ///
  /// - Parameters:
  ///   - graph: in the planned form, verified.
  ///   - targets: the instruction sets, of one architecture, from the baseline to the best.
  ///   - program: what the model says about itself.
  ///   - artifact: what to make of it.
  /// - Throws: a value without a place, an operation that cannot run, a failure of LLVM.
  public static func generate(
    _ graph: Graph, for targets: [Target], program: ProgramInfo, as artifact: Artifact = .object
  ) throws(Diagnostic) -> Output {
    guard graph.form == .planned else {
      throw Diagnostic(
        "code is generated from the planned form, found the \(graph.form.rawValue) form")
    }
    let results = Mutex<[Result<[UInt8], Diagnostic>?]>(Array(repeating: nil, count: targets.count))
    Parallel.forEach(targets.count) { iteration in
      // The best first: it has the largest tiles and takes longest.
      let position = targets.count - 1 - iteration
      let result = Result { () throws(Diagnostic) in
        try module(position, graph, for: targets, program: program, as: artifact)
      }
      results.withLock { $0[position] = result }
    }
    var modules: [[UInt8]] = []
    for case .some(let result) in results.withLock({ $0 }) { modules.append(try result.get()) }
    return Output(modules: modules, steps: steps(of: graph).map(\.name))
  }

  /// Generates one module, in an LLVM context of its own.
  private static func module(
    _ position: Int, _ graph: Graph, for targets: [Target], program: ProgramInfo,
    as artifact: Artifact
  ) throws(Diagnostic) -> [UInt8] {
    let target = targets[position]
    let machine = try TargetMachine(target)
    let module = Module(name: program.name, target: target)
    let builder = module.builder
    var steps = StepEmitter(builder: builder, graph: graph)
    for value in graph.firstResults { try steps.emit(value) }
    let isa = builder.isa(
      position, steps: steps.functions, scratchBytes: steps.scratchBytes)
    if position == 0 {
      let others = targets.indices.dropFirst().map { builder.declareISA($0) }
      try ProgramEmitter(builder: builder, graph: graph, program: program, targets: targets)
        .emit(isas: [isa] + others, steps: steps.functions.count)
    }
    try machine.optimize(module)
    switch artifact {
    case .object: return try machine.object(of: module)
    case .assembly: return Array(try machine.assembly(of: module).utf8)
    case .llvm: return Array(module.text.utf8)
    }
  }
}
