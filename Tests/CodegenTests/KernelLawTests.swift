import Foundation
import Testing

@testable import Codegen
@testable import IR

/// What holds for every kernel: that each of its stored properties tells it apart from others.
@Suite struct KernelLawTests {
  /// The names of all kernels, from their declarations.
  private static func declared() throws -> [String] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let sources = root.appending(path: "Sources/Codegen")
    let files = try #require(
      FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var names: [String] = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      names += text.matches(of: /(struct|enum|class) (\w+): (Step)?Kernel\b/).map { String($0.2) }
    }
    return names.sorted()
  }

  @Test func everyKernelHasACase() throws {
    let declared = try Self.declared()
    #expect(declared.count > 20)
    #expect(declared == KernelCase.all.map(\.name).sorted())
  }

  /// A case changes each stored property, nested ones too, and one at a time.
  @Test(arguments: KernelCase.all)
  func everyPropertyIsChanged(_ test: KernelCase) {
    let sample = Self.properties(of: test.sample)
    var changed: Set<String> = []
    for variant in test.variants {
      let own = Self.properties(of: variant)
      let differing = sample.keys.filter { sample[$0] != own[$0] }
      #expect(differing.count == 1, "\(test.name): one change differs in \(differing)")
      changed.formUnion(differing)
    }
    #expect(changed == Set(sample.keys), "\(test.name)")
  }

  /// Each change gives another symbol and another function; equal kernels share one.
  @Test(arguments: KernelCase.all)
  func everyPropertyTellsApart(_ test: KernelCase) {
    let module = Module(name: "test", target: .x86v3)
    var (symbols, functions): (Set<String>, Set<UnsafeRawPointer>) = ([], [])
    let kernels = [test.sample] + test.variants
    for kernel in kernels + kernels {
      symbols.insert(KernelSymbol(kernel).text)
      functions.insert(Self.address(kernel, in: module.builder))
    }
    #expect(symbols.count == kernels.count, "\(test.name): symbols")
    #expect(functions.count == kernels.count, "\(test.name): functions")
  }

  /// Symbols are the same in every process and on every machine.
  @Test func symbolsAreStable() {
    #expect(KernelSymbol(SoftmaxRow(columns: 197)).text == "softmax_row_197_255143b839e055bc")
    var kernel = ScoreTile(
      rows: 1, columns: 2, depth: 3, qStride: 4, powerStride: 5, softmax: SoftmaxExponents(),
      isFirst: true)
    #expect(KernelSymbol(kernel).text == "score_1x2x3_f32_99e83df8b7130a3f")
    kernel.softmax.scale = 0.5
    #expect(
      KernelSymbol.description(of: kernel)
        == "ScoreTile(rows:1,columns:2,depth:3,qStride:4,powerStride:5,softmax:SoftmaxExponents("
        + "scale:1056964608,base2:false),isFirst:true,element:ElementType.f32,addedStride:nil,"
        + "isCausal:false,arrangement:Arrangement.stored)")
  }

  private static func address(_ kernel: some Kernel, in builder: Builder) -> UnsafeRawPointer {
    UnsafeRawPointer(builder.function(of: kernel).value.reference)
  }

  /// The stored properties that are no structs themselves, by their paths.
  private static func properties(of value: Any, at path: String = "") -> [String: String] {
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle == .struct else {
      return [path: KernelSymbol.description(of: value)]
    }
    return mirror.children.reduce(into: [:]) { found, child in
      found.merge(properties(of: child.value, at: "\(path).\(child.label ?? "")")) { $1 }
    }
  }
}

/// A kernel, and others that differ from it in one stored property each.
struct KernelCase: CustomTestStringConvertible, Sendable {
  let name: String
  private let made: @Sendable () -> [any Kernel]

  var sample: any Kernel { made()[0] }
  var variants: [any Kernel] { Array(made()[1...]) }
  var testDescription: String { name }

  init<K: Kernel & Sendable>(_ sample: K, _ changes: (@Sendable (inout K) -> Void)...) {
    self.init(sample, changes: changes)
  }

  /// - Parameter changes: each of one property.
  init<K: Kernel & Sendable>(_ sample: K, changes: [@Sendable (inout K) -> Void]) {
    name = "\(K.self)"
    made = {
      [sample]
        + changes.map { change in
          var kernel = sample
          change(&kernel)
          return kernel
        }
    }
  }
}
