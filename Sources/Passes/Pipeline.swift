import Diagnostics
import IR

/// The passes of a compilation, their order, and its reasons.
public enum Pipeline {
  /// The passes of every compilation, from the imported form to the planned one.
  public static let standard = passes(for: .f32)

  /// The passes of matmuls in this precision.
  ///
  /// - Parameters:
  ///   - overrides: names of operations, and the precision of each.
  ///   - unrotated: the names among them that are known before anything is calibrated: values are
  ///     not rotated for these. A calibration is of values as they are.
  ///   - calibrated: integers and biases are those that a calibration finds.
  ///   - attention: the precision of attentions' matmuls, besides what `precision` makes of them:
  ///     `int8`, or nothing.
  public static func passes(
    for precision: Precision, overrides: [String: Precision] = [:],
    unrotated: Set<String>? = nil, calibrated: Bool = false, attention: Precision? = nil
  ) -> [Pass] {
    list(
      for: precision, overrides: overrides, unrotated: unrotated ?? Set(overrides.keys),
      calibrated: calibrated
    ).filter {
      ($0.precisions.isEmpty || $0.precisions.contains(precision))
        && ($0.option == nil || attention == .int8)
    }
  }

  /// All passes, in their order.
  public static let all = list(for: .f32, overrides: [:], unrotated: [], calibrated: false)

  private static func list(
    for precision: Precision, overrides: [String: Precision], unrotated: Set<String>,
    calibrated: Bool
  ) -> [Pass] {
    let floats = Set(overrides.filter { $0.value == .f32 }.keys)
    return [
      .lowerPatchEmbed, .lowerPointwiseConvolutions, .simplifyViews, .fuseAttention, .hoistSlices,
      .foldLayerScale, .foldScale, .foldNorm, .foldAttentionScale, .lookUpBiases, .dropKeyBias,
      .foldValueBias,
      .balanceChannels, .rotateValues(except: unrotated),  // with --precision int8
      .mergeLinears,
      .fuseLinears,  // imported -> fused
      .fuseRMSNorm, .fuseConvolutions, .lowerGroupNorms, .fuseNormalizations,
      .normalizeInConvolutions, .takeMoments, .chooseWinograd { overrides[$0] ?? precision },
      .centerResidual,
      .rotateResidual,  // with --precision int8
      .useInt8(except: Set(overrides.keys), calibrated: calibrated),
      .useBF16(except: floats, calibrated: calibrated),  // with --precision bf16 or int8
      .useInt8Attention(except: Set(overrides.keys)),  // with --attention int8
      .shortenSums, .padHidden, .packWeights, .chooseStrassen,
      .planMemory,  // fused -> planned
    ]
  }

  /// Which pass must be before which other, and why.
  public static let order: [PassOrder] = [
    PassOrder(
      .lowerPatchEmbed, before: .fuseLinears,
      because: "the patch embedding becomes a fused linear layer as any other linear layer"),
    PassOrder(
      .lowerPointwiseConvolutions, before: .fuseLinears,
      because: "the patches of a hybrid become a fused linear layer as any other linear layer"),
    PassOrder(
      .simplifyViews, before: .hoistSlices,
      because: "slices are followed to the class token once nothing is in between"),
    PassOrder(
      .simplifyViews, before: .fuseLinears,
      because: "the position table becomes the residual of the patches' fused linear layer"),
    PassOrder(
      .fuseAttention, before: .hoistSlices,
      because: "rows of an attention's result are rows of its queries; heads hide that"),
    PassOrder(
      .hoistSlices, before: .mergeLinears,
      because: "in the last block the queries read one row and must not be merged with the keys"),
    PassOrder(
      .hoistSlices, before: .foldNorm,
      because: "the last block's queries get a norm of their own row"),
    PassOrder(
      .foldLayerScale, before: .fuseLinears,
      because: "a residual is fused only directly after the projection"),
    PassOrder(
      .foldScale, before: .fuseLinears,
      because: "the sum of two heads is fused only without a factor after it"),
    PassOrder(
      .foldNorm, before: .dropKeyBias,
      because: "the shift of the norm arrives in the keys' bias, which is then dropped"),
    PassOrder(
      .foldNorm, before: .foldValueBias,
      because: "the shift of the norm arrives in the values' bias, which then moves on"),
    PassOrder(
      .foldNorm, before: .centerResidual,
      because: "only a norm without scale and shift is a row scale"),
    PassOrder(
      .foldAttentionScale, before: .lookUpBiases,
      because: "what is added is multiplied by log2 e while it is a matrix of scores"),
    PassOrder(
      .hoistSlices, before: .lookUpBiases,
      because: "of few queries only rows of the matrix are read"),
    PassOrder(
      .foldAttentionScale, before: .mergeLinears,
      because: "the factor is for the queries alone"),
    PassOrder(
      .dropKeyBias, before: .mergeLinears, because: "the bias is the keys' alone"),
    PassOrder(
      .foldValueBias, before: .mergeLinears, because: "the bias is the values' alone"),
    PassOrder(
      .mergeLinears, before: .fuseLinears,
      because: "linear layers are merged before something is fused to them"),
    PassOrder(
      .fuseLinears, before: .fuseRMSNorm,
      because: "fused linear layers scale their rows, linear layers do not"),
    PassOrder(
      .fuseRMSNorm, before: .rotateResidual,
      because: "a rotated stream is read by row scales"),
    PassOrder(
      .foldNorm, before: .fuseRMSNorm, because: "a row scale has no weight"),
    PassOrder(
      .fuseLinears, before: .centerResidual,
      because: "a fused linear layer names what it adds to the residual stream"),
    PassOrder(
      .fuseConvolutions, before: .lowerGroupNorms,
      because: "the moments of an image are taken by its lines, which its convolution knows"),
    PassOrder(
      .lowerGroupNorms, before: .fuseNormalizations,
      because: "what comes after a group norm is done with its scaling"),
    PassOrder(
      .fuseNormalizations, before: .normalizeInConvolutions,
      because: "a convolution takes the normalization with its activation"),
    PassOrder(
      .takeMoments, before: .packWeights,
      because: "it rewrites convolutions as they were fused"),
    PassOrder(
      .takeMoments, before: .chooseWinograd,
      because: "a convolution takes its moments along, in chunks of its own"),
    PassOrder(
      .chooseWinograd, before: .packWeights,
      because: "the weights of Winograd's way are packed otherwise"),
    PassOrder(
      .chooseWinograd, before: .useBF16,
      because: "Winograd's way begins with a weight that has not been rounded"),
    PassOrder(
      .useBF16, before: .useInt8Attention,
      because: "what reads an attention in bf16 is known by what it multiplies itself"),
    PassOrder(
      .useBF16, before: .shortenSums, because: "matmuls of bf16 err far more than their sums"),
    PassOrder(
      .centerResidual, before: .packWeights, because: "panels cannot be centred"),
    PassOrder(
      .foldValueBias, before: .rotateValues,
      because: "values without a bias have none that must be rotated"),
    PassOrder(
      .foldValueBias, before: .balanceChannels,
      because: "values without a bias have none that must be balanced"),
    PassOrder(
      .balanceChannels, before: .rotateValues,
      because: "a rotation spreads a channel that is too large over all others"),
    PassOrder(
      .rotateValues, before: .mergeLinears, because: "the weight is the values' alone"),
    PassOrder(
      .centerResidual, before: .rotateResidual,
      because: "a rotation keeps the scale of rows of mean zero, not their mean"),
    PassOrder(
      .rotateResidual, before: .useInt8, because: "what is quantized has been rotated"),
    PassOrder(
      .useInt8, before: .useBF16, because: "what is not an integer is rounded to bf16"),
    PassOrder(
      .centerResidual, before: .useBF16,
      because: "weights are rounded when nothing more is folded into them"),
    PassOrder(
      .useBF16, before: .packWeights, because: "panels of bf16 hold pairs along the depth"),
    PassOrder(
      .useBF16, before: .padHidden, because: "only what stays f32 gains"),
    PassOrder(
      .shortenSums, before: .padHidden, because: "layers with short sums are left as they are"),
    PassOrder(
      .padHidden, before: .packWeights, because: "panels cannot be given more columns"),
    PassOrder(
      .packWeights, before: .chooseStrassen, because: "pairs of panels are what it adds up"),
    PassOrder(
      .packWeights, before: .planMemory, because: "what is placed are the panels"),
  ]

  /// Returns the pass of a name.
  ///
  /// - Throws: an unknown name, with the nearest ones.
  public static func pass(named name: String) throws(Diagnostic) -> Pass {
    guard let pass = all.first(where: { $0.name == name }) else {
      throw Diagnostic(
        "unknown pass '\(name)'", hint: Suggestion.hint(for: name, in: all.map(\.name)))
    }
    return pass
  }

  /// The last pass that makes `form`; `nil` for the imported form, which no pass need make.
  public static func lastPass(making form: Form) -> Pass? {
    form == .imported ? nil : standard.last { $0.output == form }
  }
}

/// That one pass must be before another, and why.
public struct PassOrder: Sendable {
  /// The pass that comes first.
  public let first: Pass
  /// The pass that comes later.
  public let second: Pass
  /// The reason, a clause.
  public let reason: String

  /// Creates a constraint.
  public init(_ first: Pass, before second: Pass, because reason: String) {
    self.first = first
    self.second = second
    self.reason = reason
  }
}
