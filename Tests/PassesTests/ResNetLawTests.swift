import IR
import Models
import RandomModels
import Testing

@testable import Passes

/// The laws of passes on random small residual networks.
struct ResNetLawTests {
  static let seeds = Array(UInt64(1)...16)
  /// Every group norm brings the errors before it to the size of its own result.
  private static let tolerance = 5e-5

  /// Each pass, on the graph that the passes before it leave, keeps the results and does nothing
  /// the second time.
  @Test(arguments: seeds)
  func eachPassPreservesResultsAndIsIdempotent(seed: UInt64) throws {
    let net = SmallResNet(seed: seed)
    var graph = try net.graph()
    try Verifier.verify(graph)
    let expected = Reference.results(graph)
    var context = PassContext()
    for pass in Pipeline.standard {
      graph = try pass.transform(graph, &context)
      try Verifier.verify(graph)
      let error = Reference.error(expected, Reference.results(graph))
      #expect(error <= Self.tolerance, "\(pass.name) on \(net)")
      if pass.input == pass.output {
        let again = try pass.transform(graph, &context)
        #expect(again == graph, "\(pass.name) is not idempotent on \(net)")
      }
    }
  }

  @Test(arguments: [3, 8] as [UInt64])
  func everyRewriteLimitPreservesResults(seed: UInt64) throws {
    let net = SmallResNet(seed: seed)
    let graph = try net.graph()
    let expected = Reference.results(graph)
    for limit in stride(from: 0, through: 60, by: 3) {
      let result = try PassManager().run(graph, PassManager.Options(rewriteLimit: limit))
      let error = Reference.error(expected, Reference.results(result.graph))
      #expect(error <= Self.tolerance, "limit \(limit) on \(net)")
    }
  }

  /// The memory that was planned, when really used, gives the results.
  @Test(arguments: seeds)
  func plannedMemoryHoldsWhatIsRead(seed: UInt64) throws {
    let net = SmallResNet(seed: seed)
    let graph = try net.graph()
    let planned = try PassManager().run(graph).graph
    var simulator = MemorySimulator(
      image: Reference.tensor("input image", [3, net.size, net.size + 2]))
    let results = simulator.results(
      planned, arenaBytes: planned.arenaBytes, weightsBytes: planned.weightsBytes)
    #expect(Reference.error(Reference.results(graph), results) <= Self.tolerance, "\(net)")
  }

  /// Before activation nothing is left but convolutions, the pool's own moments, factors and the
  /// head; after activation a normalization ends each unit.
  @Test(arguments: seeds)
  func networksBecomeConvolutions(seed: UInt64) throws {
    let net = SmallResNet(seed: seed)
    let planned = try PassManager().run(try net.graph()).graph
    let constants = planned.constants()
    var counts: [String: Int] = [:]
    for (index, node) in planned.nodes.enumerated() where !constants[index] && !node.op.isView {
      counts[node.op.mnemonic, default: 0] += 1
    }
    let units = net.units.reduce(0, +)
    // Tokens after a norm are a convolution that normalizes, else a linear layer.
    let tokens = net.isPreActivation && net.hasTokens ? 1 : 0
    #expect(counts["convolution"] == 1 + 3 * units + net.units.count + tokens, "\(net)")
    let normalizations = net.isPreActivation ? 1 - tokens : 1 + units
    #expect(counts["normalize"] == (normalizations == 0 ? nil : normalizations), "\(net)")
    #expect(counts["moments"] == (net.isPreActivation ? 1 : nil), "\(net)")
    for gone in ["conv2d", "group_norm", "activation", "add"] {
      #expect(counts[gone] == nil, "\(gone) in \(net)")
    }
  }

  /// Only networks of more than 160 convolutions sum in short parts, and only in f32.
  @Test(arguments: [
    ("R200x3", Precision.f32, true), ("R200x3", .bf16, false), ("R152x1", .f32, false),
  ])
  func deepNetworksSumInShortParts(name: String, precision: Precision, isShort: Bool) throws {
    let graph = try Variants.named(name).configuration.graph(outputs: [.logits])
    let planned = try PassManager(Pipeline.passes(for: precision)).run(graph).graph
    let parts = planned.nodes.compactMap { node -> Int?? in
      if case .convolution(let op) = node.op { .some(op.summation.block) } else { nil }
    }
    #expect(parts.count > 100)
    #expect(parts.allSatisfy { ($0 != nil) == isShort })
  }
}
