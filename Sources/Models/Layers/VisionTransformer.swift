import Diagnostics
import IR

/// A Vision Transformer as timm's class of this name makes it: equal blocks after a position table,
/// with or without convolutions before it.
///
/// The families that it serves differ in what is set here.
/// D is `dim`, M is `mlpHidden`, N is the number of patches, T = `prefixTokens` + N.
struct VisionTransformer: HasModelFacts, Hashable, Sendable {
  /// What every model has.
  var facts: ModelFacts
  /// The convolutions that patches are cut from the result of; `nil`: patches of the image itself.
  var backbone: ResNetBackbone?
  /// `true` iff three convolutions make the patches (``ConvolutionalStem``).
  var hasConvolutionalStem = false
  /// The side of a patch, in pixels of the image or of the backbone's result.
  var patch: Int
  /// `true` iff the patch embedding has a bias.
  var patchBias = true
  /// How the patch embedding is stored.
  var patchLayout = PatchEmbedding.Layout.convolution
  /// What the model does to pixels first; `nil`: nothing.
  var conditioner: PixelConditioner?
  /// D, the width of the residual stream.
  var dim: Int
  /// The number of blocks.
  var depth: Int
  /// The number of attention heads.
  var heads: Int
  /// The number of heads that keys and values have in each block; `nil`: as many as queries.
  var keyHeads: [Int]?
  /// `true` iff each head's queries and keys pass a norm.
  var queryKeyNorm = false
  /// `true` iff that norm is of all heads together: an RMS norm of epsilon 1e-6, as InternVL's.
  var normsWholeRows = false
  /// `true` iff each head is the difference of two.
  var isDifferential = false
  /// How the parts of a block go together.
  var blockForm = BlockForm.sequential
  /// M, the width inside the MLP.
  var mlpHidden: Int
  /// The shape of the feed-forward part.
  var feedForward = FeedForward.Form.mlp
  /// The function inside the MLP.
  var activation = ActivationFunction.gelu
  /// What is added to the variance in every layer norm.
  var layerNormEpsilon = 1e-6
  /// `true` iff q, k and v have biases, as far as `attentionBiases` says.
  var qkvBias = true
  /// Which of q, k and v have biases where there are any.
  var attentionBiases = AttentionBiases.all
  /// `true` iff the projection of what attention gives has a bias.
  var hasProjectionBias = true
  /// `true` iff the layers of the feed-forward part have biases.
  var hasMLPBias = true
  /// What the width inside the MLP is a multiple of where it is computed from a ratio; 0: nothing.
  var mlpAlignment = 0
  /// The exact ratio of that width to D, where it is no whole number of the one by the other.
  var mlpRatio: Double?
  /// Whose names its tensors have.
  var timmClass = TimmClass.visionTransformer
  /// How timm stores the projections to queries, keys and values.
  var projections = TimmProjections.together
  /// What every norm does.
  var normKind = Normalization.Kind.layer
  /// What the norm of all tokens does, if it is another thing.
  var finalNormKind: Normalization.Kind?
  /// `true` iff the norms of a block are the last of its branches, not the first.
  var normsFollow = false
  /// `true` iff what the heads give passes a norm before its projection.
  var attentionNorm = false
  /// `true` iff there is a norm between the two layers of the feed-forward part.
  var mlpNorm = false
  /// Positions that turn queries and keys, if there are such.
  var rotary: RotaryPositions?
  /// Tables of what is added to the scores by relative position, if there are such.
  var relativeBias: RelativeBias.Tables?
  /// How those are resized.
  var relativeResize = RelativeResizeMethod.geometric
  /// `true` iff patches pass a norm before anything is added to them.
  var patchNorm = false
  /// `true` iff there is a table of positions that are added.
  var hasPositionTable = true
  /// `true` iff sines and cosines of the positions are added to the patches.
  var hasWavePositions = false
  /// `true` iff the first token is a class token, or the first ones are.
  var hasClassToken = true
  /// How many class tokens there are, where there are any.
  var classTokens = 1
  /// `true` iff a distillation token follows the class token.
  var hasDistillationToken = false
  /// The number of register tokens; they follow the tokens above.
  var registerTokens = 0
  /// The number of tokens after the patches: YOLOS' detection tokens, which have rows in the
  /// position table.
  var suffixTokens = 0
  /// `true` iff positions of all tokens are added after each block but the last one as well.
  var hasMiddlePositions = false
  /// How many of the prefix tokens, counted from the first, have rows in the position table.
  var positionPrefix = 1
  /// The grid of the position table that the checkpoint holds: rows, then columns.
  var positionGrid: [Int]
  /// How the position table is resized.
  var positionResize = ResizeMethod.bicubicAntialiased
  /// How its grid becomes that of the image.
  var positionFit = PositionTable.Fit.grid
  /// How it is stored.
  var positionStorage = PositionTable.Storage.rows
  /// `true` iff branches of a block end in a product with a learned vector (LayerScale).
  var layerScale = false
  /// `true` iff the feed-forward part then does too.
  var scalesFeedForward = true
  /// `true` iff a layer norm precedes the first block.
  var preNorm = false
  /// `true` iff all tokens pass a last layer norm after the last block.
  var finalNorm = true
  /// `true` iff what is pooled passes a layer norm of its own before the head.
  var poolNorm = false
  /// What the head reads.
  var pooling = TokenPooling.token
  /// The places of the tokens that a summary consists of.
  var summaryTokens: [Int] = []
  /// What timm's class `Eva` was told of its last norms.
  var lastNorms = LastNorms()
  /// The number of heads of the pooling by attention; `nil`: that of the blocks.
  var poolHeads: Int?
  /// The ratio of the width inside that pooling's MLP to D; `nil`: M is that width.
  var poolRatio: Double?
  /// `false` iff that pooling takes its learned query as it is, and has no MLP.
  var poolProjectsQuery = true
  /// What pools in OpenCLIP's CoCa, to a width of its own.
  var contextPool: ContextPooling?
  /// `true` iff that pooling attends to the tokens before the patches too.
  var poolsPrefix = false
  /// The width of a linear layer that makes `features` of what is pooled; 0: there is
  /// none.
  ///
  /// CLIP's models have it, into the space that images share with texts.
  var projection = 0
  /// The width of a layer with GELU before the projection; 0: there is none.
  var projectionHidden = 0
  /// `true` iff the projection has a bias.
  var projectionHasBias = false
  /// `true` iff the projection is stored where a head is: OpenCLIP takes timm's head for it.
  var projectionIsHead = false
  /// `true` iff the head has a bias.
  var headBias = true
  /// The width of a dense layer with tanh between what is pooled and the head; 0: there is none.
  ///
  /// Google's first models have it, as `pre_logits`.
  var preLogits = 0
  /// The layer for transformers' `pooler_output`; `nil`: there is none.
  var pooler: Pooler?

  /// Creates a plain ViT: class token, positions for all tokens, final norm, linear head.
  init(
    name: String, image: Int, patch: Int, dim: Int, depth: Int, heads: Int, mlpHidden: Int,
    classes: Int
  ) {
    facts = ModelFacts(name: name, image: image, classes: classes)
    self.patch = patch
    self.dim = dim
    self.depth = depth
    self.heads = heads
    self.mlpHidden = mlpHidden
    positionGrid = patch > 0 ? [image / patch, image / patch] : [0, 0]
  }

  /// The number of rows and of columns of patches; pixels beyond the last whole patch are not read.
  var grid: [Int] {
    [imageHeight, imageWidth].map { (backbone?.outputExtent($0) ?? $0) / patch }
  }
  /// How many pixels of the image a patch covers along each side.
  var coveredByPatch: Int { patch * (backbone?.stride ?? 1) }
  /// N, the number of patches.
  var patches: Int { grid[0] * grid[1] }
  /// The tokens before the patches: the name and the number of each kind.
  var prefix: [(name: String, count: Int)] {
    let kinds = [
      ("cls_token", hasClassToken ? classTokens : 0), ("dist_token", hasDistillationToken ? 1 : 0),
      ("reg_token", registerTokens),
    ]
    return kinds.filter { $0.1 > 0 }.map { (timmClass.embeddingPrefix + $0.0, $0.1) }
  }
  /// The tokens after the patches, likewise.
  var suffix: [(name: String, count: Int)] {
    suffixTokens > 0 ? [("detection_tokens", suffixTokens)] : []
  }
  /// The number of tokens before the patches.
  var prefixTokens: Int {
    (hasClassToken ? classTokens : 0) + (hasDistillationToken ? 1 : 0) + registerTokens
  }
  /// T, the number of tokens.
  var tokens: Int { prefixTokens + patches + suffixTokens }
  /// The width of what is pooled.
  var pooledDim: Int {
    switch pooling {
    case .tokenAndAverage: 2 * dim
    case .summary: summaryTokens.count * dim
    case .context: contextPool?.width ?? dim
    case .token, .classAverage, .average, .distilled, .attention, .none: dim
    }
  }
  /// The width of what the head reads.
  var featureDim: Int { preLogits > 0 ? preLogits : pooledDim }
  /// The layers that make logits: one, or one for each of a distilled model's tokens.
  var classifiers: [Head] {
    let names = pooling == .distilled ? ["head", "head_dist"] : ["head"]
    return names.map { Head(name: $0, inputs: featureDim, hasBias: headBias) }
  }

  /// The multiply-adds of one image as the model is written.
  var multiplyAdds: Int {
    let feedForward = (feedForward == .mlp ? 2 : 3) * tokens * dim * mlpHidden
    let branches = if case .branched(let count) = blockForm { count } else { 1 }
    let blocks = (0..<depth).reduce(0) { sum, index in
      let keys = dim / heads * (keyHeads?[index] ?? heads)
      let attention = 2 * tokens * dim * (dim + keys) + 2 * tokens * tokens * dim
      return sum + branches * (attention + feedForward)
    }
    let convolutions =
      backbone?.multiplyAdds(height: imageHeight, width: imageWidth, channels: channels) ?? 0
    let patchChannels = backbone?.outputWidth ?? channels
    let pool =
      pooling == .attention
      ? attentionPool.multiplyAdds(tokens: poolsPrefix ? tokens : patches, dim: dim) : 0
    let embedding =
      hasConvolutionalStem
      ? ConvolutionalStem(dim: dim).multiplyAdds(
        pixels: patches * patch * patch, channels: channels)
      : patchChannels * patch * patch * dim * patches
    return convolutions + pool + embedding + blocks
      + pooledDim * (preLogits + (projectionHidden > 0 ? projectionHidden : projection))
      + projectionHidden * projection + (contextPool?.multiplyAdds(tokens: tokens, dim: dim) ?? 0)
      + classifiers.count * featureDim * classes
  }

  /// Its sizes by name.
  var architecture: [String: Int] {
    var sizes = ["depth": depth, "dim": dim, "heads": heads, "patch": patch, "tokens": tokens]
    if suffixTokens > 0 { sizes["tokens_after_patches"] = suffixTokens }
    return sizes
  }

  /// Its sizes in a few words.
  var summary: String {
    let before = backbone.map { backbone in
      backbone.depths.isEmpty
        ? "a convolution, " : "\(backbone.depths.reduce(0, +)) units of convolutions, "
    }
    return "\(before ?? "")\(depth) blocks of \(dim), \(tokens) tokens"
  }

  /// The convention and what follows from it, in one line.
  var numericsSummary: String {
    var parts = [
      "\(feedForward == .mlp ? activation.rawValue : "swiglu")",
      "\(normKind == .layer ? "layer" : "RMS") norm epsilon \(layerNormEpsilon)",
    ]
    if let backbone { parts.append(backbone.numericsSummary) }
    if hasPositionTable, grid != positionGrid {
      parts.append("positions resized \(positionResize.rawValue)")
    }
    if relativeBias != nil, grid != positionGrid {
      parts.append("relative positions resized \(relativeResize.rawValue)")
    }
    return "\(numerics.rawValue): \(parts.joined(separator: ", "))"
  }
}

/// How attention and feed-forward part of a block go together.
enum BlockForm: Hashable, Sendable {
  /// One after the other (``EncoderBlock``).
  case sequential
  /// Beside each other, behind one norm and one layer (``ParallelBlock``).
  case parallel
  /// The same; one layer reads what both give.
  case parallelJoined
  /// This many attentions beside each other, then as many feed-forward parts (``BranchedBlock``).
  case branched(Int)
}

/// What timm's class `Eva` was told of its last norms, the one of all tokens and the one of what is
/// pooled; `nil`: nothing, and the pooling decides.
struct LastNorms: Hashable, Sendable {
  /// Of all tokens (`use_post_transformer_norm`).
  var tokens: Bool?
  /// Of what is pooled (`use_fc_norm`).
  var pooled: Bool?
}

extension VisionTransformer {
  /// Places the last norms as timm's class `Eva` does: after a mean, else before the pooling.
  mutating func placeLastNorms() {
    poolNorm = lastNorms.pooled ?? (pooling == .average)
    finalNorm = lastNorms.tokens ?? !poolNorm
  }
}
