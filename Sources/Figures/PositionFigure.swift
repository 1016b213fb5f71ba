import Diagnostics
import Evaluation
import IR

/// How similar the positions of patches are.
///
/// Source: Dosovitskiy et al. 2020, arXiv:2010.11929v2, figure 7, centre.
enum PositionFigure {
  static let name = "positions"
  static let title = "Similarity of positions"

  /// What stands for the positions.
  enum Kind {
    /// Rows that are added to patches.
    case table
    /// Cosines and sines of the angles that queries and keys are turned by.
    case rotation
  }

  /// The most tiles along a side.
  private static let most = 8
  /// The side of a tile, in pixels, that maps are enlarged to, by whole factors.
  private static let side = 56

  /// - Parameters:
  ///   - table: a row for each place of the grid, row by row.
  ///   - grid: rows and columns.
  ///   - compiled: the grid that the model is compiled for.
  static func make(
    _ table: DenseTensor<Double>, grid: [Int], compiled: [Int], kind: Kind
  ) -> FigureResult {
    let count = grid[0] * grid[1]
    let unit = DenseTensor(shape: table.shape, values: normalized(table))
    let similarity = unit.multiplied(byTransposed: unit).values
    let steps = grid.map { ($0 + most - 1) / most }
    let (rows, columns) = (
      Array(stride(from: 0, to: grid[0], by: steps[0])),
      Array(stride(from: 0, to: grid[1], by: steps[1]))
    )
    var figure = Figure(
      name: name, title: title, caption: caption(kind, grid, compiled, steps))
    figure.scale = .init(map: .viridis, lowest: "-1", highest: "1")
    figure.facts = facts(similarity, grid)
    figure.add(
      "positions",
      "cosine similarity of two places: [row, column, row, column]",
      grid + grid, similarity)
    let factor = max(1, side / max(grid[0], grid[1]))
    let tiles = rows.flatMap { row in
      columns.map { column in
        let start = (row * grid[1] + column) * count
        return ColorMap.viridis.picture(
          of: similarity[start..<start + count], width: grid[1], from: -1...1
        ).enlarged(factor)
      }
    }
    figure.add(
      Raster.tiled(tiles, columns: columns.count), "positions.png",
      "for \(tiles.count) patches, a map of how similar the positions of all patches are")
    return .figure(figure)
  }

  private static func caption(
    _ kind: Kind, _ grid: [Int], _ compiled: [Int], _ steps: [Int]
  ) -> String {
    let what =
      switch kind {
      case .table:
        """
        Cosine similarity of the position embeddings of patches, those of tokens before them left \
        out
        """
      case .rotation:
        """
        The model has no table of positions: it turns queries and keys by angles. Shown is the \
        mean, over the angles, of the cosine of the difference between those of two patches
        """
      }
    let every =
      steps == [1, 1]
      ? "for each patch" : "for every \(steps[0]). row and every \(steps[1]). column of patches"
    let resized =
      grid == compiled
      ? "" : " The table is the checkpoint's own; it is resized to \(compiled[0]) x \(compiled[1])."
    return """
      \(what). There is a tile \(every) of the grid of \(grid[0]) x \(grid[1]), at the patch's \
      place: the similarity of its position with those of all patches, from -1 to 1 in all \
      tiles.\(resized)
      """
  }

  /// Rows of length 1; those of zeros stay so, and are similar to nothing.
  private static func normalized(_ table: DenseTensor<Double>) -> [Double] {
    var values = table.values
    let dim = table.columns
    for start in stride(from: 0, to: values.count, by: dim) {
      let norm = values[start..<start + dim].reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 0 else { continue }
      for i in start..<start + dim { values[i] /= norm }
    }
    return values
  }

  /// Means over pairs of two different patches, and over all pairs.
  private static func facts(
    _ similarity: [Double], _ grid: [Int]
  ) -> [(name: String, value: Double)] {
    let count = grid[0] * grid[1]
    var (sameRow, sameColumn, other) = (Mean(), Mean(), Mean())
    for a in 0..<count {
      for b in 0..<count where a != b {
        let value = similarity[a * count + b]
        if a / grid[1] == b / grid[1] {
          sameRow.add(value)
        } else if a % grid[1] == b % grid[1] {
          sameColumn.add(value)
        } else {
          other.add(value)
        }
      }
    }
    return [
      ("mean_same_row", sameRow.value), ("mean_same_column", sameColumn.value),
      ("mean_elsewhere", other.value), ("least", similarity.min() ?? 0),
      ("mean", similarity.reduce(0, +) / Double(similarity.count)),
    ]
  }

  static func gap(_ reason: String) -> FigureGap {
    FigureGap(name: name, title: title, reason: reason)
  }
}

/// A mean in the making; 0 of nothing.
struct Mean {
  private(set) var sum = 0.0
  private(set) var count = 0

  var value: Double { count == 0 ? 0 : sum / Double(count) }

  mutating func add(_ value: Double) {
    sum += value
    count += 1
  }
}
