import Diagnostics
import Files

/// Reads OpenCLIP's `open_clip_config.json`: the image encoder is of OpenCLIP's own class, or
/// one of timm's by its name.
///
/// `features` is what `encode_image` gives, projected and not normalized.
enum OpenCLIPFolder {
  /// The name of the configuration.
  static let fileName = "open_clip_config.json"

  static func read(
    _ root: ConfigurationObject, folder: String
  ) throws(Diagnostic) -> ModelFolder {
    guard let whole = try root.object("model_cfg") else { throw root.absent("model_cfg") }
    guard let vision = try whole.object("vision_cfg") else { throw whole.absent("vision_cfg") }
    guard let width = try whole.integer("embed_dim") else { throw whole.absent("embed_dim") }
    let name = Path.name(of: folder)
    let isTower = vision.value("timm_model_name") != nil
    var model: any Family =
      isTower
      ? try tower(vision, embedding: width) : try own(vision, whole, embedding: width, name)
    model.labels = []
    do {
      try model.check()
    } catch {
      var located = error
      located.location = .file(root.path)
      throw located
    }
    model.preprocessing = try preprocessing(root.object("preprocess_cfg"), model)
    return ModelFolder(path: folder, model: model, naming: OpenCLIPNaming(isTower: isTower))
  }

  /// OpenCLIP's own class `VisionTransformer`.
  private static func own(
    _ vision: ConfigurationObject, _ whole: ConfigurationObject, embedding: Int, _ name: String
  ) throws(Diagnostic) -> any Family {
    let read: Set<String> = [
      "image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio", "ls_init_value",
      "no_ln_pre", "pool_type", "final_ln_after_pool", "patch_dropout", "output_tokens",
      "attentional_pool",
      // Without that the other keys of the pooling mean nothing; positions are stored.
      "attn_pooler_queries", "attn_pooler_heads", "pos_embed_type",
    ]
    for (key, value) in vision.members.sorted(by: { $0.key < $1.key })
    where !read.contains(key) && value != .null && value != .bool(false) {
      throw Diagnostic(
        "'\(vision.prefix)\(key)' is \(value.described), which vitc does not support",
        at: .file(vision.path), hint: Suggestion.hint(for: key, in: read.sorted()))
    }
    let image = try vision.extent("image_size") ?? (224, 224)
    let dim = try vision.integer("width") ?? 768
    let headWidth = try vision.integer("head_width") ?? 64
    guard headWidth > 0 else {
      throw Diagnostic(
        "'\(vision.prefix)head_width' is \(headWidth), expected 1 or more", at: .file(vision.path))
    }
    let ratio = try vision.double("mlp_ratio") ?? 4
    guard ratio > 0, ratio < 1000, let hidden = Int(exactly: (Double(dim) * ratio).rounded(.down))
    else {
      throw Diagnostic(
        "'\(vision.prefix)mlp_ratio' is \(ratio), expected 0 to 1000", at: .file(vision.path))
    }
    var model = VisionTransformer(
      name: name, image: image.height, patch: try vision.integer("patch_size") ?? 16, dim: dim,
      depth: try vision.integer("layers") ?? 12, heads: dim / headWidth, mlpHidden: hidden,
      classes: 0)
    model.imageWidth = image.width
    model.positionGrid = model.patch > 0 ? model.grid : [0, 0]
    model.patchBias = false
    model.preNorm = !(try vision.bool("no_ln_pre") ?? false)
    model.layerScale = vision.value("ls_init_value") != nil
    model.layerNormEpsilon = 1e-5
    model.activation = try whole.bool("quick_gelu") ?? false ? .quickGelu : .gelu
    model.projection = embedding
    let pool = try vision.string("pool_type") ?? "tok"
    switch pool {
    case "tok": model.pooling = .token
    case "avg": model.pooling = .average
    default:
      throw Diagnostic(
        "unknown '\(vision.prefix)pool_type' '\(pool)'", at: .file(vision.path),
        hint: "vitc supports 'tok' and 'avg'")
    }
    model.poolNorm = try vision.bool("final_ln_after_pool") ?? false
    if try poolsContext(vision) {
      guard model.pooling == .token else {
        throw Diagnostic(
          "'\(vision.prefix)pool_type' is 'avg', which vitc does not support with "
            + "'attentional_pool'", at: .file(vision.path), hint: "vitc supports 'tok'")
      }
      model.pooling = .context
      model.poolNorm = true
      model.contextPool = ContextPooling(
        queries: try vision.integer("attn_pooler_queries") ?? 256, width: embedding,
        heads: try vision.integer("attn_pooler_heads") ?? 8, norm: model.norm)
    }
    model.finalNorm = !model.poolNorm
    return CLIP(model)
  }

  /// `true` iff learned queries pool, in the one way that OpenCLIP's models do.
  private static func poolsContext(_ vision: ConfigurationObject) throws(Diagnostic) -> Bool {
    guard let value = vision.value("attentional_pool") else { return false }
    guard case .bool(let isPooled) = value else {
      throw Diagnostic(
        "'\(vision.prefix)attentional_pool' is \(value.described), which vitc does not support",
        at: .file(vision.path), hint: "vitc supports true and false")
    }
    return isPooled
  }

  /// A model of timm's, with a projection of its own or timm's head as one.
  private static func tower(
    _ vision: ConfigurationObject, embedding: Int
  ) throws(Diagnostic) -> any Family {
    guard let architecture = try vision.string("timm_model_name") else {
      throw vision.absent("timm_model_name")
    }
    guard let variant = Variants.all.first(where: { $0.name == architecture }) else {
      throw Diagnostic(
        "unknown '\(vision.prefix)timm_model_name' '\(architecture)'", at: .file(vision.path),
        hint: Suggestion.hint(for: architecture, in: Variants.all.map(\.name))
          ?? "'vitc list' prints all names")
    }
    var family = variant.model
    let pool = try vision.string("timm_pool") ?? "avg"
    let arguments = ConfigurationObject(path: vision.path, prefix: vision.prefix, members: [:])
    try family.apply(TimmArguments(object: arguments, pool: pool.isEmpty ? nil : pool))
    family.classes = 0
    let projection = try vision.string("timm_proj")
    switch projection {
    case "none": return family
    case nil, "":
      // timm's head, which has a bias.
      guard var transformer = family as? any TransformerFamily else { break }
      transformer.model.projection = embedding
      transformer.model.projectionIsHead = true
      transformer.model.projectionHasBias = true
      return transformer
    case "linear":
      guard var transformer = family as? any TransformerFamily else { break }
      transformer.model.projection = embedding
      transformer.model.projectionHasBias = try vision.bool("timm_proj_bias") ?? false
      return transformer
    case "mlp":
      guard var transformer = family as? any TransformerFamily else { break }
      transformer.model.projection = embedding
      transformer.model.projectionHidden = 2 * embedding
      transformer.model.projectionHasBias = try vision.bool("timm_proj_bias") ?? false
      return transformer
    case let name?:
      throw Diagnostic(
        "'\(vision.prefix)timm_proj' is '\(name)', which vitc does not support",
        at: .file(vision.path), hint: "vitc supports 'linear', 'mlp', 'none' and none given")
    }
    throw Diagnostic(
      "'\(architecture)' with a projection is not an image encoder that vitc supports",
      at: .file(vision.path))
  }

  /// The transform of `open_clip.image_transform` without training; absent keys have its defaults.
  private static func preprocessing(
    _ object: ConfigurationObject?, _ model: any Family
  ) throws(Diagnostic) -> Preprocessing? {
    guard model.channels == 3 else { return nil }
    let mode = try object?.string("resize_mode") ?? "shortest"
    let interpolation = try object?.string("interpolation") ?? "bicubic"
    let modes: [String: Preprocessing.TimmCrop.Mode] = [
      "shortest": .center, "longest": .border, "squash": .squash,
    ]
    let filters: [String: Preprocessing.Filter] = ["bicubic": .bicubic, "bilinear": .bilinear]
    guard let mode = modes[mode], let filter = filters[interpolation] else {
      throw Diagnostic(
        "unknown resize_mode '\(mode)' or interpolation '\(interpolation)'",
        at: object.map { .file($0.path) },
        notes: [
          "known are \(modes.keys.sorted().joined(separator: ", "))",
          "and \(filters.keys.sorted().joined(separator: ", "))",
        ])
    }
    let constants = (
      try object?.doubles("mean") ?? Preprocessing.clip.0,
      try object?.doubles("std") ?? Preprocessing.clip.1
    )
    guard constants.0.count == 3, constants.1.count == 3, !constants.1.contains(0) else {
      throw Diagnostic(
        "'mean' and 'std' have \(constants.0.count) and \(constants.1.count) numbers, expected 3 "
          + "each, no deviation zero", at: object.map { .file($0.path) })
    }
    let fill = Double(try object?.integer("fill_color") ?? 0)
    return .timm(
      height: model.imageHeight, width: model.imageWidth, cropFraction: 1, mode: mode,
      filter: filter, rectangleFilter: .bicubic, fill: [fill, fill, fill], mean: constants.0,
      deviation: constants.1)
  }
}
