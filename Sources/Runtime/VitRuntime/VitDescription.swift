import CVitABI

/// What a compiled model is.
public struct VitDescription: Hashable, Sendable {
  /// A tensor that goes in or comes out: dense, row-major.
  public struct Tensor: Hashable, Sendable {
    /// "images", or an output's: "logits", "features_unit", "layer11" and so on.
    public var name: String
    /// The element type: "f32", or "f16", IEEE 754 binary16.
    public var dtype: String
    /// The shape for one image; the batch dimension is not counted.
    public var shape: [Int]

    /// The number of elements for one image.
    public var elements: Int { shape.reduce(1, *) }
    /// The size of one element.
    public var elementBytes: Int { dtype == "f16" ? 2 : 4 }

    init(_ tensor: vit_tensor) {
      name = text(tensor.name)
      dtype = text(tensor.dtype)
      let extents = [tensor.shape.0, tensor.shape.1, tensor.shape.2, tensor.shape.3]
      shape = extents.prefix(max(0, Int(tensor.rank))).map { Int($0) }
    }
  }

  /// What makes scores of logits.
  public enum ScoreFunction: String, Hashable, Sendable, CaseIterable {
    /// exp(x_i - max x) / Σ_j exp(x_j - max x): probabilities of classes that exclude each other.
    case softmax
    /// 1 / (1 + exp(-x_i)): a probability for each label by itself.
    case sigmoid
    /// x_i: the value itself, of a regression.
    case identity
  }

  /// The prefix of the model's C functions.
  public var name: String
  /// The variant, such as `vit_base_patch16_224`.
  public var model: String
  /// The version of vitc that compiled it.
  public var compilerVersion: String
  /// Triple and instruction sets.
  public var target: String
  /// The instruction sets that there is code for, the baseline first.
  public var isas: [String]
  /// What makes scores of the output `logits`; `nil` where there is none, and of models compiled
  /// before vitc knew.
  public var scores: ScoreFunction?
  /// XXH3-128 of the packed weights, 32 hexadecimal digits.
  public var weightsHash: String
  /// The version of the binary interface.
  public var abiVersion: Int
  /// One input image: channels, height, width.
  public var input: Tensor
  /// The outputs; `VitContext.run` returns the first.
  public var outputs: [Tensor]
  /// The number of the checkpoint's parameters that the model reads.
  public var parameters: Int
  /// Floating-point operations for one image, 2 for each multiply-add.
  public var flops: Int
  /// The size of the packed weights.
  public var weightsBytes: Int
  /// The size of one image's activations.
  public var arenaBytes: Int
  /// Everything else as JSON: preprocessing, labels, passes.
  public var json: String

  init(_ description: vit_description) {
    name = text(description.name)
    model = text(description.model)
    compilerVersion = text(description.compiler_version)
    target = text(description.target)
    // Later than the first version of the interface.
    let knowsISAs = description.size > MemoryLayout.offset(of: \vit_description.isas) ?? 0
    isas = knowsISAs ? text(description.isas).split(separator: ",").map(String.init) : []
    let knowsScores = description.size > MemoryLayout.offset(of: \vit_description.scores) ?? 0
    scores = knowsScores ? ScoreFunction(rawValue: text(description.scores)) : nil
    weightsHash = text(description.weights_hash)
    abiVersion = Int(description.abi_version)
    input = Tensor(description.input)
    outputs = (0..<max(0, Int(description.output_count))).map { Tensor(description.outputs[$0]) }
    parameters = Int(clamping: description.parameters)
    flops = Int(clamping: description.flops)
    weightsBytes = Int(clamping: description.weights_bytes)
    arenaBytes = Int(clamping: description.arena_bytes)
    json = text(description.json)
  }
}

/// A C string, "" for a null pointer.
private func text(_ string: UnsafePointer<CChar>?) -> String {
  string.map { String(cString: $0) } ?? ""
}
