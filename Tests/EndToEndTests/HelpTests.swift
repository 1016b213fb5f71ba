import Codegen
import Compiler
import Diagnostics
import Evaluation
import IR
import Models
import Passes
import SeededRandom
import Testing

/// Tasks that help others with their shares: whoever does a piece, the bits are the same.
@Suite struct HelpTests {
  private typealias Case = (
    model: String, size: Int, precision: Precision, helped: Set<String>
  )

  /// Models, and which of their operations have pieces for others.
  private static let cases: [Case] = [
    ("vit_small_patch16_224", 224, .f32, ["fused_linear", "fused_linear strassen", "attention"]),
    ("vit_tiny_patch16_224", 224, .int8, ["fused_linear", "attention"]),
    ("resnetv2_18", 128, .f32, ["convolution", "convolution winograd"]),
  ]

  @Test(arguments: cases.indices)
  func `help changes no bit`(index: Int) throws {
    let test = Self.cases[index]
    let options = ModelOptions(
      weights: "seed:1", imageSize: (height: test.size, width: test.size))
    let model = try Model.load(test.model, options: options)
    // The integers' attention too, which packs what it reads for itself.
    let attention: Precision? = test.precision == .int8 ? .int8 : nil
    let passes = Pipeline.passes(for: test.precision, attention: attention)
    let planned = try PassManager(passes).run(model.graph(outputs: [.features])).graph
    let image = SeededCheckpoint.tensor(
      name: "input", shape: [3, test.size, test.size], seed: 1
    ).values
    let checkpoint = model.checkpoint
    for target in Target.runnableHere.suffix(2) {
      let program = try GuardedProgram(planned, target: target, in: Workbench()) {
        (name) throws(Diagnostic) in try checkpoint.read(name)
      }
      let alone = program.run(image, tasks: 2, fence: .right)
      #expect(program.helped.isEmpty)
      for tasks in [2, 3] as [Int32] {
        #expect(
          program.run(image, tasks: tasks, fence: .left, isHelped: true) == alone,
          "\(test.model), \(target.name), \(tasks) tasks")
        #expect(test.helped.isSubset(of: Set(program.helped.map(Self.kind))))
      }
    }
  }

  /// The operation, and the algorithm if it is not the direct one.
  private static func kind(_ node: Node) -> String {
    let algorithm: String? =
      switch node.op {
      case .fusedLinear(let op): op.algorithm == .strassen ? "strassen" : nil
      case .convolution(let op): if case .winograd = op.algorithm { "winograd" } else { nil }
      default: nil
      }
    return [node.op.mnemonic, algorithm].compactMap { $0 }.joined(separator: " ")
  }
}
