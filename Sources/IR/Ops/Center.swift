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
  /// The columns whose means are taken together.
  private static let columns = 128

  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let along = axis < 0 ? x.shape.count - 1 : axis
    let extent = x.shape[along]
    let inner = x.shape[(along + 1)...].reduce(1, *)
    let size = max(1, extent * inner)
    return x.values.withUnsafeBufferPointer { source in
      DenseTensor<S>(shape: x.shape) { target in
        guard let x = source.baseAddress, let y = target.baseAddress else { return }
        // Columns that stay in the L2 cache from the sums to the differences.
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.columns) { means in
          guard let means = means.baseAddress else { return }
          for start in stride(from: 0, to: source.count, by: size) {
            for column in stride(from: 0, to: inner, by: Self.columns) {
              let count = min(Self.columns, inner - column)
              let rows = stride(from: start + column, to: start + size, by: inner)
              means.initialize(repeating: 0, count: count)
              for row in rows { ColumnLoops.add(x + row, to: means, count) }
              for i in 0..<count { means[i] /= Double(extent) }
              for row in rows { ColumnLoops.subtract(means, from: x + row, into: y + row, count) }
            }
          }
        }
      }
    }
  }
}
