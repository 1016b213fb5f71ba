/// What a user of a compiled model is told about it: the matter of NAME.h.
public struct ModelInterface: Hashable, Sendable {
  /// A tensor that crosses the interface.
  public struct Tensor: Hashable, Sendable {
    /// "images", or an output's: "logits", "features_unit", "layer11" and so on.
    public var name: String
    /// The shape for one image.
    public var shape: [Int]
    /// `true` iff elements are IEEE 754 binary16, else they are floats.
    public var isHalf: Bool

    /// Creates a tensor's description.
    public init(name: String, shape: [Int], isHalf: Bool = false) {
      self.name = name
      self.shape = shape
      self.isHalf = isHalf
    }

    /// The number of elements for one image.
    public var elements: Int { shape.reduce(1, *) }
  }

  /// What makes scores of the output `logits`.
  public struct Scores: Hashable, Sendable {
    /// "softmax", "sigmoid" or "identity".
    public var function: String
    /// How to compute it.
    public var formula: String

    /// Creates a description.
    public init(function: String, formula: String) {
      self.function = function
      self.formula = formula
    }
  }

  /// A size of the images.
  public struct Size: Hashable, Sendable {
    /// One image: channels, height, width.
    public var image: [Int]
    /// The outputs; they have the names of the first size's.
    public var outputs: [Tensor]
    /// Floating-point operations for one image, 2 for each multiply-add.
    public var flops: Int
    /// The size of one image's activations.
    public var arenaBytes: Int

    /// Creates a description.
    public init(image: [Int], outputs: [Tensor], flops: Int, arenaBytes: Int) {
      self.image = image
      self.outputs = outputs
      self.flops = flops
      self.arenaBytes = arenaBytes
    }

    /// The number of elements of one image.
    public var elements: Int { image.reduce(1, *) }
  }

  /// The prefix of every symbol.
  public var name: String
  /// The variant, such as `vit_base_patch16_224`.
  public var model: String
  /// vitc's version.
  public var compilerVersion: String
  /// Triple and instruction sets.
  public var target: String
  /// The instruction sets, the baseline first, with commas.
  public var isas: String { target.split(separator: " ").last.map(String.init) ?? target }
  /// The first of them.
  var baselineISA: String { isas.split(separator: ",").first.map(String.init) ?? isas }
  /// Of the packed weights.
  public var weightsHash: WeightHash
  /// The size of the packed weights.
  public var weightsBytes: Int
  /// The weights file's name, or `nil` for embedded weights.
  public var weightsFileName: String?
  /// One image: channels, height, width.
  public var image: [Int]
  /// The outputs, the first of which `NAME_run` writes.
  public var outputs: [Tensor]
  /// The number of the checkpoint's parameters that the model reads.
  public var parameters: Int
  /// Floating-point operations for one image, 2 for each multiply-add.
  public var flops: Int
  /// The size of one image's activations.
  public var arenaBytes: Int
  /// What makes scores of the output `logits`; `nil` where there is none.
  public var scores: Scores?
  /// One line on whose arithmetic the model follows, such as "jax: gelu_tanh, layer norm epsilon
  /// 1e-06"; `nil` if nothing is known.
  public var numerics: String?
  /// What matmuls are computed in, such as "bf16 99.9 %, f32 0.1 %"; `nil`: not said.
  public var precision: String?
  /// One line on how an RGB image becomes the input, such as "shortest edge to 248 (bicubic),
  /// centre crop 224, (value / 255 - 0.5) / 0.5"; `nil` if the model has no preprocessing.
  public var preprocessing: String?
  /// Of a text tower, what tokens are less than; `nil`: the model reads images.
  public var tokens: Int?
  /// Of a text tower, the class of the tokenizer that the library holds; `nil`: it holds none.
  public var tokenizer: String?

  /// The sizes of images after the first, which the other properties are of.
  public var furtherSizes: [Size]
  /// All sizes.
  public var sizes: [Size] {
    [Size(image: image, outputs: outputs, flops: flops, arenaBytes: arenaBytes)] + furtherSizes
  }

  /// Creates a description.
  public init(
    name: String, model: String, compilerVersion: String, target: String, weightsHash: WeightHash,
    weightsBytes: Int, weightsFileName: String? = nil, image: [Int], outputs: [Tensor],
    parameters: Int, flops: Int, arenaBytes: Int, scores: Scores? = nil,
    numerics: String? = nil, precision: String? = nil,
    preprocessing: String? = nil, tokens: Int? = nil,
    furtherSizes: [Size] = []
  ) {
    self.name = name
    self.model = model
    self.compilerVersion = compilerVersion
    self.target = target
    self.weightsHash = weightsHash
    self.weightsBytes = weightsBytes
    self.weightsFileName = weightsFileName
    self.image = image
    self.outputs = outputs
    self.parameters = parameters
    self.flops = flops
    self.arenaBytes = arenaBytes
    self.scores = scores
    self.numerics = numerics
    self.precision = precision
    self.preprocessing = preprocessing
    self.tokens = tokens
    self.furtherSizes = furtherSizes
  }
}
