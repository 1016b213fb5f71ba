/// How an RGB image becomes a model's input.
///
/// It is resized, a window of the model's input size is laid on the result, and values are rescaled
/// and normalized. The same facts as the ABI's `vit_preprocessing`, in the words of checkpoints.
public struct Preprocessing: Codable, Hashable, Sendable {
  /// What the resize keeps.
  public enum Mode: String, Codable, Hashable, Sendable {
    /// No resize.
    case none
    /// To `resizeWidth` x `resizeHeight`, aspect not kept.
    case exact
    /// The shortest edge to `resizeHeight`, aspect kept; the other edge is truncated.
    case shortestEdge
    /// By one factor, so that `resizeWidth` x `resizeHeight` is covered; edges are rounded.
    case cover
    /// By one factor, so that it fits into `resizeWidth` x `resizeHeight`; edges are rounded.
    case fit
    /// The longest edge to `resizeHeight`, aspect kept; halves are rounded up.
    case longestEdge
    /// By one factor, so that it fits into `resizeWidth` x `resizeHeight`; edges are truncated.
    case within
    /// By the largest factor at which there are at most `resizeHeight` patches of `multiple` pixels
    /// a side; edges are rounded up to whole patches: SigLIP 2's NaFlex.
    case patches
    /// By one factor, that which makes the height `resizeHeight` or that which makes the width
    /// `resizeWidth`, whichever is nearer to 1; edges are rounded to multiples of `multiple`: DPT's
    /// `keep_aspect_ratio`.
    case multiples
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

    /// The filter of this name, as timm and PIL write it in either case.
    init?(named name: String) {
      guard let filter = Self.allCases.first(where: { "\($0)" == name.lowercased() }) else {
        return nil
      }
      self = filter
    }
  }

  /// What the resize computes in.
  public enum Arithmetic: String, Codable, Hashable, Sendable {
    /// In 8 bits, as PIL does.
    case bytes
    /// In floats, as PyTorch does after rescaling.
    case floats
  }

  /// What follows the resize.
  public enum Window: String, Codable, Hashable, Sendable {
    /// A crop or pad around the centre to the input's size.
    case centered
    /// A crop or pad at the right and the bottom to the input's size.
    case topLeft
    /// Nothing: an image that has another size then cannot be taken.
    case equal
  }

  /// How half the excess of an odd crop is rounded; the raw values are the ABI's.
  public enum CropRounding: Int, Codable, Hashable, Sendable {
    /// To the nearest, ties to even: torchvision and timm.
    case nearestEven = 0
    /// Down: transformers 5.
    case down = 1
  }

  /// What becomes of a picture's transparency.
  public enum Alpha: String, Codable, Hashable, Sendable {
    /// It is ignored: colours are taken as they are stored.
    case dropped
    /// The picture is put on white: transformers 5 where `do_convert_rgb` holds.
    case onWhite
  }

  /// timm's evaluation transform, from which the resize of any input size follows.
  public struct TimmCrop: Codable, Hashable, Sendable {
    /// timm's `crop_mode`.
    public enum Mode: String, Codable, Hashable, Sendable {
      /// The aspect is kept, and what reaches beyond the input is cropped.
      case center
      /// The aspect is not kept.
      case squash
      /// The aspect is kept, and what lacks is padded with the rounded mean.
      case border
    }

    /// What is kept and what is lost.
    public var mode: Mode
    /// The part of the resized image, along an edge, that the input shows: `crop_pct`.
    public var fraction: Double
    /// What `border` pads with, in units of 8-bit values; `nil`: the rounded mean.
    public var fill: [Double]?
    /// The filter of the resize.
    public var filter: Filter
    /// The filter in mode `center` of an input that is not square, if it is another: open_clip's is
    /// always bicubic.
    public var rectangleFilter: Filter?
  }

  /// What the resize keeps.
  public var mode: Mode
  /// The width that the mode is about; equal to `resizeHeight` where it is about one edge.
  public var resizeWidth: Int
  /// The height, or the edge, that the mode is about.
  public var resizeHeight: Int
  /// What the other edge is at most in mode `shortestEdge`; the scale shrinks to keep it.
  public var longestEdge: Int?
  /// What edges are multiples of in the modes `patches` and `multiples`.
  public var multiple: Int?
  /// The filter of the resize.
  public var filter: Filter
  /// What the resize computes in.
  public var arithmetic = Arithmetic.bytes
  /// What follows the resize.
  public var window = Window.centered
  /// How half the excess of an odd crop is rounded.
  public var cropRounding: CropRounding
  /// Whether the input's first channel is blue.
  public var isBGR = false
  /// What becomes of a picture's transparency.
  public var alpha = Alpha.dropped
  /// What 8-bit values are multiplied by before the mean is subtracted: 1/255, or 1.
  public var rescale: Double
  /// What is added after that: 0, or -1 where values are rescaled to -1...1.
  public var offset = 0.0
  /// The mean of each channel, in units of rescaled values.
  public var mean: [Double]
  /// The standard deviation of each channel, in units of rescaled values.
  public var deviation: [Double]
  /// Whether values are divided by the deviation twice: EfficientNet's `include_top`.
  public var dividesTwice = false
  /// What each channel is padded with, in units of 8-bit values; `nil`: with zeros after the
  /// normalization.
  public var padding: [Double]?
  /// timm's transform, if it is one.
  public var timm: TimmCrop?

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
  /// The constants of DINOv3's models of satellite images.
  public static let satellite = ([0.43, 0.411, 0.296], [0.213, 0.156, 0.143])

  /// Creates a specification.
  public init(
    mode: Mode, resizeWidth: Int, resizeHeight: Int, filter: Filter = .bicubic,
    rescale: Double = 1 / 255, mean: [Double], deviation: [Double],
    padding: [Double]? = [0, 0, 0], cropRounding: CropRounding = .nearestEven
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
}

extension Preprocessing {
  /// What channel c's 8-bit value is multiplied by: `rescale / deviation[c]`, or that once more
  /// over the deviation.
  public var scale: [Float] { deviation.map { Float(rescale / divisor($0)) } }

  /// What is then added: `(offset - mean[c]) / deviation[c]`, or that once more over the deviation.
  public var shift: [Float] {
    zip(mean, deviation).map { Float((offset - $0) / divisor($1)) }
  }

  /// What the input holds where the window reaches beyond the resized image.
  public var border: [Float] {
    guard let padding else { return [0, 0, 0] }
    return padding.indices.map { Float(padding[$0]) * scale[$0] + shift[$0] }
  }

  private func divisor(_ deviation: Double) -> Double {
    dividesTwice ? deviation * deviation : deviation
  }

  /// timm's evaluation transform: a resize to `floor(size / cropFraction)`, then a crop.
  ///
  /// `center` keeps the aspect and resizes the shortest edge, of a rectangle by the factor that
  /// covers it; `squash` does not keep it; `border` fits the image in and pads with the rounded
  /// mean.
  public static func timm(
    height: Int, width: Int, cropFraction: Double, mode: TimmCrop.Mode = .center,
    filter: Filter = .bicubic, rectangleFilter: Filter? = nil, fill: [Double]? = nil,
    mean: [Double], deviation: [Double]
  ) -> Preprocessing {
    var result = Preprocessing(
      mode: .none, resizeWidth: width, resizeHeight: height, filter: filter, mean: mean,
      deviation: deviation)
    result.timm = TimmCrop(
      mode: mode, fraction: cropFraction, fill: fill, filter: filter,
      rectangleFilter: rectangleFilter)
    result.resize(toCover: height, width)
    return result
  }

  /// Takes over what timm's transform says of an input size.
  private mutating func resize(toCover height: Int, _ width: Int) {
    guard let timm else { return }
    resizeHeight = Int((Double(height) / timm.fraction).rounded(.down))
    resizeWidth = Int((Double(width) / timm.fraction).rounded(.down))
    switch timm.mode {
    case .center: mode = resizeHeight == resizeWidth ? .shortestEdge : .cover
    case .squash: mode = .exact
    case .border: mode = .fit
    }
    filter = mode == .cover ? timm.rectangleFilter ?? timm.filter : timm.filter
    let roundedMean = mean.map { (255 * $0).rounded(.toNearestOrEven) }
    padding = timm.mode == .border ? timm.fill ?? roundedMean : [0, 0, 0]
  }

  /// Returns the specification for another input size: timm's as timm computes it, any other with
  /// the resize scaled as the crop is.
  public func scaled(
    from crop: (height: Int, width: Int), to size: (height: Int, width: Int)
  ) -> Preprocessing {
    var copy = self
    // The photo alone says what it becomes.
    if dependsOnPhoto { return copy }
    if timm != nil {
      copy.resize(toCover: size.height, size.width)
      return copy
    }
    copy.resizeHeight = Self.scaled(resizeHeight, crop.height, size.height)
    copy.resizeWidth = Self.scaled(resizeWidth, crop.width, size.width)
    switch mode {
    case .none, .exact, .cover, .fit, .within, .patches, .multiples: break
    case .shortestEdge, .longestEdge:
      // The edge must cover the larger side of a rectangle.
      let edge = max(copy.resizeHeight, copy.resizeWidth)
      (copy.resizeHeight, copy.resizeWidth) = (edge, edge)
      copy.longestEdge = longestEdge.map { Self.scaled($0, resizeHeight, edge) }
    }
    return copy
  }

  private static func scaled(_ value: Int, _ from: Int, _ to: Int) -> Int {
    from == to ? value : Int((Double(value) * Double(to) / Double(from)).rounded())
  }
}
