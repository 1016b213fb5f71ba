import Diagnostics
import IR

/// The principal components of the filters that read the image.
///
/// Source: Dosovitskiy et al. 2020, arXiv:2010.11929v2, figure 7, left.
enum FilterFigure {
  static let name = "filters"
  static let title = "Filters of the embedding"

  /// How many components are drawn, and in how many columns, as in the paper.
  private static let (most, columns) = (28, 7)
  /// The side of a tile, in pixels, that filters are enlarged to, by whole factors.
  private static let side = 48

  /// - Parameters:
  ///   - kernel: `[filters, channels, height, width]`.
  ///   - arePatches: `true` iff the kernel cuts the image into patches, without overlap.
  static func make(
    _ kernel: DenseTensor<Double>, arePatches: Bool
  ) throws(Diagnostic) -> FigureResult {
    let shape = kernel.shape
    let (channels, height, width) = (shape[1], shape[2], shape[3])
    let pixels = channels * height * width
    guard channels == 1 || channels == 3 else {
      return .gap(gap("the filters read \(channels) channels, which are no colours"))
    }
    guard height * width > 1 else {
      return .gap(gap("a filter reads a single pixel, so there is no picture of it"))
    }
    guard shape[0] > 1 else { return .gap(gap("there is one filter only")) }
    let components = try PrincipalComponents(kernel.values, columns: pixels)
    let shown = min(most, components.rank)
    guard shown > 0 else { return .gap(gap("all filters are the same")) }
    let explained = components.explained
    let share = explained.prefix(shown).reduce(0, +)
    let what = arePatches ? "the patch embedding" : "the first convolution"
    var figure = Figure(
      name: name, title: title,
      caption: """
        The first \(shown) principal components of the \(shape[0]) filters of \(what), \
        \(height) x \(width) pixels of \(channels == 3 ? "red, green and blue" : "grey") each, the \
        mean filter subtracted; row by row, \
        the most important first. They hold \(percent(share)) of the variance. Each component is \
        scaled by its own largest magnitude, so that grey is zero; its sign, which is arbitrary, \
        makes the entry of largest magnitude positive. Components of nearly equal singular values \
        may be any mixture of each other.
        """)
    figure.facts = [
      ("filters", Double(shape[0])), ("shown", Double(shown)), ("explained_by_shown", share),
    ]
    figure.add(
      "filters", "components, the most important first: [component, channel, row, column]",
      [components.singularValues.count, channels, height, width], components.components)
    figure.add(
      "filters-singular-values", "singular values of the centred filters: [component]",
      [components.singularValues.count], components.singularValues)
    figure.add(
      "filters-explained", "share of the variance: [component]", [explained.count], explained)
    let tiles = (0..<shown).map { index in
      tile(Array(components.component(index)), channels, height, width)
    }
    figure.add(
      Raster.tiled(tiles, columns: columns), "filters.png",
      "\(shown) principal components of the filters, as small pictures")
    return .figure(figure)
  }

  private static func tile(
    _ component: [Double], _ channels: Int, _ height: Int, _ width: Int
  ) -> Raster {
    let largest = component.map(abs).max() ?? 0
    let scale = largest > 0 ? 0.5 / largest : 0
    let picture = Raster(width: width, height: height) { x, y in
      var color = Raster.Color()
      for channel in 0..<3 {
        let place = ((channels == 3 ? channel : 0) * height + y) * width + x
        color[channel] = 0.5 + scale * component[place]
      }
      return color
    }
    return picture.enlarged(max(1, side / max(width, height)))
  }

  static func gap(_ reason: String) -> FigureGap {
    FigureGap(name: name, title: title, reason: reason)
  }
}

/// A share as people read it: `31.7 %`.
func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
