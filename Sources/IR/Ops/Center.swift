import Diagnostics

/// Subtracts the mean along one dimension.
///
/// `y[.., i, ..] = x[.., i, ..] - mean_i x[.., i, ..]` with `i` along `axis`. Attribute: `axis`,
/// default -1, the last one. Applied to whatever writes the residual stream, it makes every row
/// mean zero, so that a layer norm has only to divide.
///
/// - C1: `axis` is a dimension of `x`.
public struct Center: OpDefinition {
  /// The dimension along which the mean is taken; -1 is the last one.
  public var axis: Int

  /// Creates a centring.
  public init(axis: Int = -1) { self.axis = axis }

  static let mnemonic = "center"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: axis == 0 ? .all : .same([0]), addends: [], norm: nil, absorbs: [],
      spread: .any, carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    if axis != -1 { list.set("axis", .integer(axis)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    axis = try attributes.integer("axis", default: -1)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let x = operands[0]
    try require(
      "C1", axis >= -1 && axis < x.rank && x.rank > 0,
      "axis: \(axis) is not a dimension of \(x)")
    return x
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let along = axis < 0 ? x.shape.count - 1 : axis
    let extent = x.shape[along]
    let inner = x.shape[(along + 1)...].reduce(1, *)
    var means = Array(repeating: 0.0, count: inner)
    // Buffers: checked subscripts would take three times as long, over all weights of a model.
    return x.values.withUnsafeBufferPointer { x in
      means.withUnsafeMutableBufferPointer { means in
        DenseTensor<S>(shape: operands[0].shape) { y in
          for start in stride(from: 0, to: x.count, by: max(1, extent * inner)) {
            means.update(repeating: 0)
            for row in stride(from: start, to: start + extent * inner, by: max(1, inner)) {
              for i in 0..<inner { means[i] += Double(x[row + i]) }
            }
            for i in 0..<inner { means[i] /= Double(extent) }
            for row in stride(from: start, to: start + extent * inner, by: max(1, inner)) {
              for i in 0..<inner { y[row + i] = S(Double(x[row + i]) - means[i]) }
            }
          }
        }
      }
    }
  }
}
