import Diagnostics
import IR

/// How an operation becomes a step: which kernel does it, and where the kernel finds its operands.
///
/// The conformance of an operation is the file of its name beside this one.
protocol Lowering {
  /// `true` iff operands and result may be narrower than floats; by default they may not, and the
  /// node is refused.
  var takesNarrowElements: Bool { get }

  /// Chooses the kernel for a node of this operation, and binds its parameters.
  func lower(_ site: LoweringSite) throws(Diagnostic) -> StepCall
}

extension Lowering {
  var takesNarrowElements: Bool { false }
}

extension Op {
  /// How the operation becomes a step; `nil`: it never does, since it is a view, is evaluated when
  /// the weights are written, or has been rewritten before.
  var lowering: (any Lowering)? {
    switch self {
    case .activation(let op): op
    case .add(let op): op
    case .attention(let op): op
    case .attentionRow(let op): op
    case .attentionDistance(let op): op
    case .center(let op): op
    case .fusedLinear(let op): op
    case .conv2d(let op): op
    case .convolution(let op): op
    case .copy(let op): op
    case .extractPatches(let op): op
    case .embedding(let op): op
    case .fill(let op): op
    case .groupNorm(let op): op
    case .evoNorm(let op): op
    case .filterResponseNorm(let op): op
    case .layerNorm(let op): op
    case .matMul(let op): op
    case .maxPool(let op): op
    case .meanRows(let op): op
    case .moments(let op): op
    case .multiply(let op): op
    case .groupScaleShift(let op): op
    case .normalize(let op): op
    case .rmsNorm(let op): op
    case .l2Norm(let op): op
    case .rollout(let op): op
    case .round(let op): op
    case .rope(let op): op
    case .relativeScores(let op): op
    case .windowPartition(let op): op
    case .windowMerge(let op): op
    case .pickRow(let op): op
    case .scale(let op): op
    case .softmax(let op): op
    case .swiGLU(let op): op
    case .transpose(let op): op
    case .input, .weight, .slice, .reshape, .concatenate, .patchEmbed, .linear, .splitHeads,
      .mergeHeads, .resizePositionEmbedding, .ropeTable, .learnedRopeTable, .deinterleave,
      .differenceScale, .batchScaleShift, .relativePositionBias, .relativeBiasTable,
      .continuousPositionTable,
      .clampedExponential, .relativeTable, .distanceTable, .standardizeWeight, .pack,
      .winogradWeight, .quantize, .quantizationParameters,
      .balance, .hadamard, .diagonal:
      nil
    }
  }
}

extension StepCall {
  /// Lowers a node of a planned graph.
  ///
  /// - Throws: an operation that has no code, a value without a place or of a type that the kernels
  ///   do not take.
  init(_ node: Node, in graph: Graph, for target: Target) throws(Diagnostic) {
    let site = try LoweringSite(node, in: graph, for: target)
    guard let lowering = node.op.lowering else {
      throw Diagnostic(
        "'\(node.op.mnemonic)' has no code: it is computed from weights, or rewritten before",
        at: .node(node.name))
    }
    if !lowering.takesNarrowElements {
      for type in site.types + [node.type] where type.element != .f32 {
        throw Diagnostic(
          "'\(node.op.mnemonic)' is compiled for f32 only, found \(type)", at: .node(node.name))
      }
    }
    self = try lowering.lower(site)
  }
}
