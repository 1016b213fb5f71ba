import Diagnostics

/// Brings the rows of windows back into the order of the image's places: what `window_partition` of
/// the same attributes has done, undone; the rows that it has widened the image by are dropped.
///
/// Operand: `x: [places of all windows, dim]`. Result: `[image[0] * image[1], dim]`. Attributes:
/// `image`, `window`: rows and columns; `shift`, default `[0, 0]`; `moves_first`, default false.
///
/// - C1: `image` and `window` are two extents from 1 to 4096 each, and `shift` lies within both.
/// - C2: `x` has rank 2 and a row for each place of all windows.
public struct WindowMerge: OpDefinition {
  /// The image, the windows, and where they are.
  public var grid: WindowGrid

  /// Creates the op.
  public init(_ grid: WindowGrid) { self.grid = grid }

  static let mnemonic = "window_merge"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
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
      "C2", operands[0].shape[0] == grid.widenedPlaces,
      "x: expected \(grid.widenedPlaces) rows, found \(operands[0])")
    return .f32(grid.places, operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let columns = operands[0].columns
    return DenseTensor<S>(shape: [grid.places, columns]) { y in
      for place in 0..<grid.widenedPlaces {
        guard let source = grid.source(place) else { continue }
        for column in 0..<columns {
          y[source * columns + column] = operands[0].values[place * columns + column]
        }
      }
    }
  }
}
