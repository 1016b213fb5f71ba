import IR
import Models

/// The mean attention distance of each head of each block.
///
/// Source: Dosovitskiy et al. 2020, arXiv:2010.11929v2, figure 7, right, and figure 11.
struct DistanceFigure {
  static let name = "distance"
  static let title = "Mean attention distance"

  private let measure: HeadDistances
  /// Sums over photos, by block and head.
  private var sums: [[HeadDistances.Head]] = []
  private var photos = 0

  init(_ measure: HeadDistances) { self.measure = measure }

  /// Takes what the heads of each block do with one photo.
  mutating func add(_ blocks: [[HeadDistances.Head]]) {
    photos += 1
    guard !sums.isEmpty else { return sums = blocks }
    for block in blocks.indices {
      for head in blocks[block].indices {
        sums[block][head].distance += blocks[block][head].distance
        sums[block][head].plainDistance += blocks[block][head].plainDistance
        sums[block][head].parked += blocks[block][head].parked
      }
    }
  }

  /// The means over photos of one number of each head, by block.
  private func means(_ number: (HeadDistances.Head) -> Double) -> [[Double]] {
    sums.map { block in block.map { number($0) / Double(photos) } }
  }

  /// The figure; at least one photo must have been added.
  ///
  /// - Parameters:
  ///   - grid: how the tokens lie.
  ///   - isDifferential: `true` iff heads are differences, of which both halves are shown.
  func figure(_ grid: TokenMap, isDifferential: Bool) -> Figure {
    let distances = means(\.distance)
    let parked = means(\.parked)
    var figure = Figure(
      name: Self.name, title: Self.title, caption: caption(grid, isDifferential))
    let heads = distances.map(\.count).max() ?? 0
    let shape = [distances.count, heads]
    // Models whose blocks have different numbers of heads have no value in some places.
    func flat(_ rows: [[Double]]) -> [Double] {
      rows.flatMap { $0 + Array(repeating: .nan, count: heads - $0.count) }
    }
    figure.facts = [("uniform", measure.uniform), ("photos", Double(photos))]
    figure.add("distance", "pixels: [block, head]", shape, flat(distances))
    figure.add(
      "distance-not-renormalized", "pixels, what is parked counting as 0: [block, head]", shape,
      flat(means(\.plainDistance)))
    figure.add(
      "distance-parked", "mean weight on tokens before the patches: [block, head]", shape,
      flat(parked))
    let hasPrefix = grid.prefix > 0
    figure.add(
      DistancePlot(distances: distances, parked: hasPrefix ? parked : nil, uniform: measure.uniform)
        .drawing, "distance.svg",
      "mean attention distance in pixels against the block, a dot for each head")
    return figure
  }

  private func caption(_ grid: TokenMap, _ isDifferential: Bool) -> String {
    let count = photos == 1 ? "one photo" : "\(photos) photos"
    let parked =
      grid.prefix == 0
      ? ""
      : """
       Weights on the \(grid.prefix == 1 ? "token" : "\(grid.prefix) tokens") before the patches \
      are left out and the others of a query made to sum to 1; the share that is left out is \
      shown below.
      """
    let halves =
      isDifferential ? " Each head is the difference of two; both are shown, each by itself." : ""
    return """
      The distance, in pixels of the input, between a patch that asks and the patches that it \
      attends to, weighted by the attention weights: the mean over patches that ask and over \
      \(count). A dot is a head of a block.\(parked) The dashed line is what equal weights would \
      give, \(SVG.number(measure.uniform)) pixels.\(halves)
      """
  }

  static func gap(_ reason: String) -> FigureGap {
    FigureGap(name: name, title: title, reason: reason)
  }
}
