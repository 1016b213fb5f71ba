import Diagnostics

/// What is added to the variance, or to its root, in `standardize_weight`.
public enum Standardization: String, Hashable, Sendable, CaseIterable {
  /// `(w - mean) / sqrt(variance + epsilon)`: Big Transfer (1e-10), timm and Hugging Face (1e-8).
  case variance
  /// `(w - mean) / (sqrt(variance) + epsilon)`: the ResNets of JAX's Vision Transformers (1e-5).
  case deviation
}

/// Gives each filter of a convolution zero mean and unit variance.
///
/// `y[o, ...] = (w[o, ...] - mean_o) / sqrt(variance_o + epsilon)`, or the difference over
/// `sqrt(variance_o) + epsilon` where `kind` is `deviation`
///
/// Mean and (biased) variance are those of all elements of filter `o`. Operand: `w: [out, ...]` of
/// at least rank 2, a function of weights only: it is evaluated when the weights are written.
/// Result: the same shape. Attributes: `epsilon`, dimensionless; `kind`, one of `variance`, the
/// default, and `deviation`.
///
/// - C1: `w` has at least rank 2.
///
/// Reference: Qiao et al. 2019, arXiv:1903.10520, equation 6.
public struct StandardizeWeight: OpDefinition {
  /// What keeps the divisor from zero.
  public var epsilon: Float
  /// Where it is added.
  public var kind: Standardization

  /// Creates the op.
  public init(epsilon: Float, kind: Standardization = .variance) {
    self.epsilon = epsilon
    self.kind = kind
  }

  static let mnemonic = "standardize_weight"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("epsilon", .number(epsilon))
    if kind != .variance { list.set("kind", .text(kind.rawValue)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    epsilon = try attributes.number("epsilon")
    kind = try attributes.choice("kind", default: .variance)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1", operands[0].rank >= 2 && operands[0].element == .f32,
      "w: expected f32 of at least rank 2, found \(operands[0])")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var result = operands[0]
    let size = result.values.count / result.shape[0]
    result.values.withUnsafeMutableBufferPointer { w in
      for start in stride(from: 0, to: w.count, by: size) {
        let filter = start..<start + size
        var sum = 0.0
        for i in filter { sum += Double(w[i]) }
        let mean = sum / Double(size)
        var squares = 0.0
        for i in filter { squares += (Double(w[i]) - mean) * (Double(w[i]) - mean) }
        let variance = squares / Double(size)
        let divisor =
          switch kind {
          case .variance: (variance + Double(epsilon)).squareRoot()
          case .deviation: variance.squareRoot() + Double(epsilon)
          }
        for i in filter { w[i] = S((Double(w[i]) - mean) / divisor) }
      }
    }
    return result
  }
}
