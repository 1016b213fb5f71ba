import Diagnostics
import IR

/// The ResNets of Big Transfer, which the scaling study has as well: norms before convolutions.
///
/// `tokens` are the pixels after the last norm, `features` is their mean.
///
/// Reference: Kolesnikov et al. 2019, arXiv:1912.11370.
struct BigTransfer: Family {
  static let title = "bit"

  var facts: ModelFacts
  /// The convolutions.
  var backbone: ResNetBackbone

  init(name: String, image: Int, backbone: ResNetBackbone, classes: Int) {
    facts = ModelFacts(name: name, image: image, classes: classes)
    self.backbone = backbone
  }

  // MARK: - Names

  var storedNames: StoredNames {
    let head: NameTable = ["head.fc": .init("classifier.1", .matrix, isOutside: true)]
    return StoredNames(
      transformers: .transformersResNet + head + ["norm": "norm"], bigTransfer: Self.googleNames)
  }

  /// Units are numbered from `unit01`; their convolutions are `a`, `b` and `c`, each with the norm
  /// before it.
  private static let googleNames: NameTable = {
    var table: NameTable = [
      "stem.conv": .init("root_block/standardized_conv2d", .convolution),
      "stages.{i}.blocks.{i}.downsample.conv": .init(
        "block{i+1}/unit{i+1:02}/a/proj/standardized_conv2d", .convolution),
      "norm": .init("group_norm", .groupNorm),
      "head.fc": .init("head/conv2d", .convolution),
    ]
    for (number, letter) in [(1, "a"), (2, "b"), (3, "c")] {
      let unit = "block{i+1}/unit{i+1:02}/\(letter)"
      table =
        table + [
          "stages.{i}.blocks.{i}.conv\(number)": .init(
            "\(unit)/standardized_conv2d", .convolution),
          "stages.{i}.blocks.{i}.norm\(number)": .init("\(unit)/group_norm", .groupNorm),
        ]
    }
    return table
  }()

  /// The head is a convolution of one pixel, as timm stores it.
  var classifiers: [Head] {
    [Head(name: "head.fc", inputs: backbone.outputWidth, isConvolution: true)]
  }

  var hasFeatures: Bool { true }

  /// Tokens are pixels.
  var prefixTokens: Int { 0 }

  // MARK: - Numerics

  mutating func follow(_ convention: NumericsConvention) {
    guard convention != numerics else { return }
    numerics = convention
    switch convention {
    case .timm, .huggingFace: backbone.setArithmetic(.variance, 1e-8, groupNorm: 1e-5)
    // big_vision, which has only this form; the hybrids of google-research/vision_transformer.
    case .jax where backbone.form == .preActivation:
      backbone.setArithmetic(.variance, 1e-10, groupNorm: 1e-5)
    case .jax: backbone.setArithmetic(.deviation, 1e-5, groupNorm: 1e-6)
    }
  }

  var numericsSummary: String { "\(numerics.rawValue): \(backbone.numericsSummary)" }

  // MARK: - Body

  /// The pixels at the end; there are no blocks of tokens.
  func tokenMap(afterBlock index: Int?) -> TokenMap {
    TokenMap(
      prefix: 0,
      grid: [backbone.outputExtent(imageHeight), backbone.outputExtent(imageWidth)])
  }

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try backbone.append(image, prefix: "", to: &builder).value
  }

  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try builder.mean(tokens, name: "pool.mean")
  }

  func pooler(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noPooler
  }

  func features(_ pooled: Value, in builder: inout ModelBuilder) -> Value { pooled }

  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try classifiers[0].append(pooled, classes: classes, to: &builder)
  }

  // MARK: - Sizes

  var geometry: TokenGeometry { .convolutions }

  var multiplyAdds: Int {
    backbone.multiplyAdds(height: imageHeight, width: imageWidth, channels: channels)
      + backbone.outputWidth * classes
  }

  var architecture: [String: Int] {
    [
      "depth": backbone.depths.reduce(0, +), "dim": backbone.outputWidth,
      "tokens": backbone.outputExtent(imageHeight) * backbone.outputExtent(imageWidth),
    ]
  }

  var summary: String {
    let depths = backbone.depths.map(String.init).joined(separator: ", ")
    let (height, width) = (backbone.outputExtent(imageHeight), backbone.outputExtent(imageWidth))
    return "stages of \(depths) units, up to \(backbone.outputWidth) channels, "
      + "\(height)x\(width) pixels at the end"
  }

  func problem(extent: Int, _ what: String) -> Diagnostic? {
    (1...Self.imageLimit).contains(extent)
      ? nil
      : Diagnostic(
        "image \(what) \(extent) is out of range",
        hint: "sizes from 1 to \(Self.imageLimit) are possible")
  }

  func check() throws(Diagnostic) {
    try checkFacts()
    if let problem = backbone.problem { throw fault(problem) }
    guard !backbone.depths.isEmpty else { throw fault("there are no stages") }
  }

  /// Nothing: the convolutions take any size.
  func adapt(to stored: inout StoredModel) {}
}

/// How Big Transfer's models are known by name, and how their folders are read.
///
/// Source of the numbers: timm 1.0.31, which the tests hold them to. The study's models are for
/// images of 224 pixels; timm's names are for those of its weights.
extension BigTransfer {
  private struct Row {
    var name: String
    var depths: [Int]
    var widthFactor, image: Int
    var cropFraction: Double
    var filter: Preprocessing.Filter
    var paper: String?

    init(
      _ name: String, _ depths: [Int], _ widthFactor: Int, _ image: Int, _ cropFraction: Double,
      _ filter: Preprocessing.Filter = .bilinear, paper: String? = nil
    ) {
      self.name = name
      self.depths = depths
      self.widthFactor = widthFactor
      self.image = image
      self.cropFraction = cropFraction
      self.filter = filter
      self.paper = paper
    }

    var variant: Variant {
      var model = BigTransfer(
        name: name, image: image,
        backbone: ResNetBackbone(
          .preActivation, border: .fixed, depths: depths, widthFactor: widthFactor), classes: 1000)
      model.preprocessing = .timm(
        height: image, width: image, cropFraction: cropFraction,
        filter: filter, mean: Preprocessing.half.0, deviation: Preprocessing.half.1)
      return Variant(model, paperName: paper)
    }
  }

  private static let r50 = [3, 4, 6, 3]
  private static let r101 = [3, 4, 23, 3]
  private static let r152 = [3, 8, 36, 3]
  private static let r200 = [3, 24, 36, 3]

  static let variants: [Variant] = [
    Row("resnetv2_50x1_bit", r50, 1, 224, 0.875, .bicubic, paper: "R50x1"),
    Row("R50x2", r50, 2, 224, 0.875),
    Row("R50x3", r50, 3, 224, 0.875),
    Row("resnetv2_50x3_bit", r50, 3, 448, 1, paper: "R50x3-448"),
    Row("R101x1", r101, 1, 224, 0.875),
    Row("resnetv2_101x1_bit", r101, 1, 448, 1, paper: "R101x1-448"),
    Row("R101x3", r101, 3, 224, 0.875),
    Row("resnetv2_101x3_bit", r101, 3, 448, 1, paper: "R101x3-448"),
    Row("R152x1", r152, 1, 224, 0.875),
    Row("resnetv2_152x2_bit", r152, 2, 224, 0.875, .bicubic, paper: "R152x2"),
    Row("R152x4", r152, 4, 224, 0.875),
    Row("resnetv2_152x4_bit", r152, 4, 480, 1, paper: "R152x4-480"),
    Row("R200x3", r200, 3, 224, 0.875),
  ].map(\.variant)

  // MARK: - timm

  mutating func apply(_ arguments: TimmArguments) throws(Diagnostic) {
    try arguments.refuseOthers(
      than: ["in_chans", "channels", "stem_chs"],
      defaults: [
        "layers": .array(backbone.depths.map { .integer($0) }), "output_stride": .integer(32),
        "width_factor": .integer(backbone.stemWidth / 64), "stem_type": .string("fixed"),
        "preact": .bool(true), "bottle_ratio": .number(0.25), "act_layer": .string("relu"),
      ])
    let object = arguments.object
    if let pool = arguments.pool, pool != "avg" {
      throw Diagnostic(
        "unknown 'global_pool' '\(pool)'", at: .file(object.path),
        hint: "vitc supports 'avg' for a ResNet")
    }
    channels = try object.integer("in_chans") ?? channels
    // timm multiplies both by the width factor, which the architecture's name implies.
    let factor = backbone.stemWidth / 64
    if let width = try object.integer("stem_chs") {
      backbone.stemWidth = try Self.scaled(width, factor, "stem_chs", object)
    }
    if let widths = try object.integers("channels") {
      var scaledWidths: [Int] = []
      for width in widths {
        scaledWidths.append(try Self.scaled(width, factor, "channels", object))
      }
      backbone.widths = scaledWidths
    }
  }

  private static func scaled(
    _ width: Int, _ factor: Int, _ key: String, _ object: ConfigurationObject
  ) throws(Diagnostic) -> Int {
    guard (1...1 << 16).contains(width) else {
      throw Diagnostic(
        "'model_args.\(key)' is \(width), expected 1 to \(1 << 16)", at: .file(object.path))
    }
    return width * factor
  }

  // MARK: - transformers

  static let modelTypes = [
    TransformersModel(
      modelType: "bit", prefix: "bit.", anchor: ["embedder.convolution.weight"], processor: "Bit",
      // Google's.
      assumed: .init(mode: .shortestEdge, edge: 256, .bilinear, Preprocessing.half),
      // Images are of 224 pixels unless the preprocessor says otherwise.
      crop: .isImage
    ) { (root, name) throws(Diagnostic) in
      var model = BigTransfer(
        name: name, image: 224, backbone: try ResNetBackbone.read(root), classes: 0)
      model.channels = try root.integer("num_channels") ?? 3
      model.numerics = .huggingFace
      if let head = try TransformersHead(root, "bit") { model.setHead(head) }
      return model
    }
  ]
}

extension NameTable {
  /// transformers' names of a ResNet's convolutions and their norms.
  static let transformersResNet: NameTable = {
    var table: NameTable = ["stem.conv": "embedder.convolution", "stem.norm": "embedder.norm"]
    for layer in ["conv1", "norm1", "conv2", "norm2", "conv3", "norm3", "downsample.conv"]
      + ["downsample.norm"]
    {
      table =
        table + [
          "stages.{i}.blocks.{i}.\(layer)": .init("encoder.stages.{i}.layers.{i}.\(layer)")
        ]
    }
    return table
  }()
}
