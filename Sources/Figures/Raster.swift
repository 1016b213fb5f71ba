import Images

/// A picture of numbers: red, green and blue of each pixel, from 0 to 1.
struct Raster {
  /// A colour.
  typealias Color = SIMD3<Double>

  static let white = Color(repeating: 1)

  let width: Int
  let height: Int
  /// Row by row from the top left.
  private(set) var pixels: [Color]

  /// A picture of one colour.
  init(width: Int, height: Int, color: Color = white) {
    self.width = width
    self.height = height
    pixels = Array(repeating: color, count: width * height)
  }

  /// A picture whose pixels `color` says, row by row.
  init(width: Int, height: Int, _ color: (_ x: Int, _ y: Int) -> Color) {
    self.init(width: width, height: height)
    for y in 0..<height { for x in 0..<width { pixels[y * width + x] = color(x, y) } }
  }

  subscript(x: Int, y: Int) -> Color { pixels[y * width + x] }

  /// Each pixel as a square of this side.
  func enlarged(_ factor: Int) -> Raster {
    Raster(width: width * factor, height: height * factor) { self[$0 / factor, $1 / factor] }
  }

  /// The picture at another size: between the four nearest pixels where it grows, the mean over
  /// what a pixel covers where it shrinks.
  func resized(width newWidth: Int, height newHeight: Int) -> Raster {
    let columns = Self.taps(from: width, to: newWidth)
    let rows = Self.taps(from: height, to: newHeight)
    return Raster(width: newWidth, height: newHeight) { x, y in
      var sum = Color()
      for (row, rowWeight) in rows[y] {
        for (column, weight) in columns[x] { sum += rowWeight * weight * self[column, row] }
      }
      return sum
    }
  }

  /// For each new pixel the old ones that it is made of: a triangle of the wider pixel's size
  /// around its centre.
  private static func taps(from: Int, to: Int) -> [[(Int, Double)]] {
    let ratio = Double(from) / Double(to)
    let reach = max(ratio, 1)
    return (0..<to).map { i in
      let center = (Double(i) + 0.5) * ratio - 0.5
      let first = Int((center - reach).rounded(.up))
      let last = Int((center + reach).rounded(.down))
      let raw = (first...max(first, last)).map { place in
        (min(max(place, 0), from - 1), max(0, 1 - abs(Double(place) - center) / reach))
      }
      let sum = raw.reduce(0) { $0 + $1.1 }
      return raw.map { ($0.0, $0.1 / sum) }
    }
  }

  /// The picture in shades of grey, by the weights of ITU-R BT.601.
  var grey: Raster {
    Raster(width: width, height: height) { x, y in
      let color = self[x, y]
      return Color(repeating: 0.299 * color.x + 0.587 * color.y + 0.114 * color.z)
    }
  }

  /// Draws a picture into this one; it must fit.
  mutating func draw(_ other: Raster, x: Int, y: Int) {
    for row in 0..<other.height {
      for column in 0..<other.width {
        pixels[(y + row) * width + x + column] = other[column, row]
      }
    }
  }

  /// Pictures of one size side by side, so many in a row, with white between.
  ///
  /// - Precondition: There is at least one.
  static func tiled(_ tiles: [Raster], columns: Int, gap: Int = 3) -> Raster {
    let columns = min(columns, tiles.count)
    let rows = (tiles.count + columns - 1) / columns
    let (width, height) = (tiles[0].width, tiles[0].height)
    var all = Raster(
      width: columns * width + (columns - 1) * gap, height: rows * height + (rows - 1) * gap)
    for (index, tile) in tiles.enumerated() {
      all.draw(
        tile, x: index % columns * (width + gap), y: index / columns * (height + gap))
    }
    return all
  }

  /// In 8 bits; what is not a number is black.
  var image: Image {
    var rgb: [UInt8] = []
    rgb.reserveCapacity(pixels.count * 3)
    for pixel in pixels {
      for channel in 0..<3 {
        let value = pixel[channel]
        rgb.append(value.isNaN ? 0 : UInt8((min(max(value, 0), 1) * 255).rounded()))
      }
    }
    return Image(width: width, height: height, rgb: rgb)
  }
}
