import Images

/// A map of weights over the patches of a photo, and how it is drawn over it.
public struct Overlay {
  private let map: [Double]
  private let grid: [Int]

  /// - Parameters:
  ///   - map: a weight for each patch, row by row, not negative.
  ///   - grid: rows and columns.
  public init(_ map: [Double], grid: [Int]) {
    precondition(map.count == grid[0] * grid[1], "a map of \(map.count) over \(grid)")
    self.map = map
    self.grid = grid
  }

  /// The weights over their 99th percentile, at most 1: a few outliers would leave the rest black.
  var scaled: [Double] {
    let sorted = map.filter(\.isFinite).sorted()
    guard let largest = sorted.last, largest > 0 else { return map.map { _ in 0 } }
    let percentile = sorted[Int((Double(sorted.count - 1) * 0.99).rounded())]
    let scale = percentile > 0 ? percentile : largest
    return map.map { min(1, $0 / scale) }
  }

  /// The photo, the map, and the product of both, side by side.
  func drawn(over photo: Raster) -> Raster {
    let scaled = scaled
    let weights = Raster(width: grid[1], height: grid[0]) { x, y in
      Raster.Color(repeating: scaled[y * grid[1] + x])
    }.resized(width: photo.width, height: photo.height)
    let heat = Raster(width: photo.width, height: photo.height) {
      ColorMap.magma(weights[$0, $1].x)
    }
    let product = Raster(width: photo.width, height: photo.height) {
      photo[$0, $1] * weights[$0, $1]
    }
    return Raster.tiled([photo, heat, product], columns: 3)
  }

  /// The photo, the map, and the product of both, side by side.
  public func drawn(over photo: Image) -> Image { drawn(over: Raster(photo)).image }
}

extension Raster {
  /// An image of 8 bits.
  init(_ image: Image) {
    self.init(width: image.width, height: image.height) { x, y in
      let place = (y * image.width + x) * 3
      return Color(
        Double(image.rgb[place]), Double(image.rgb[place + 1]), Double(image.rgb[place + 2])) / 255
    }
  }
}
