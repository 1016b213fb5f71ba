import Diagnostics
import IR

/// The tokens of each block as colours: their first three principal components, as people look at
/// the features of DINO.
struct LayerFigure {
  static let name = "layers"
  static let title = "Tokens by block"

  /// The tokens of one block for one photo, as colours.
  struct Colors {
    /// Rows and columns of the map.
    let grid: [Int]
    /// From 0 to 1: `[row, column, component]`.
    let values: [Double]
    /// The shares of the variance of the three components.
    let explained: [Double]

    /// - Parameters:
    ///   - tokens: a row for each place, tokens before the patches cut off.
    ///   - grid: rows and columns.
    init(_ tokens: [Double], columns: Int, grid: [Int]) throws(Diagnostic) {
      self.grid = grid
      let components = try PrincipalComponents(tokens, columns: columns)
      let (rows, count) = (components.rows, components.singularValues.count)
      var values = Array(repeating: 0.5, count: rows * 3)
      for index in 0..<min(3, components.rank) {
        let scores = (0..<rows).map { components.scores[$0 * count + index] }
        guard let low = scores.min(), let high = scores.max(), high > low else { continue }
        for row in 0..<rows { values[row * 3 + index] = (scores[row] - low) / (high - low) }
      }
      self.values = values
      explained = Array((components.explained + [0, 0, 0]).prefix(3))
    }

    func picture(width: Int, height: Int) -> Raster {
      Raster(width: width, height: height) { x, y in
        let place = (y * grid[0] / height) * grid[1] + x * grid[1] / width
        return Raster.Color(values[3 * place], values[3 * place + 1], values[3 * place + 2])
      }
    }
  }

  /// The side of a tile, in pixels, at most.
  private static let side = 112
  /// The most tiles in a row.
  private static let columns = 7

  private let names: [String]
  private var colors: [[Colors]] = []
  private var pictures: [(Raster, photo: String)] = []

  /// - Parameter names: of what is shown: the embedding and the blocks.
  init(_ names: [String]) { self.names = names }

  /// Takes what is shown of one photo, as the model sees it.
  mutating func add(_ layers: [Colors], photo: Raster, named name: String) {
    colors.append(layers)
    let scale = Double(Self.side) / Double(max(photo.width, photo.height))
    let width = max(1, Int((Double(photo.width) * scale).rounded()))
    let height = max(1, Int((Double(photo.height) * scale).rounded()))
    let tiles =
      [photo.resized(width: width, height: height)]
      + layers.map { $0.picture(width: width, height: height) }
    pictures.append((Raster.tiled(tiles, columns: Self.columns), name))
  }

  /// The figure; at least one photo must have been added.
  func figure() -> Figure {
    var figure = Figure(
      name: Self.name, title: Self.title,
      caption: """
        Row by row: the photo as the model sees it, then the patches' tokens after \
        \(Self.listed(names)). Of each block and photo by itself, the first three principal \
        components of the tokens (their mean subtracted, tokens before the patches left out, no \
        norm applied) are red, green and blue, each from its least to its largest value over the \
        photo. So colours of one tile can be compared, those of two cannot.
        """)
    // The maps of blocks differ in size where the model merges places: an array for each.
    for (index, name) in names.enumerated() {
      let grid = colors[0][index].grid
      figure.add(
        "layers-\(index)", "\(name): colours from 0 to 1: [photo, row, column, component]",
        [colors.count] + grid + [3], colors.flatMap { $0[index].values })
    }
    figure.add(
      "layers-explained", "share of the variance: [photo, block, component]",
      [colors.count, names.count, 3], colors.flatMap { $0.flatMap(\.explained) })
    for (index, picture) in pictures.enumerated() {
      figure.add(
        picture.0, "layers-\(index + 1).png",
        "\(picture.photo): the photo, and its tokens after each block, as colours")
    }
    return figure
  }

  private static func listed(_ names: [String]) -> String {
    names.count > 2
      ? "\(names[0]), \(names[1]), …, \(names[names.count - 1])"
      : names.joined(separator: " and ")
  }

  static func gap(_ reason: String) -> FigureGap {
    FigureGap(name: name, title: title, reason: reason)
  }
}
