import Diagnostics

/// Brings the rows of an image's places into the order of windows.
///
/// The image is widened below and to the right until windows cover it, then moved up and to the
/// left by `shift`, what leaves it coming back in from the other side; with `moves_first` it is
/// moved before it is widened. The rows of the first window come first, those of a window row by
/// row. Operands: `x: [image[0] * image[1], dim]`; optionally `border: [dim]`, the row of each
/// place that the image is widened by, zeros without it. Result: `[places of all windows, dim]`.
/// Attributes: `image`, `window`: rows and columns; `shift`, default `[0, 0]`; `moves_first`,
/// default false.
///
/// - C1: `image` and `window` are two extents from 1 to 4096 each, and `shift` lies within both.
/// - C2: `x` has rank 2 and a row for each place of the image.
/// - C3: `border` is f32 and has the columns of `x`.
///
/// Reference: Liu et al. 2021, arXiv:2103.14030, section 3.2.
public struct WindowPartition: OpDefinition {
  /// The image, the windows, and where they are.
  public var grid: WindowGrid

  /// Creates the op.
  public init(_ grid: WindowGrid) { self.grid = grid }

  static let mnemonic = "window_partition"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes { grid.attributes }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    grid = try WindowGrid(reading: &attributes)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    if let problem = grid.problem { throw violation("C1", problem) }
    try requireRank("C2", "x", operands[0], 2)
    try require(
      "C2", operands[0].shape[0] == grid.places,
      "x: expected \(grid.places) rows, found \(operands[0])")
    let columns = operands[0].shape[1]
    if operands.count > 1 { try requireType("C3", "border", operands[1], .f32(columns)) }
    return .f32(grid.widenedPlaces, columns)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let columns = operands[0].columns
    let border =
      operands.count > 1 ? operands[1].values : Array(repeating: 0, count: columns)
    var values: [S] = []
    values.reserveCapacity(grid.widenedPlaces * columns)
    for place in 0..<grid.widenedPlaces {
      if let source = grid.source(place) {
        values += operands[0].values[source * columns..<(source + 1) * columns]
      } else {
        values += border
      }
    }
    return DenseTensor<S>(shape: [grid.widenedPlaces, columns], values: values)
  }
}

extension WindowGrid {
  /// As operations write it.
  var attributes: Attributes {
    var list = Attributes()
    list.set("image", .integers(image))
    list.set("window", .integers(window))
    if shift != [0, 0] { list.set("shift", .integers(shift)) }
    if movesFirst { list.set("moves_first", .boolean(true)) }
    return list
  }

  init(reading attributes: inout Attributes) throws(Diagnostic) {
    image = try attributes.integers("image")
    window = try attributes.integers("window")
    shift = attributes.names.contains("shift") ? try attributes.integers("shift") : [0, 0]
    movesFirst = try attributes.boolean("moves_first")
  }
}
