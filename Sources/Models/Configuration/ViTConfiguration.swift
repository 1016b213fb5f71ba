import Diagnostics
import IR

/// Everything that defines a Vision Transformer apart from its weights, with or without
/// convolutions before it.
///
/// D is `dim`, M is `mlpHidden`, N is the number of patches, T = `prefixTokens` + N.
public struct ViTConfiguration: ModelConfiguration {
  /// The shape of the feed-forward part of a block.
  public enum FeedForward: String, Hashable, Sendable {
    /// fc2(activation(fc1 x)), fc1 with M rows.
    case mlp
    /// fc2(silu(g) · u), where fc1 has 2M rows and gives g and then u.
    case gated
  }

  /// What the head reads.
  public enum Pooling: String, Hashable, Sendable {
    /// The class token.
    case token
    /// The mean of the patch tokens.
    case average
    /// Class token and mean of the patch tokens, side by side: transformers' DINOv2 classifier.
    case tokenAndAverage = "token_and_average"
    /// Class token and distillation token, each with its own head; logits and features are the
    /// mean of the two.
    case distilled
  }

  /// The variant's name, such as `vit_base_patch16_224`.
  public var name: String
  /// What it belongs to, such as `vit`, `deit` or `dinov2`.
  public var family: String
  /// The height of the input.
  public var imageHeight: Int
  /// The width of the input.
  public var imageWidth: Int
  /// The number of channels of the input.
  public var channels = 3
  /// The convolutions that patches are cut from the result of; `nil`: patches of the image itself.
  public var trunk: ResNetTrunk?
  /// The side of a patch, in pixels of the image or of the trunk's result.
  public var patch: Int
  /// `true` iff the patch embedding has a bias.
  public var patchBias = true
  /// D, the width of the residual stream.
  public var dim: Int
  /// The number of blocks.
  public var depth: Int
  /// The number of attention heads.
  public var heads: Int
  /// M, the width inside the MLP.
  public var mlpHidden: Int
  /// The shape of the feed-forward part.
  public var feedForward = FeedForward.mlp
  /// The function inside the MLP.
  public var activation = ActivationFunction.gelu
  /// What is added to the variance in every layer norm.
  public var layerNormEpsilon = 1e-6
  /// `true` iff q, k and v have biases.
  public var qkvBias = true
  /// `true` iff the first token is a class token.
  public var hasClassToken = true
  /// `true` iff a distillation token follows the class token.
  public var hasDistillationToken = false
  /// The number of register tokens; they follow the tokens above.
  public var registerTokens = 0
  /// How many of the prefix tokens, counted from the first, have rows in the position table.
  public var positionPrefix: Int
  /// The grid of the position table that the checkpoint holds: rows, then columns.
  public var positionGrid: [Int]
  /// How the position table is resized.
  public var positionResize = ResizeMethod.bicubicAntialiased
  /// `true` iff both branches of a block end in a product with a learned vector (LayerScale).
  public var layerScale = false
  /// `true` iff a layer norm precedes the first block.
  public var preNorm = false
  /// `true` iff all tokens pass a last layer norm after the last block.
  public var finalNorm = true
  /// `true` iff what is pooled passes a layer norm of its own before the head.
  public var poolNorm = false
  /// What the head reads.
  public var pooling = Pooling.token
  /// The width of a dense layer with tanh between what is pooled and the head; 0: there is none.
  ///
  /// Google's first models have it, as `pre_logits`.
  public var preLogits = 0
  /// The number of classes; 0: no head.
  public var classes: Int
  /// Whose arithmetic it follows.
  public var numerics = NumericsConvention.timm
  /// How images are made ready; `nil` where nothing is known or the input is not RGB.
  public var preprocessing: Preprocessing?
  /// The names of the classes; empty where nothing is known.
  public var labels: [String] = []

  /// Creates a plain ViT: class token, positions for all tokens, final norm, linear head.
  public init(
    name: String, family: String, image: Int, patch: Int, dim: Int, depth: Int, heads: Int,
    mlpHidden: Int, classes: Int
  ) {
    self.name = name
    self.family = family
    imageHeight = image
    imageWidth = image
    self.patch = patch
    self.dim = dim
    self.depth = depth
    self.heads = heads
    self.mlpHidden = mlpHidden
    self.classes = classes
    positionPrefix = 1
    positionGrid = patch > 0 ? [image / patch, image / patch] : [0, 0]
  }

  /// The number of rows and of columns of patches; pixels beyond the last whole patch are not read.
  public var grid: [Int] {
    [imageHeight, imageWidth].map { (trunk?.outputExtent($0) ?? $0) / patch }
  }
  /// The number of channels of what patches are cut from.
  public var patchChannels: Int { trunk?.outputWidth ?? channels }
  /// N, the number of patches.
  public var patches: Int { grid[0] * grid[1] }
  /// The number of tokens before the patches.
  public var prefixTokens: Int {
    (hasClassToken ? 1 : 0) + (hasDistillationToken ? 1 : 0) + registerTokens
  }
  /// T, the number of tokens.
  public var tokens: Int { prefixTokens + patches }
  /// The width of one head.
  public var headDim: Int { dim / heads }
  /// The number of rows of the stored position table.
  public var positionRows: Int { positionPrefix + positionGrid[0] * positionGrid[1] }
  /// The width of what is pooled.
  public var pooledDim: Int { pooling == .tokenAndAverage ? 2 * dim : dim }
  /// The width of what the head reads.
  public var featureDim: Int { preLogits > 0 ? preLogits : pooledDim }

  /// The multiply-adds of one image as the model is written.
  public var multiplyAdds: Int {
    let feedForwardMatrices = feedForward == .gated ? 3 : 2
    let block =
      4 * tokens * dim * dim + 2 * tokens * tokens * dim
      + feedForwardMatrices * tokens * dim * mlpHidden
    let headCount = pooling == .distilled ? 2 : 1
    let convolutions =
      trunk?.multiplyAdds(height: imageHeight, width: imageWidth, channels: channels) ?? 0
    return convolutions + patchChannels * patch * patch * dim * patches + depth * block
      + pooledDim * preLogits + headCount * featureDim * classes
  }

  /// Its sizes by name.
  public var architecture: [String: Int] {
    ["depth": depth, "dim": dim, "heads": heads, "patch": patch, "tokens": tokens]
  }

  /// Its sizes in a few words.
  public var summary: String {
    let before = trunk.map { trunk in
      trunk.depths.isEmpty
        ? "a convolution, " : "\(trunk.depths.reduce(0, +)) units of convolutions, "
    }
    return "\(before ?? "")\(depth) blocks of \(dim), \(tokens) tokens"
  }

  /// An extent must be a multiple of what one patch covers; where convolutions precede, whatever
  /// gives them whole patches.
  public func problem(extent: Int, _ what: String) -> Diagnostic? {
    let covered = patch * (trunk?.stride ?? 1)
    let least = trunk == nil ? patch : covered - (trunk?.stride ?? 1) + 1
    guard extent >= least, extent <= Self.imageLimit else {
      return Diagnostic(
        "image \(what) \(extent) is out of range; patch size is \(covered)",
        hint: "sizes from \(least) to \(Self.imageLimit) are possible")
    }
    let pixels = trunk?.outputExtent(extent) ?? extent
    guard pixels % patch == 0 else {
      return Diagnostic(
        "image \(what) \(extent) is not a multiple of the patch size \(covered)",
        hint:
          "\(extent / covered * covered) and \((extent / covered + 1) * covered) are the nearest")
    }
    return nil
  }

  /// Checks that the numbers fit together.
  public func check() throws(Diagnostic) {
    try checkCommon()
    let positive: [(String, Int, Int)] = [
      ("patch size", patch, 1024), ("width", dim, 1 << 16),
      ("depth", depth, 1024), ("number of heads", heads, 1024),
      ("MLP width", mlpHidden, 1 << 20), ("position grid", positionGrid[0], Self.imageLimit),
      ("position grid", positionGrid[1], Self.imageLimit),
    ]
    for (what, value, limit) in positive where value < 1 || value > limit {
      throw fault("\(what) is \(value), expected 1 to \(limit)")
    }
    guard registerTokens >= 0, registerTokens <= 1024 else {
      throw fault("number of register tokens is \(registerTokens), expected 0 to 1024")
    }
    guard preLogits >= 0, preLogits <= 1 << 16 else {
      throw fault("width before the head is \(preLogits), expected 0 to \(1 << 16)")
    }
    guard preLogits == 0 || pooling != .distilled else {
      throw fault("two heads do not go with a layer before the head")
    }
    guard dim % heads == 0 else { throw fault("width \(dim) does not divide into \(heads) heads") }
    if let problem = trunk?.problem { throw fault(problem) }
    guard grid[0] > 0, grid[1] > 0 else {
      throw fault(
        "image \(imageHeight)x\(imageWidth) is smaller than a patch of "
          + "\(patch * (trunk?.stride ?? 1))")
    }
    guard layerNormEpsilon >= 0, layerNormEpsilon < 1 else {
      throw fault("layer norm epsilon is \(layerNormEpsilon), expected 0 to 1")
    }
    guard hasClassToken || pooling == .average else {
      throw fault("pooling is '\(pooling.rawValue)', but there is no class token")
    }
    guard hasDistillationToken || pooling != .distilled else {
      throw fault("pooling is 'distilled', but there is no distillation token")
    }
    guard positionPrefix >= 0, positionPrefix <= prefixTokens else {
      throw fault("positions for \(positionPrefix) of \(prefixTokens) prefix tokens")
    }
  }

  /// Returns the model as a graph in the `imported` form.
  public func graph(
    fusedQKV: Bool, outputs: [ModelOutput], storedName: @escaping (String) -> String
  ) throws(Diagnostic) -> Graph {
    try VisionTransformer.graph(
      self, fusedQKV: fusedQKV, outputs: outputs, storedName: storedName)
  }
}
