import IR
import RandomModels
import Testing

@testable import Passes

/// Laws of the passes on random small text towers.
struct TextLawTests {
  static let seeds = Array(UInt64(1)...24)

  @Test(arguments: seeds, Precision.allCases)
  func `passes keep results`(seed: UInt64, precision: Precision) throws {
    let text = SmallText(seed: seed)
    let ids = Reference.input(
      Input(type: TensorType(.i32, [text.length]), limit: text.vocabulary), named: "ids")
    try PrecisionLaws.hold(of: text.graph(), on: ids, precision, text)
  }

  /// Blocks become few large operations, as those of an image encoder do; norms that only linear
  /// layers read become row scales, since the table of tokens can be centred.
  @Test(arguments: seeds)
  func `blocks are fused`(seed: UInt64) throws {
    let text = SmallText(seed: seed)
    let graph = try PassManager(Pipeline.standard).run(text.graph()).graph
    let constants = graph.constants()
    let left = graph.nodes.indices.filter { !constants[$0] }.map { graph.nodes[$0].op.mnemonic }
    #expect(left.count { $0 == "attention" } == text.depth, "\(text)")
    #expect(!left.contains("softmax") && !left.contains("linear"), "\(text)")
    #expect(left.count { $0 == "embedding" } == 1, "\(text)")
    if !text.returnsTokens { #expect(!left.contains("layer_norm"), "\(text)") }
  }
}
