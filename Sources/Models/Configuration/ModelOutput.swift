import Diagnostics

/// What a compiled model can return: one item of the list of `--outputs`, with its options.
///
/// The text form is the name and the options, with colons (``init(parsing:)``); the tensors are
/// named by it, with `_` for each colon (``names``).
public struct ModelOutput: Hashable, Sendable {
  /// What is returned.
  ///
  /// T is the number of tokens, N that of patches, D their width, L the number of blocks, H that of
  /// heads.
  public enum Kind: Hashable, Sendable {
    /// The class scores, `[classes]`.
    case logits
    /// What feeds the head, `[featureDim]`: the normalized class token, or the pooled patches; with
    /// `isUnit` divided by its length.
    case features(isUnit: Bool)
    /// What is made of the tokens, before a projection: `[width]`, or the two rows of a distilled
    /// model, `[2, D]`.
    case pooled
    /// What transformers' ViT and DeiT make of the class token beside a head: their
    /// `pooler_output`, tanh(dense(class token)), `[D]`.
    case pooler
    /// All tokens after the last layer norm, `[T, D]`, prefix tokens first.
    case tokens
    /// What blocks give, a tensor for each.
    case layers([Int], LayerForm)
    /// The weights by which the class token reads the patches, in the last block `[H, N]`, or in
    /// all of them `[L, H, N]`.
    case classAttention(ofAllBlocks: Bool)
    /// The weights of one block's attention, `[H, T, T]`; negative numbers count from the end.
    case attention(block: Int)
    /// Those of all blocks, `[L, H, T, T]`.
    case allAttention
    /// Attention rollout of the class token over the grid of patches, `[h, w]`.
    case rollout
    /// The mean distance at which each head attends, in pixels, `[L, H]`.
    case distance
  }

  /// In which form a block's result is returned: `[N, D]`, the patches as they are, unless the
  /// options say otherwise.
  public struct LayerForm: Hashable, Sendable {
    /// `norm`: after the model's last norm, else as the block gives it.
    public var isNormed = false
    /// `nchw`: `[D, h, w]`.
    public var isPlanar = false
    /// `prefix`: with the tokens before the patches, `[T, D]`.
    public var keepsPrefix = false

    /// Creates the form without options.
    public init() {}
  }

  /// What is returned.
  public var kind: Kind
  /// `f16`: stored in half precision, IEEE 754 binary16.
  public var isHalf: Bool

  /// Creates an output.
  public init(_ kind: Kind, isHalf: Bool = false) {
    self.kind = kind
    self.isHalf = isHalf
  }

  /// The class scores.
  public static let logits = ModelOutput(.logits)
  /// What feeds the head.
  public static let features = ModelOutput(.features(isUnit: false))
  /// The pooler's output, of transformers' ViT and DeiT.
  public static let pooler = ModelOutput(.pooler)
  /// All tokens.
  public static let tokens = ModelOutput(.tokens)

  /// `true` iff it is made of what blocks give, or of their attention.
  public var isOfBlocks: Bool {
    switch kind {
    case .layers, .classAttention, .attention, .allAttention, .rollout, .distance: true
    case .logits, .features, .pooled, .pooler, .tokens: false
    }
  }

  /// `true` iff it is made of what feeds the head, and of nothing else.
  public var isFeatures: Bool { if case .features = kind { true } else { false } }
}

// MARK: - Text

extension ModelOutput: RawRepresentable {
  /// Reads the text form; `nil` where ``init(parsing:)`` throws.
  public init?(rawValue: String) {
    guard let output = try? ModelOutput(parsing: rawValue) else { return nil }
    self = output
  }

  /// The text form, options in the order of the documentation.
  public var rawValue: String { (words + lastWords).joined(separator: ":") }

  /// The names of its tensors, in the library and in its header: the text form with `_` for each
  /// colon; of `layers` a name for each block, `layer2` and so on, with the options after it.
  ///
  /// Blocks have been counted from the start (``counted(of:)``).
  public var names: [String] {
    if case .layers(let blocks, _) = kind {
      return blocks.map { (["layer\($0)"] + lastWords).joined(separator: "_") }
    }
    return [(words + lastWords).joined(separator: "_")]
  }

  /// The options that come last.
  private var lastWords: [String] {
    var words: [String] = []
    if case .layers(_, let form) = kind { words = form.words }
    return words + (isHalf ? ["f16"] : [])
  }

  /// The words before them.
  private var words: [String] {
    switch kind {
    case .logits: ["logits"]
    case .features(let isUnit): ["features"] + (isUnit ? ["unit"] : [])
    case .pooled: ["pooled"]
    case .pooler: ["pooler"]
    case .tokens: ["tokens"]
    case .layers(let blocks, _): ["layers", blocks.map(String.init).joined(separator: "+")]
    case .classAttention(let ofAllBlocks): ["attention", "class"] + (ofAllBlocks ? ["all"] : [])
    case .attention(let block): ["attention", String(block)]
    case .allAttention: ["attention", "all"]
    case .rollout: ["rollout"]
    case .distance: ["distance"]
    }
  }

  /// Returns the same with blocks counted from the start.
  ///
  /// - Parameter count: how many blocks the model has; they are numbered from 0, and from -1 back.
  /// - Throws: a block that there is not, or one that is named twice.
  public func counted(of count: Int) throws(Diagnostic) -> ModelOutput {
    func counted(_ block: Int) throws(Diagnostic) -> Int {
      guard (-count..<count).contains(block) else {
        throw Diagnostic(
          "there is no block \(block), expected 0 to \(count - 1), or -1 to -\(count) from the end",
          at: .argument("--outputs"))
      }
      return block < 0 ? count + block : block
    }
    switch kind {
    case .layers(let blocks, let form):
      let all = try blocks.map { (block) throws(Diagnostic) in try counted(block) }
      if let twice = all.indices.first(where: { all[..<$0].contains(all[$0]) }) {
        throw Diagnostic("block \(all[twice]) is named twice", at: .argument("--outputs"))
      }
      return ModelOutput(.layers(all, form), isHalf: isHalf)
    case .attention(let block):
      return ModelOutput(.attention(block: try counted(block)), isHalf: isHalf)
    case .logits, .features, .pooled, .pooler, .tokens, .classAttention, .allAttention, .rollout,
      .distance:
      return self
    }
  }
}

extension ModelOutput.LayerForm {
  /// Its options, as they are written.
  var words: [String] {
    (isNormed ? ["norm"] : []) + (isPlanar ? ["nchw"] : []) + (keepsPrefix ? ["prefix"] : [])
  }
}
