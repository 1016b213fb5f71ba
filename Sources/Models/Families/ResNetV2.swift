import Diagnostics
import IR

/// timm's other ResNets whose norms precede convolutions: plain weights, batch norms, of one model
/// group norms, of one EvoNorm-S0, of one filter response norms.
///
/// `tokens` are the pixels after the last norm, `features` is their mean.
///
/// Reference: He et al. 2016, arXiv:1603.05027; `d` and `t`: He et al. 2018, arXiv:1812.01187;
/// `evos`: Liu et al. 2020, arXiv:2004.02967; `frn`: Singh and Krishnan 2019, arXiv:1911.09737.
struct ResNetV2: Family {
  static let title = "resnetv2"

  /// The convolutions and the head are as Big Transfer's models have them.
  private var model: BigTransfer

  private init(_ model: BigTransfer) { self.model = model }

  var facts: ModelFacts {
    get { model.facts }
    set { model.facts = newValue }
  }
  var storedNames: StoredNames { .none }
  var classifiers: [Head] { model.classifiers }
  var hasFeatures: Bool { model.hasFeatures }
  var prefixTokens: Int { model.prefixTokens }
  var numericsSummary: String { model.numericsSummary }
  var geometry: TokenGeometry { .convolutions }

  var multiplyAdds: Int { model.multiplyAdds }
  var architecture: [String: Int] { model.architecture }
  var summary: String { model.summary }

  static let modelTypes: [TransformersModel] = []

  /// No other library has these models.
  mutating func follow(_ convention: NumericsConvention) { model.facts.numerics = convention }

  func adapt(to stored: inout StoredModel) {}

  func problem(extent: Int, _ what: String) -> Diagnostic? {
    model.problem(extent: extent, what)
      ?? model.backbone.problem(extent: extent).map { Diagnostic($0) }
  }

  func check() throws(Diagnostic) { try model.check() }

  /// The pixels at the end; there are no blocks of tokens.
  func tokenMap(afterBlock index: Int?) -> TokenMap { model.tokenMap(afterBlock: index) }

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.tokens(of: image, in: &builder)
  }

  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.pooled(tokens, in: &builder)
  }

  func pooler(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noPooler
  }

  func features(_ pooled: Value, in builder: inout ModelBuilder) -> Value { pooled }

  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.logits(pooled, in: &builder)
  }

  // MARK: - timm

  mutating func apply(_ timm: TimmArguments) throws(Diagnostic) {
    try timm.refuseOthers(
      than: ["in_chans", "channels", "stem_chs", "layers"],
      defaults: ["output_stride": .integer(32), "width_factor": .integer(1)])
    if let pool = timm.pool, pool != "avg" {
      throw Diagnostic(
        "unknown 'global_pool' '\(pool)'", at: .file(timm.object.path),
        hint: "vitc supports 'avg' for a ResNet")
    }
    let object = timm.object
    channels = try object.integer("in_chans") ?? channels
    model.backbone.stemWidth = try object.integer("stem_chs") ?? model.backbone.stemWidth
    model.backbone.widths = try object.integers("channels") ?? model.backbone.widths
    model.backbone.depths = try object.integers("layers") ?? model.backbone.depths
  }

  private static func variant(
    _ name: String, _ depths: [Int], _ cropFraction: Double, stem: ResNetBackbone.Stem = .plain,
    isBasic: Bool = false, norm: ResNetBackbone.Norm = .batch
  ) -> Variant {
    var backbone = ResNetBackbone(.preActivation, border: .symmetric, depths: depths)
    backbone.isStandardized = false
    backbone.norm = norm
    backbone.stemForm = stem
    backbone.averagesShortcuts = stem != .plain
    backbone.isBasic = isBasic
    if isBasic { backbone.widths = backbone.widths.map { $0 / 4 } }
    var model = BigTransfer(name: name, image: 224, backbone: backbone, classes: 1000)
    model.preprocessing = .timm(
      height: 224, width: 224, cropFraction: cropFraction, mean: Preprocessing.half.0,
      deviation: Preprocessing.half.1)
    return Variant(ResNetV2(model), paperName: nil)
  }

  private static let r50 = [3, 4, 6, 3]
  private static let r101 = [3, 4, 23, 3]
  private static let r152 = [3, 8, 36, 3]

  static let variants: [Variant] = [
    variant("resnetv2_18", [2, 2, 2, 2], 0.9, isBasic: true),
    variant("resnetv2_18d", [2, 2, 2, 2], 0.9, stem: .deep, isBasic: true),
    variant("resnetv2_34", r50, 0.9, isBasic: true),
    variant("resnetv2_34d", r50, 0.9, stem: .deep, isBasic: true),
    variant("resnetv2_50", r50, 0.95),
    variant("resnetv2_50d", r50, 0.875, stem: .deep),
    variant("resnetv2_50t", r50, 0.875, stem: .tiered),
    variant("resnetv2_50d_gn", r50, 0.95, stem: .deep, norm: .group),
    variant("resnetv2_50d_evos", r50, 0.95, stem: .deep, norm: .evo),
    variant("resnetv2_50d_frn", r50, 0.875, stem: .deep, norm: .filterResponse),
    variant("resnetv2_101", r101, 0.95),
    variant("resnetv2_101d", r101, 0.875, stem: .deep),
    variant("resnetv2_152", r152, 0.875),
    variant("resnetv2_152d", r152, 0.875, stem: .deep),
  ]
}
