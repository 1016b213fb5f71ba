import Diagnostics
import IR

/// A family whose models are what timm's class `VisionTransformer` makes: only what they set in it
/// differs.
protocol TransformerFamily: Family {
  /// The model.
  var model: VisionTransformer { get set }

  init(_ model: VisionTransformer)

  /// What a convention means for the family.
  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic
}

/// What the conventions disagree on.
struct TransformerArithmetic: Hashable, Sendable {
  /// The GELU.
  var gelu: ActivationFunction
  /// What is added to the variance in layer norms.
  var epsilon: Double
  /// How position tables are resized.
  var positionResize: ResizeMethod
}

extension TransformerFamily {
  /// None: most of what timm's class makes, no other library has.
  static var modelTypes: [TransformersModel] { [] }

  /// What holds of Google's ViTs holds of what was made after them.
  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    .vit(convention)
  }

  var facts: ModelFacts {
    get { model.facts }
    set { model.facts = newValue }
  }
  var numericsSummary: String { model.numericsSummary }
  var architecture: [String: Int] { model.architecture }
  var geometry: TokenGeometry { .grid(tokenMap(afterBlock: nil)) }
  var summary: String { model.summary }
  var multiplyAdds: Int { model.multiplyAdds }
  var classifiers: [Head] { model.classifiers }
  var hasFeatures: Bool { model.pooling != .none }
  var prefixTokens: Int { model.prefixTokens }

  func problem(extent: Int, _ what: String) -> Diagnostic? {
    model.problem(extent: extent, what)
  }

  /// The same after all blocks.
  func tokenMap(afterBlock index: Int?) -> TokenMap {
    TokenMap(
      prefix: model.prefixTokens, grid: model.grid, reader: model.reader,
      suffix: model.suffixTokens)
  }

  func check() throws(Diagnostic) { try model.check() }

  /// The class takes the same arguments for all of its architectures.
  mutating func apply(_ arguments: TimmArguments) throws(Diagnostic) {
    switch model.timmClass {
    case .visionTransformer: try model.apply(arguments)
    case .eva: try model.applyEva(arguments)
    case .beit: try model.applyBEiT(arguments)
    case .naFlex: try model.applyNaFlex(arguments)
    }
  }

  mutating func follow(_ convention: NumericsConvention) {
    model.follow(convention, arithmetic(under: convention))
  }

  /// Takes the grid of the position table from the checkpoint, and what its naming says.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {
    try adaptTransformer(to: &stored)
  }

  /// The same, for families that take more from it.
  mutating func adaptTransformer(to stored: inout StoredModel) throws(Diagnostic) {
    adaptPositions(to: stored)
    if stored.isForeign { try stored.naming.adapt(&model, storedNames, &stored) }
  }

  /// Any square grid fits, and is resized.
  private mutating func adaptPositions(to stored: StoredModel) {
    guard model.hasPositionTable, stored.isForeign || stored.naming.resizesPositions else { return }
    let table = TensorSpecification(
      name: PositionTable.name, shape: [1, model.positions.rows, model.dim])
    guard let name = stored.place(table, storedNames)?.name,
      let shape = stored.checkpoint.type(of: name)?.shape, (2...3).contains(shape.count)
    else { return }
    let rows = shape[shape.count - 2]
    // How many tokens before the patches may have positions; the first that leaves a square counts.
    let prefixes =
      stored.isForeign
      ? [model.prefixTokens - model.registerTokens, 0, model.prefixTokens]
      : [model.positionPrefix]
    for prefix in prefixes where rows > prefix {
      let side = Int(Double(rows - prefix).squareRoot().rounded())
      guard side * side == rows - prefix else { continue }
      // A grid of as many patches that is not a square is the model's own.
      if (rows, prefix) == (model.positions.rows, model.positionPrefix) { return }
      model.positionGrid = [side, side]
      model.positionPrefix = prefix
      return
    }
  }

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.tokens(of: image, in: &builder)
  }

  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.pooled(tokens, in: &builder)
  }

  func pooler(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    guard let pooler = model.pooler else { throw noPooler }
    return try pooler.append(tokens, to: &builder)
  }

  func features(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.features(pooled, in: &builder)
  }

  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try model.logits(pooled, in: &builder)
  }
}

extension TokenMap.Reader {
  /// The mean of these tokens, of which the first alone is the class token.
  fileprivate static func tokens(_ places: [Int]) -> TokenMap.Reader {
    places == [0] ? .classToken : .classTokens(places)
  }
}

extension VisionTransformer {
  /// What the head, or whoever takes the tokens, reads of them.
  fileprivate var reader: TokenMap.Reader {
    switch pooling {
    case .token, .distilled, .tokenAndAverage: .classToken
    case .classAverage: .tokens(Array(0..<classTokens))
    case .summary: .tokens(summaryTokens)
    case .average: .average
    case .attention, .context: .probe
    case .none: hasClassToken ? .classToken : .average
    }
  }

  /// Only what the conventions disagree on is changed: of the activations those of the GELU family
  /// but CLIP's, of the epsilons those below 1e-5, which is CLIP's everywhere.
  mutating func follow(_ convention: NumericsConvention, _ arithmetic: TransformerArithmetic) {
    guard convention != numerics else { return }
    numerics = convention
    if activation == .gelu || activation == .geluTanh { activation = arithmetic.gelu }
    if layerNormEpsilon < 1e-5 { layerNormEpsilon = arithmetic.epsilon }
    positionResize = arithmetic.positionResize
  }
}
