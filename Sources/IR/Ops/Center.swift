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
  func evaluate(_ operands: [Tensor]) -> Tensor {
    var result = operands[0]
    let along = axis < 0 ? result.shape.count - 1 : axis
    let extent = result.shape[along]
    let inner = result.shape[(along + 1)...].reduce(1, *)
    var sums = Array(repeating: 0.0, count: inner)
    for start in stride(from: 0, to: result.values.count, by: extent * inner) {
      for i in sums.indices { sums[i] = 0 }
      for e in 0..<extent {
        for i in 0..<inner { sums[i] += Double(result.values[start + e * inner + i]) }
      }
      for i in sums.indices { sums[i] /= Double(extent) }
      for e in 0..<extent {
        for i in 0..<inner {
          let index = start + e * inner + i
          result.values[index] = Float(Double(result.values[index]) - sums[i])
        }
      }
    }
    return result
  }
}
