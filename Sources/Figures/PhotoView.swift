import Images
import Models

/// A model's input as people see it.
public struct PhotoView {
  private let shape: [Int]
  private let preprocessing: Preprocessing?

  /// The longest side of a view: larger inputs are shrunk.
  private static let side = 224

  /// - Parameters:
  ///   - shape: of the input, `[channels, height, width]`.
  ///   - preprocessing: how it is made of a photo, where that is known.
  public init(shape: [Int], preprocessing: Preprocessing?) {
    self.shape = shape
    self.preprocessing = preprocessing
  }

  init(_ configuration: any ModelConfiguration) {
    self.init(
      shape: [configuration.channels, configuration.imageHeight, configuration.imageWidth],
      preprocessing: configuration.preprocessing)
  }

  /// The picture that the input was made of, as far as the model sees it.
  public func image(of pixels: [Float]) -> Image { raster(of: pixels.map(Double.init)).image }

  /// The picture that the input was made of, as far as the model sees it.
  ///
  /// What is normalized is made what it was; where nobody says how it was normalized, the least
  /// number becomes black and the largest white.
  func raster(of pixels: [Double]) -> Raster {
    let (height, width) = (shape[1], shape[2])
    let area = height * width
    let isRGB = shape[0] == 3
    var (scale, shift) = ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    if isRGB, let preprocessing {
      scale = preprocessing.scale.map { 255 * Double($0) }
      shift = preprocessing.shift.map(Double.init)
    } else {
      let shown = pixels[..<(isRGB ? 3 * area : area)]
      let (low, high) = (shown.min() ?? 0, shown.max() ?? 1)
      scale = Array(repeating: high > low ? high - low : 1, count: 3)
      shift = Array(repeating: low, count: 3)
    }
    let isBGR = isRGB && preprocessing?.isBGR == true
    let picture = Raster(width: width, height: height) { x, y in
      var color = Raster.Color()
      for channel in 0..<3 {
        let value = pixels[(isRGB ? channel : 0) * area + y * width + x]
        color[isBGR ? 2 - channel : channel] = (value - shift[channel]) / scale[channel]
      }
      return color
    }
    let longest = max(width, height)
    guard longest > Self.side else { return picture.enlarged(max(1, Self.side / longest)) }
    return picture.resized(
      width: max(1, width * Self.side / longest), height: max(1, height * Self.side / longest))
  }
}
