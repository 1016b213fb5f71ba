/// How an RGB image becomes a model's input.
///
/// It is resized as PIL does (antialiased), cropped or padded around its centre to the model's
/// input size, rescaled and normalized. The same facts as the ABI's `vit_preprocessing`.
public struct Preprocessing: Codable, Hashable, Sendable {
  /// What the resize keeps; the raw values are the ABI's.
  public enum Mode: Int, Codable, Hashable, Sendable {
    /// No resize.
    case none = 0
    /// To `resizeWidth` x `resizeHeight`, aspect not kept.
    case exact = 1
    /// The shortest edge to `resizeHeight`, aspect kept.
    case shortestEdge = 2
    /// The longest edge to `resizeHeight`, aspect kept, then padded.
    case longestEdge = 3
  }

  /// The filter of the resize; the raw values are PIL's codes.
  public enum Filter: Int, Codable, Hashable, Sendable, CaseIterable {
    /// The nearest pixel.
    case nearest = 0
    /// Lanczos, 3 lobes.
    case lanczos = 1
    /// Triangle.
    case bilinear = 2
    /// Cubic with a = -0.5.
    case bicubic = 3
    /// Mean over the pixels that are covered.
    case box = 4
    /// Hamming window.
    case hamming = 5
  }

  /// How half the excess of an odd crop is rounded; the raw values are the ABI's.
  public enum CropRounding: Int, Codable, Hashable, Sendable {
    /// To the nearest, ties to even: torchvision and timm.
    case nearestEven = 0
    /// Down: transformers 5.
    case down = 1
  }

  /// What the resize keeps.
  public var mode: Mode
  /// The width after a resize in mode `exact`; in the other modes equal to `resizeHeight`.
  public var resizeWidth: Int
  /// The height after a resize in mode `exact`; the length of the edge in the other modes.
  public var resizeHeight: Int
  /// The filter of the resize.
  public var filter: Filter
  /// What 8-bit values are multiplied by before the mean is subtracted: 1/255, or 1.
  public var rescale: Double
  /// The mean of each channel, in units of rescaled values.
  public var mean: [Double]
  /// The standard deviation of each channel, in units of rescaled values.
  public var deviation: [Double]
  /// What each channel is padded with, in units of 8-bit values.
  public var padding: [Double]
  /// How half the excess of an odd crop is rounded.
  public var cropRounding: CropRounding

  /// ImageNet's mean and standard deviation.
  public static let imageNet = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
  /// The constants of OpenAI's CLIP.
  public static let clip = (
    [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
  )
  /// Mean and standard deviation 0.5: values from -1 to 1.
  public static let half = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
  /// Mean 0 and standard deviation 1: values from 0 to 1.
  public static let unit = ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])

  /// Creates a specification.
  public init(
    mode: Mode, resizeWidth: Int, resizeHeight: Int, filter: Filter = .bicubic,
    rescale: Double = 1 / 255, mean: [Double], deviation: [Double], padding: [Double] = [0, 0, 0],
    cropRounding: CropRounding = .nearestEven
  ) {
    self.mode = mode
    self.resizeWidth = resizeWidth
    self.resizeHeight = resizeHeight
    self.filter = filter
    self.rescale = rescale
    self.mean = mean
    self.deviation = deviation
    self.padding = padding
    self.cropRounding = cropRounding
  }

  /// What channel c's 8-bit value is multiplied by: `rescale / deviation[c]`.
  public var scale: [Float] { deviation.map { Float(rescale / $0) } }
  /// What is then added: `-mean[c] / deviation[c]`.
  public var shift: [Float] { zip(mean, deviation).map { Float(-$0 / $1) } }

  /// timm's evaluation transform: a resize to `floor(size / cropFraction)`, then a crop.
  ///
  /// `center` keeps the aspect and resizes the shortest edge, `squash` does not keep it, `border`
  /// resizes the longest edge and pads with the rounded mean.
  public static func timm(
    height: Int, width: Int, cropFraction: Double, mode: Mode, filter: Filter = .bicubic,
    mean: [Double], deviation: [Double]
  ) -> Preprocessing {
    let resizeHeight = Int((Double(height) / cropFraction).rounded(.down))
    let resizeWidth = Int((Double(width) / cropFraction).rounded(.down))
    // torchvision's Resize keeps the aspect only for one number, so a rectangle is an exact resize.
    let isExact = mode == .shortestEdge && height != width
    return Preprocessing(
      mode: isExact ? .exact : mode, resizeWidth: resizeWidth, resizeHeight: resizeHeight,
      filter: filter, mean: mean, deviation: deviation,
      padding: mode == .longestEdge
        ? mean.map { (255 * $0).rounded(.toNearestOrEven) } : [0, 0, 0])
  }

  /// Returns the specification for another input size, the resize scaled with the crop.
  public func scaled(
    from crop: (height: Int, width: Int), to size: (height: Int, width: Int)
  ) -> Preprocessing {
    var copy = self
    copy.resizeHeight = Self.scaled(resizeHeight, crop.height, size.height)
    copy.resizeWidth = Self.scaled(resizeWidth, crop.width, size.width)
    if copy.mode != .exact, copy.mode != .none, size.height != size.width {
      // The edge must cover the larger side of a rectangle.
      let edge = max(copy.resizeHeight, copy.resizeWidth)
      (copy.resizeHeight, copy.resizeWidth) = (edge, edge)
    }
    return copy
  }

  private static func scaled(_ value: Int, _ from: Int, _ to: Int) -> Int {
    from == to ? value : Int((Double(value) * Double(to) / Double(from)).rounded())
  }
}
