import IR

/// How an RGB image becomes the model's input: `vit_preprocessing` of the ABI header.
public struct PreprocessingInfo: Hashable, Sendable {
  /// 0: none; 1: to the exact size; 2: shortest edge to the height, aspect kept; 3: longest edge to
  /// the height, then padded.
  public var resizeMode: Int
  /// The width of the resized image in pixels.
  public var resizeWidth: Int
  /// The height of the resized image in pixels.
  public var resizeHeight: Int
  /// PIL's code of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
  public var filter: Int
  /// The other edge in modes 2 and 3: 0 truncated, 1 rounded.
  public var sizeRounding: Int
  /// Half the excess of a crop: 0 to the nearest, ties to even; 1 down.
  public var cropRounding: Int
  /// Channel c of the input is `value * scale[c] + shift[c]`, value 0...255.
  public var scale: [Float]
  /// See `scale`.
  public var shift: [Float]
  /// What is beyond the image, in units of value.
  public var padding: [Float]

  /// Creates a description; by default the image is taken at its size and scaled to 0...1.
  public init(
    resizeMode: Int = 0, resizeWidth: Int = 0, resizeHeight: Int = 0, filter: Int = 3,
    sizeRounding: Int = 0, cropRounding: Int = 0, scale: [Float] = [1 / 255, 1 / 255, 1 / 255],
    shift: [Float] = [0, 0, 0], padding: [Float] = [0, 0, 0]
  ) {
    self.resizeMode = resizeMode
    self.resizeWidth = resizeWidth
    self.resizeHeight = resizeHeight
    self.filter = filter
    self.sizeRounding = sizeRounding
    self.cropRounding = cropRounding
    self.scale = scale
    self.shift = shift
    self.padding = padding
  }
}

/// What a compiled model says about itself beyond its graph.
public struct ProgramInfo: Hashable, Sendable {
  /// The prefix of every exported symbol: a C identifier.
  public var name: String
  /// The variant, such as `vit_base_patch16_224`.
  public var model: String
  /// The version of vitc.
  public var compilerVersion: String
  /// The size of the packed weights in bytes.
  public var weightsBytes: Int
  /// The low half of their XXH3-128.
  public var weightsHashLow: UInt64
  /// The high half of their XXH3-128.
  public var weightsHashHigh: UInt64
  /// The name of the weights file beside the library; `nil`: the weights are linked in, at the
  /// hidden symbol `vit_weights_blob`.
  public var weightsFileName: String?
  /// The size of the arena in bytes.
  public var arenaBytes: Int
  /// The number of parameters that the model reads.
  public var parameters: Int
  /// The floating point operations of one image, 2 for each multiply-add.
  public var flops: Int
  /// How an RGB image becomes the input.
  public var preprocessing: PreprocessingInfo
  /// What makes scores of the output `logits`: "softmax", "sigmoid" or "identity"; `nil` where
  /// there is none.
  public var scores: String?
  /// Everything else, as a JSON text.
  public var json: String
  /// The largest error that a self-test lets pass.
  public var selfTestLimit: Float = 1e-4
  /// The golden values of each output, as the floats of a `vit_golden`; empty where they are
  /// unknown yet.
  public var golden: [[Float]] = []

  /// Creates a description.
  public init(
    name: String, model: String, compilerVersion: String, weightsBytes: Int,
    weightsHashLow: UInt64 = 0, weightsHashHigh: UInt64 = 0, weightsFileName: String? = nil,
    arenaBytes: Int, parameters: Int = 0, flops: Int = 0,
    preprocessing: PreprocessingInfo = PreprocessingInfo(), json: String = "{}"
  ) {
    self.name = name
    self.model = model
    self.compilerVersion = compilerVersion
    self.weightsBytes = weightsBytes
    self.weightsHashLow = weightsHashLow
    self.weightsHashHigh = weightsHashHigh
    self.weightsFileName = weightsFileName
    self.arenaBytes = arenaBytes
    self.parameters = parameters
    self.flops = flops
    self.preprocessing = preprocessing
    self.json = json
  }

  /// The hash as 32 hexadecimal digits, the high half first.
  var weightsHash: String {
    func digits(_ half: UInt64) -> String {
      let text = String(half, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    return digits(weightsHashHigh) + digits(weightsHashLow)
  }
}
