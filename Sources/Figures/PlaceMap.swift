import Models

/// How tokens lie in an image.
public struct PlaceMap {
  private let height: Int
  private let width: Int

  /// An image of this size.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The input of a model.
  init(_ configuration: any ModelConfiguration) {
    self.init(height: configuration.imageHeight, width: configuration.imageWidth)
  }

  /// Rows and columns of a map of so many places, each of one size in pixels; `nil` if no size
  /// gives as many.
  ///
  /// A last place may reach beyond the image, or pixels be left.
  public func grid(places: Int) -> [Int]? { grids(places: places).first }

  /// Rows and columns of each map of so many places, of one size in pixels.
  public func grids(places: Int) -> [[Int]] {
    var found: [[Int]] = []
    for size in 1...max(height, width) {
      let down = [height / size, width / size]
      let up = [(height + size - 1) / size, (width + size - 1) / size]
      for grid in [down, up] where grid[0] * grid[1] == places && !found.contains(grid) {
        found.append(grid)
      }
    }
    return found
  }
}
