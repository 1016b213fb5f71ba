import Diagnostics
import IR

/// C-RADIO: class tokens of several teachers and registers, positions for the patches alone, no
/// final norm; in timm's form base and large of the third edition have LayerScale, in transformers'
/// every model.
///
/// `features` is what the library of the folder or name gives: of timm's models the first class
/// token, of transformers' folders `summary`: the class tokens that `summary_idxs` names, side by
/// side. Those take pixels from 0 to 1, which the model normalizes itself.
///
/// Another size's positions are resized bilinearly, by timm's models as timm does with its own
/// files; by transformers' to a square of the longer side, of which the upper left part is taken.
///
/// Reference: Heinrich et al. 2024, arXiv:2412.07679.
struct RADIO: TransformerFamily {
  static let title = "radio"

  var model: VisionTransformer
  /// `true` iff branches of a checkpoint without LayerScale are multiplied by 1, as they are where
  /// the configuration does not say otherwise.
  private var scalesAreOne = true

  init(_ model: VisionTransformer) { self.model = model }

  /// timm's models have other tensors than transformers'.
  var storedNames: StoredNames {
    model.conditioner == nil ? .none : StoredNames(transformers: .transformersRADIO(model))
  }

  /// Each keeps its own resize: the code that came with its weights decides.
  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    arithmetic.epsilon = 1e-6
    arithmetic.positionResize = model.positionResize
    return arithmetic
  }

  // MARK: - transformers

  static let modelTypes = [
    TransformersModel(
      modelType: "radio", prefix: "radio_model.",
      anchor: ["model.patch_generator.cls_token.token", "model.blocks.0.norm1.weight"],
      // No class is registered for it; the hub's files name this one.
      processor: "CLIP", assumed: nil, crop: .isScaled, read: read)
  ]

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-6)
    // The defaults of the class are those of the huge model.
    model.dim = try root.integer("hidden_size") ?? 1280
    model.depth = try root.integer("num_hidden_layers") ?? 32
    model.heads = try root.integer("num_attention_heads") ?? 16
    model.mlpHidden = try root.width("mlp_ratio", of: model.dim, default: 4)
    if try root.bool("use_swiglu_ffn") ?? false {
      model.feedForward = .gatedApart
      // RadioSwiGLUFFN: two thirds, rounded up to a multiple of 8; SiLU whatever `hidden_act` says.
      model.activation = .silu
      model.mlpHidden = (Int(Double(model.mlpHidden) * 2 / 3) + 7) / 8 * 8
    }
    if let width = try root.integer("head_dim"), width * model.heads != model.dim {
      throw Diagnostic(
        "'head_dim' is \(width), expected \(model.dim) over \(model.heads) heads",
        at: .file(root.path))
    }
    model.layerScale = true
    model.patchBias = false
    model.patchLayout = .channelsFirst
    model.finalNorm = false
    // Class tokens and registers are one tensor.
    let classTokens = try root.integer("num_cls_tokens") ?? 3
    let registers = try root.integer("num_registers") ?? 7
    guard (1...1024).contains(classTokens), (0...1024).contains(registers) else {
      throw Diagnostic(
        "\(classTokens) class tokens and \(registers) registers, expected 1 to 1024 and 0 to 1024",
        at: .file(root.path))
    }
    model.classTokens = classTokens + registers
    model.positionPrefix = 0
    model.pooling = .summary
    model.summaryTokens = try root.integers("summary_idxs") ?? [0, 1]
    if let token = model.summaryTokens.first(where: { !(0..<classTokens).contains($0) }) {
      throw Diagnostic(
        "'summary_idxs' has \(token), expected places of the \(classTokens) class tokens",
        at: .file(root.path))
    }
    let side = (try root.integer("max_img_size") ?? 2048) / max(1, model.patch)
    model.positionGrid = [side, side]
    model.positionFit = .croppedSquare
    model.positionResize = .bilinear
    model.conditioner = try conditioner(root, channels: model.channels)
    var family = RADIO(model)
    family.scalesAreOne = try root.double("layerscale_value") ?? 1 == 1
    return family
  }

  /// Mean and deviation of each channel; CLIP's unless the file says them.
  private static func conditioner(
    _ root: ConfigurationObject, channels: Int
  ) throws(Diagnostic) -> PixelConditioner {
    let mean = try root.doubles("norm_mean") ?? Preprocessing.clip.0
    let deviation = try root.doubles("norm_std") ?? Preprocessing.clip.1
    guard mean.count == channels, deviation.count == channels, deviation.allSatisfy({ $0 > 0 })
    else {
      throw Diagnostic(
        "'norm_mean' and 'norm_std' have \(mean.count) and \(deviation.count) numbers, expected "
          + "\(channels) each, deviations above 0", at: .file(root.path))
    }
    return PixelConditioner(mean: mean, deviation: deviation)
  }

  /// Takes from the configuration the table's grid, and what the checkpoint does not hold.
  ///
  /// Which class tokens make the summary both say.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {
    guard model.conditioner != nil, stored.isForeign || stored.naming is TransformersNaming else {
      return try adaptTransformer(to: &stored)
    }
    func has(_ tensor: TensorSpecification) -> Bool {
      stored.place(tensor, storedNames).map { stored.checkpoint.type(of: $0.name) != nil } ?? false
    }
    if let mean = model.conditioner?.meanTensor, !has(mean) { model.conditioner?.isStored = false }
    let scale = TensorSpecification(name: "blocks.0.ls1.gamma", shape: [model.dim])
    if scalesAreOne, !has(scale) { model.layerScale = false }
    for name in stored.checkpoint.names where name.split(separator: ".").last == "summary_idxs" {
      guard let places = try stored.checkpoint.integers(name), places != model.summaryTokens
      else { continue }
      throw Diagnostic(
        "the checkpoint's summary is of the class tokens \(places), config.json says "
          + "\(model.summaryTokens)", at: .tensor(name, file: stored.checkpoint.path),
        hint: "transformers takes the checkpoint's: write them into 'summary_idxs'")
    }
  }

  // MARK: - timm

  static let variants = [
    variant(
      Row("vit_base_patch16_radio_v3", .base, 16, 512, 1, [.layerScale], paper: "C-RADIOv3-B/16"),
      registers: 7, .bilinearCorners),
    variant(
      Row("vit_large_patch16_radio_v3", .large, 16, 512, 1, [.layerScale], paper: "C-RADIOv3-L/16"),
      registers: 7, .bilinear),
    variant(
      Row("vit_huge_patch16_radio_v3", .huge, 16, 512, 1, paper: "C-RADIOv3-H/16"),
      registers: 7, .bilinearCorners),
    variant(
      Row("vit_giant_patch16_radio_v3", .giant24Heads, 16, 512, 1, paper: "C-RADIOv3-g/16"),
      registers: 7, .bilinear),
    variant(
      Row("vit_so400m_patch16_radio_v4", .so400m, 16, 512, 1, paper: "C-RADIOv4-So400m/16"),
      registers: 9, .bilinear),
    variant(
      Row("vit_huge_patch16_radio_v4", .huge, 16, 512, 1, paper: "C-RADIOv4-H/16"),
      registers: 9, .bilinear),
  ]

  private static func variant(_ row: Row, registers: Int, _ resize: ResizeMethod) -> Variant {
    var model = row.model([.patchPositions, .noFinalNorm, .clipMean], classes: 0)
    model.registerTokens = registers
    model.positionResize = resize
    return Variant(RADIO(model), paperName: row.paper)
  }
}

extension NameTable {
  /// transformers' names of RADIO, which on disk are NVIDIA's own; a gated MLP's first layers are
  /// apart, the gate first.
  static func transformersRADIO(_ model: VisionTransformer) -> NameTable {
    let isGated = model.feedForward == .gatedApart
    var table: NameTable = [
      "cls_token": "model.patch_generator.cls_token.token",
      "pos_embed": "model.patch_generator.pos_embed",
      "patch_embed.proj": "model.patch_generator.embedder",
      "pixels.mean": "input_conditioner.norm_mean",
      "pixels.deviation": "input_conditioner.norm_std",
      "blocks.{i}.norm1": "model.blocks.{i}.norm1",
      "blocks.{i}.attn.q": .part(0, of: 3, "model.blocks.{i}.attn.qkv"),
      "blocks.{i}.attn.k": .part(1, of: 3, "model.blocks.{i}.attn.qkv"),
      "blocks.{i}.attn.v": .part(2, of: 3, "model.blocks.{i}.attn.qkv"),
      "blocks.{i}.attn.proj": "model.blocks.{i}.attn.proj",
      "blocks.{i}.ls1.gamma": "model.blocks.{i}.layer_scale1.lambda1",
      "blocks.{i}.norm2": "model.blocks.{i}.norm2",
      "blocks.{i}.mlp.fc1": "model.blocks.{i}.mlp.fc1",
      "blocks.{i}.mlp.fc1_g": "model.blocks.{i}.mlp.gate_proj",
      "blocks.{i}.mlp.fc1_x": "model.blocks.{i}.mlp.up_proj",
      "blocks.{i}.mlp.fc2": .init("model.blocks.{i}.mlp.\(isGated ? "down_proj" : "fc2")"),
      "blocks.{i}.ls2.gamma": "model.blocks.{i}.layer_scale2.lambda1",
    ]
    // The second projection is of patches of several frames.
    table.unread = ["summary_idxs", "video_embedder"]
    return table
  }
}
