import Diagnostics

/// Keeps a range along one dimension.
///
/// `y[.., i, ..] = x[.., start + i, ..]` for `i` in `0..<count`. Attributes: `axis`, default 0;
/// `start`; `count`. In the planned form the result lies inside the operand, and nothing is done.
///
/// - C1: `axis` is a dimension of `x`.
/// - C2: `start..<start + count` is not empty and lies within it.
/// - C3: no pair of bf16 columns is torn: kernels read them as words of 32 bits.
public struct Slice: OpDefinition {
  /// The dimension that is cut.
  public var axis: Int
  /// The first index kept.
  public var start: Int
  /// How many are kept.
  public var count: Int

  /// Creates a slice.
  public init(axis: Int = 0, start: Int, count: Int) {
    self.axis = axis
    self.start = start
    self.count = count
  }

  static let mnemonic = "slice"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .view(.slice(axis: axis, start: start)) }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // Words of two columns must not be torn.
    let keepsWords =
      (operands[0].shape.last ?? 0) % 2 == 0 && (axis == 0 || start % 2 == 0 && count % 2 == 0)
    return OpFacts(
      inPlace: [], rows: axis == 0 ? .shifted(by: start) : .same([0]),
      addends: axis == 0 ? [0] : [], norm: nil, absorbs: [], spread: .any, carriesBF16: keepsWords,
      work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    if axis != 0 { list.set("axis", .integer(axis)) }
    list.set("start", .integer(start))
    list.set("count", .integer(count))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    axis = try attributes.integer("axis", default: 0)
    start = try attributes.integer("start")
    count = try attributes.integer("count")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    var result = operands[0]
    try require(
      "C1", axis >= 0 && axis < result.rank, "axis: \(axis) is not a dimension of \(result)")
    try require(
      "C2", start >= 0 && count > 0 && count <= result.shape[axis] - start,
      "range: \(count) from \(start) is not within \(result) along \(axis)")
    result.shape[axis] = count
    try requirePairs("C3", "x", operands[0])
    try require(
      "C3",
      !result.element.isNarrowFloat || axis < result.rank - 1
        || start % result.element.perGroup == 0,
      "range: groups of \(result.element.rawValue) begin at multiples of "
        + "\(result.element.perGroup) columns, found \(start)")
    try requirePairs("C3", "result", result)
    return result
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let outer = x.shape[..<axis].reduce(1, *)
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    var shape = x.shape
    shape[axis] = count
    if outer == 1 {
      return DenseTensor<S>(
        shape: shape, values: Array(x.values[start * inner..<(start + count) * inner]))
    }
    var values: [S] = []
    values.reserveCapacity(outer * count * inner)
    for o in 0..<outer {
      let first = (o * x.shape[axis] + start) * inner
      values += x.values[first..<first + count * inner]
    }
    return DenseTensor<S>(shape: shape, values: values)
  }
}
