import Diagnostics
import IR

/// A family whose models are windowed Transformers: only what they set in one differs.
protocol WindowedFamily: Family {
  /// The model.
  var model: WindowedTransformer { get set }

  init(_ model: WindowedTransformer)
}

extension WindowedFamily {
  var facts: ModelFacts {
    get { model.facts }
    set { model.facts = newValue }
  }
  var numericsSummary: String { model.numericsSummary }
  var architecture: [String: Int] { model.architecture }
  var geometry: TokenGeometry { .windows }
  var summary: String { model.summary }
  var multiplyAdds: Int { model.multiplyAdds }
  var classifiers: [Head] { model.classifiers }
  var hasFeatures: Bool { model.isPooled }
  /// Windows have patches only.
  var prefixTokens: Int { 0 }

  func problem(extent: Int, _ what: String) -> Diagnostic? {
    model.problem(extent: extent, what)
  }

  /// The same after all blocks.
  func tokenMap(afterBlock index: Int?) -> TokenMap { TokenMap(prefix: 0, grid: model.grid) }

  func check() throws(Diagnostic) { try model.check() }

  /// Nothing: the tables say their own sizes in the configuration.
  func adapt(to stored: inout StoredModel) {}

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
    try classifiers[0].append(pooled, classes: classes, to: &builder)
  }
}
