import Diagnostics

/// Multiplies by a vector along one dimension, or element by element.
///
/// `y[.., i, ..] = x[.., i, ..] * factor[i]` with `i` along `axis`. Operands: `x` of any shape,
/// `factor: [extent of axis]`, or both of one shape. Attribute: `axis`; default -1, the last one.
///
/// - C1: `axis` is a dimension of `x`.
/// - C2: `factor` has the shape of `x`, or that of its `axis`.
public struct Multiply: OpDefinition {
  /// The dimension that `factor` runs along; -1 is the last one.
  public var axis: Int

  /// Creates a multiplication.
  public init(axis: Int = -1) { self.axis = axis }

  static let mnemonic = "multiply"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    let isElementwise = operands[1].rank == 2
    return OpFacts(
      inPlace: [0, 1], rows: isElementwise ? .same([0, 1]) : axis == 0 ? .all : .same([0]),
      addends: [], norm: nil, absorbs: [], spread: .any, carriesBF16: false, work: nil)
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
    let extent = x.shape[axis < 0 ? x.rank - 1 : axis]
    try require(
      "C2", operands[1] == x || operands[1] == .f32(extent),
      "factor: expected \(TensorType.f32(extent)) or \(x), found \(operands[1])")
    return x
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, factor) = (operands[0], operands[1])
    let isElementwise = factor.shape == x.shape
    let last = axis < 0 ? x.shape.count - 1 : axis
    let inner = isElementwise ? 1 : x.shape[(last + 1)...].reduce(1, *)
    // Buffers: checked subscripts would take three times as long, over all weights of a model.
    return x.values.withUnsafeBufferPointer { x in
      factor.values.withUnsafeBufferPointer { factor in
        DenseTensor<S>(shape: operands[0].shape) { y in
          for start in stride(from: 0, to: x.count, by: max(1, factor.count * inner)) {
            if inner == 1 {
              for i in factor.indices { y[start + i] = x[start + i] * factor[i] }
            } else {
              for f in factor.indices {
                let row = start + f * inner
                for i in row..<row + inner { y[i] = x[i] * factor[f] }
              }
            }
          }
        }
      }
    }
  }
}
