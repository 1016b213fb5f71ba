/// How an RGB image becomes the model's input: `vit_preprocessing` of the ABI header.
public struct PreprocessingInfo: Hashable, Sendable {
  /// Why no image can be preprocessed; `nil`: the rest holds.
  public var refusal: String?
  /// Which rule gives the size of the resized image: `VIT_RESIZE_NONE` and so on.
  public var resize = 0
  /// The width that the rule is about, in pixels.
  public var resizeWidth = 0
  /// The height, or the edge, that the rule is about, in pixels.
  public var resizeHeight = 0
  /// What the other edge is at most where the shortest is resized to an edge; 0: no limit.
  public var longestEdge = 0
  /// PIL's code of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
  public var filter = 3
  /// `VIT_RESIZE_IN_BYTES` or `VIT_RESIZE_IN_FLOATS`.
  public var arithmetic = 0
  /// Where the window on the resized image is: `VIT_WINDOW_CENTERED` and so on.
  public var window = 0
  /// Half the excess of a centred window: 0 to the nearest, ties to even; 1 down; 2 crops down,
  /// pads up.
  public var cropRounding = 0
  /// `true` iff the input's first channel is blue.
  public var isBGR = false
  /// Channel c of the input is `value * scale[c] + shift[c]`, value 0...255.
  public var scale: [Float] = [1 / 255, 1 / 255, 1 / 255]
  /// See `scale`.
  public var shift: [Float] = [0, 0, 0]
  /// What the input holds where the window reaches beyond the image.
  public var border: [Float] = [0, 0, 0]
  /// What extents are multiples of, of the rules that make sizes by the picture's.
  public var multiple = 0

  /// `true` iff what is transparent is put on white, else its alpha is dropped.
  public var isAlphaOnWhite = false

  /// Creates a description; by default an image is taken at its size and scaled to 0...1.
  public init(refusal: String? = nil) { self.refusal = refusal }
}
