import Diagnostics
import Foundation
import Synchronization
import Testing

@testable import Codegen
@testable import IR

/// Functions that instruction sets of one library share: the same ones that LLVM's text says.
@Suite struct CodeFamilyTests {
  /// The functions of a module as LLVM prints them, without the numbers of attributes and metadata
  /// and without their own names; data is what it holds.
  private static func texts(_ module: borrowing Module) -> [String: String] {
    var texts: [String: String] = [:]
    var data: [String: String] = [:]
    for line in module.text.split(separator: "\n") where line.hasPrefix("@") {
      data[names(in: String(line))[0]] = String(line.drop { $0 != "=" })
    }
    for part in module.text.components(separatedBy: "\ndefine ").dropFirst() {
      let text = part.components(separatedBy: "\n}\n")[0]
      guard let name = names(in: text).first else { continue }
      let used = Set(names(in: text)).compactMap { data[$0] }.sorted().joined()
      let own = data.keys.sorted { $0.count > $1.count }.reduce(text) {
        $0.replacing("@\($1)", with: "@data")
      }
      texts[name] =
        used
        + own.replacing("@\(name)(", with: "@(", maxReplacements: 1)
        .replacing("@\"\(name)\"(", with: "@(", maxReplacements: 1)
        .replacing(/[#!]\d+/, with: "")
    }
    return texts
  }

  private static func names(in text: String) -> [String] {
    text.matches(of: /@"?([-A-Za-z0-9$._+]+)/).map { String($0.1) }
  }

  /// The functions with the same text in both, and which lead to such ones only.
  private static func shared(_ one: [String: String], _ other: [String: String]) -> Set<String> {
    var shared = Set(one.filter { other[$0.key] == $0.value }.map(\.key))
    while true {
      let kept = shared.filter { name in
        names(in: one[name] ?? "").allSatisfy {
          shared.contains($0) || $0.hasPrefix("llvm.") || $0 == "data"
        }
      }
      guard kept.count < shared.count else { return kept }
      shared = kept
    }
  }

  /// The words of two functions are equal iff their texts are: kernels that differ in one property
  /// are told apart wherever their code differs.
  @Test(arguments: KernelCase.all)
  func wordsSayWhatTheTextSays(_ test: KernelCase) throws {
    for target in [Target.x86v3, .x86v4BF16, .aarch64Matrices] {
      let module = Module(name: "test", target: target)
      for kernel in [test.sample] + test.variants { module.builder.emit(kernel) }
      let texts = Self.texts(module)
      let code = module.code(TextNumbers())
      #expect(Set(code.functions.keys) == Set(texts.keys), "\(test.name)")
      for (name, text) in texts {
        guard let own = code.functions[name] ?? nil else {
          Issue.record("\(name) is not compared")
          continue
        }
        for (other, otherText) in texts where other != name {
          let isEqual = code.functions[other] == .some(own)
          #expect(isEqual == (text == otherText), "\(name) and \(other)")
        }
      }
    }
  }

  /// Functions that differ in one thing each, which kernels of one shape seldom do.
  @Test func wordsSayEverything() {
    let module = Module(name: "test", target: .x86v3)
    let b = module.builder
    var names: [String] = []
    func define(_ name: String, _ body: ([Codegen.Value]) -> Codegen.Value) {
      names.append(name)
      _ = b.define(name, [b.pointer, b.i64, b.i64], returning: b.i64) { b.returnValue(body($0)) }
    }
    define("add") { b.add($0[1], $0[2]) }
    define("wrapped") { b.wrappingAdd($0[1], $0[2]) }
    define("turned") { b.add($0[2], $0[1]) }
    define("difference") { b.subtract($0[1], $0[2]) }
    define("product") { b.multiply($0[1], $0[2]) }
    define("modulo") { b.wrappingMultiply($0[1], $0[2]) }
    define("less") { b.zeroExtend(b.less($0[1], $0[2]), to: b.i64) }
    define("equal") { b.zeroExtend(b.equal($0[1], $0[2]), to: b.i64) }
    define("aligned") { b.load(b.i64, $0[0], alignment: 8) }
    define("unaligned") { b.load(b.i64, $0[0], alignment: 1) }
    define("further") { b.load(b.i64, b.offset($0[0], bytes: 8), alignment: 8) }
    define("farther") { b.load(b.i64, b.offset($0[0], bytes: 16), alignment: 8) }
    define("table") { _ in b.load(b.i64, b.data("table", [1, 2]), alignment: 8) }
    define("same") { _ in b.load(b.i64, b.data("table", [1, 2]), alignment: 8) }
    define("bytes") { _ in b.load(b.i64, b.data("table", [1, 3]), alignment: 8) }
    define("one") { _ in b.constant(1) }
    define("two") { _ in b.constant(2) }

    let code = module.code(TextNumbers())
    for name in names {
      #expect((code.functions[name] ?? nil) != nil, "\(name)")
      for other in names where other != name {
        let isEqual = code.functions[name] == code.functions[other]
        #expect(isEqual == (Set([name, other]) == ["table", "same"]), "\(name) and \(other)")
      }
    }
  }

  /// Targets of a family share what has the same text, and each of them something, whatever kernels
  /// there are.
  @Test func sharesWhatIsTheSame() {
    let targets = Target.combinations.filter {
      [
        .x86v3, .x86v3AVXVNNI, .x86v4, .x86v4VNNI, .x86v4BF16, .x86v4AMX, .aarch64, .aarch64Dot,
        .aarch64BF16, .aarch64Matrices,
      ].contains($0)
    }
    for family in CodeFamily.all(of: targets) {
      let texts = TextNumbers()
      var (code, printed): ([Int: ModuleCode], [Int: [String: String]]) = ([:], [:])
      for position in family.members {
        let module = Module(name: "test", target: targets[position])
        for test in KernelCase.all { module.builder.emit(test.sample) }
        code[position] = module.code(texts)
        printed[position] = Self.texts(module)
      }
      for position in family.members {
        for other in family.earlier(than: position, targets) {
          let found = code[position]!.shared(with: code[other]!)
          let printed = Self.shared(printed[position]!, printed[other]!)
          #expect(found.symmetricDifference(printed) == [])
          #expect(!found.isEmpty)
        }
      }
    }
  }

  @Test func familiesHaveOneProcessor() throws {
    let targets = Target.combinations
    let families = CodeFamily.all(of: targets)
    #expect(
      families.map { targets[$0.members[0]].name }
        == ["x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64-neon"])
    #expect(families.flatMap(\.members).sorted() == Array(targets.indices))
    // Each set that asks for less comes before.
    let v4 = try #require(targets.firstIndex(of: .x86v4))
    let best = try #require(targets.firstIndex(of: .x86v4BF16))
    let vnni = try #require(targets.firstIndex(of: .x86v4VNNI))
    let amx = try #require(targets.firstIndex(of: .x86v4AMX))
    let earlier = families[2].earlier(than: best, targets)
    #expect(earlier.contains(v4) && earlier.contains(vnni) && !earlier.contains(amx))
    #expect(families[2].earlier(than: v4, targets).isEmpty)
  }

  // MARK: Objects

  private final class Store: ObjectStore {
    private let objects = Mutex<[ModuleKey: [UInt8]]>([:])
    func object(of module: ModuleKey) -> [UInt8]? { objects.withLock { $0[module] } }
    func keep(_ object: [UInt8], of module: ModuleKey) { objects.withLock { $0[module] = object } }
    /// Forgets one of them, in the order of their keys.
    func forget(_ position: Int) {
      objects.withLock { objects in
        let keys = objects.keys.sorted { $0.text < $1.text }
        objects[keys[position]] = nil
      }
    }
    var count: Int { objects.withLock { $0.count } }
  }

  /// An activation and a softmax, which no further instruction helps, and a rounding to bf16, for
  /// which there is one.
  private func graph() throws -> Graph {
    var builder = GraphBuilder(name: "test", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(3, 20))), name: "images")
    let hidden = try builder.append(.activation(Activation(.gelu)), [x], name: "hidden")
    _ = try builder.append(.round(Round(.bf16)), [hidden], name: "rounded")
    builder.addOutput("y", try builder.append(.softmax(Softmax()), [hidden], name: "softmax"))
    return builder.graph.placed([
      Placement(.image, offsetBytes: 0, rowStride: 20),
      Placement(.arena, offsetBytes: 0, rowStride: 20),
      Placement(.arena, offsetBytes: 1024, rowStride: 20),
      Placement(.output(0), offsetBytes: 0, rowStride: 20),
    ])
  }

  private func objects(_ targets: [Target], _ store: Store? = nil) throws -> [[UInt8]] {
    let program = ProgramInfo(
      name: "m", model: "m", compilerVersion: "0", weightsBytes: 64, weightsFileName: "m.weights",
      arenaBytes: 4096)
    return try CodeGenerator.generate(graph(), for: targets, program: program, store: store).modules
  }

  /// The first target of a family has the code, the others say where it is; and the objects are the
  /// same whichever of them are generated.
  @Test func objectsDoNotDependOnWhatIsKept() throws {
    let targets = [Target.x86v3, .x86v3AVXVNNI, .x86v4, .x86v4VNNI, .x86v4BF16]
    let alone = try objects(targets)
    #expect(alone[2].count < alone[1].count / 2 && alone[4].count < alone[3].count / 2)
    // With an instruction for it, the rounding is another function.
    #expect(alone[4].count < alone[5].count && alone[5].count < alone[3].count)
    let store = Store()
    #expect(try objects(targets, store) == alone)
    #expect(store.count == targets.count)
    for position in targets.indices {
      store.forget(position)
      #expect(try objects(targets, store) == alone, "without \(position)")
      #expect(store.count == targets.count)
    }
  }

  /// An object for a library of one target is its own; beside others it shows its functions.
  @Test func anotherListHasOtherObjects() throws {
    let store = Store()
    _ = try objects([.x86v4], store)
    _ = try objects([.x86v4, .x86v4VNNI], store)
    _ = try objects([.x86v4, .x86v4BF16], store)
    // v4 alone, v4 before others, and each of the others.
    #expect(store.count == 4)
    _ = try objects([.x86v4, .x86v4VNNI, .x86v4BF16], store)
    #expect(store.count == 5)
  }
}

extension Builder {
  fileprivate func emit(_ kernel: some Kernel) { _ = function(of: kernel) }
}
