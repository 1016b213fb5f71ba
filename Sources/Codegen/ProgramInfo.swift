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
  /// Of a text tower, the table of its tokenizer, as Sources/Runtime/Tokenizing reads it; empty:
  /// there is none.
  public var tokenizer: [UInt32] = []
  /// What makes scores of the output `logits`: "softmax", "sigmoid" or "identity"; `nil` where
  /// there is none.
  public var scores: String?
  /// The fields of the description, as a JSON text: for readers of the file.
  public var facts = "{}"
  /// Everything else, as a JSON text.
  public var json: String
  /// The largest error that a self-test lets pass.
  public var selfTestLimit: Float = 1e-4
  /// The sizes of images after the first, which the other properties are of.
  public var furtherSizes: [ProgramSize] = []
  /// The self-test values of each output, of one size after the other, as the floats of a
  /// `vit_selftest_values`; empty where they are unknown yet.
  public var selfTestValues: [[Float]] = []

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
  public var weightsHash: String {
    func digits(_ half: UInt64) -> String {
      let text = String(half, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    return digits(weightsHashHigh) + digits(weightsHashLow)
  }
}
