import Models

/// Attention rollout: where in the photo the model's answer comes from, by attention alone.
///
/// Source: Dosovitskiy et al. 2020, arXiv:2010.11929v2, figures 6 and 14.
struct RolloutFigure {
  static let name = "rollout"
  static let title = "Attention rollout"

  private let grid: TokenMap
  private let fusion: AttentionRollout.Fusion
  private var maps: [Double] = []
  private var ownShares: [Double] = []
  private var pictures: [(Raster, photo: String)] = []

  init(_ grid: TokenMap, _ fusion: AttentionRollout.Fusion) {
    self.grid = grid
    self.fusion = fusion
  }

  /// Takes the row of one photo, as the model sees it.
  mutating func add(_ row: [Double], photo: Raster, named name: String) {
    let map = Array(row[grid.prefix..<grid.prefix + grid.patches])
    maps += map
    ownShares.append((row[..<grid.prefix] + row[(grid.prefix + grid.patches)...]).reduce(0, +))
    pictures.append((Overlay(map, grid: grid.grid).drawn(over: photo), name))
  }

  /// The figure; at least one photo must have been added.
  func figure() -> Figure {
    var figure = Figure(name: Self.name, title: Self.title, caption: caption)
    figure.scale = .init(map: .magma, lowest: "0", highest: "99th percentile")
    let uniform = 1 / Double(grid.tokens)
    figure.facts = [
      ("mean_share_before_patches", ownShares.reduce(0, +) / Double(ownShares.count)),
      ("largest_over_uniform", (maps.max() ?? 0) / uniform),
    ]
    figure.add(
      "rollout", "share of the answer: [photo, row, column]",
      [pictures.count, grid.rows, grid.columns], maps)
    for (index, picture) in pictures.enumerated() {
      figure.add(
        picture.0, "rollout-\(index + 1).png",
        "\(picture.photo): photo, map, and their product")
    }
    return figure
  }

  private var caption: String {
    let start =
      switch grid.reader {
      case .classToken: "of the class token"
      case .classTokens(let places):
        places == Array(places.indices)
          ? "of the mean of the first \(places.count) tokens"
          : "of the mean of the tokens \(places.map(String.init).joined(separator: ", "))"
      case .average: "of the mean of all patches, which is what the head reads,"
      case .probe: "of what the pooling's learned query attends to"
      }
    let heads =
      switch fusion {
      case .mean: "averaged over heads"
      case .max: "the largest over heads"
      }
    return """
      Attention weights \(heads), the identity added for the residual stream, rows made to sum to \
      1, and the matrices of all blocks multiplied, the last on the left: the row \(start), over \
      the patches. Left the photo as the model sees it, in the middle the map, on the right both \
      multiplied. Maps are scaled by their 99th percentile and cut off there, since a few patches \
      of background often get most; they are drawn smoothly between the patches' centres. Rollout \
      leaves out what values, projections and feed-forward layers do.
      """
  }

  static func gap(_ reason: String) -> FigureGap {
    FigureGap(name: name, title: title, reason: reason)
  }
}
