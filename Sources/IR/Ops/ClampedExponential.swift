import Diagnostics
import Glibc

/// The exponential of numbers that are no larger than a limit.
///
/// `y = exp(min(x, limit))`: what cosines are multiplied by, whose logarithm is learned. Operand:
/// `x` of any shape. Attribute: `limit`. A function of weights: it is computed at compile time.
///
/// - C1: `x` is f32.
///
/// Reference: Liu et al. 2021, arXiv:2111.09883, section 3.3.
public struct ClampedExponential: OpDefinition {
  /// The largest exponent.
  public var limit: Float

  /// Creates the op.
  public init(limit: Float) { self.limit = limit }

  static let mnemonic = "clamped_exponential"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("limit", .number(limit))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    limit = try attributes.number("limit")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1", operands[0].element == .f32, "x: expected f32, found \(operands[0])")
    return operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let limit = Double(limit)
    return DenseTensor<S>(
      shape: operands[0].shape,
      values: operands[0].values.map { S(Glibc.exp($0.double > limit ? limit : $0.double)) })
  }
}
