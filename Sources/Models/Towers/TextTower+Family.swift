import Diagnostics
import IR

/// What the rest of vitc asks of a model, and a text tower has no images for.
extension TextTower: Family {
  static let title = "text"
  static let variants: [Variant] = []
  /// Why photos cannot be preprocessed.
  static let readsTokens = "the model reads the tokens of texts, not images"
  static let modelTypes: [TransformersModel] = []

  var text: TextInput? { input }

  /// Its naming has its own tables.
  var storedNames: StoredNames { .none }
  var classifiers: [Head] { [] }
  var hasFeatures: Bool { true }
  var prefixTokens: Int { 0 }
  func tokenMap(afterBlock index: Int?) -> TokenMap {
    TokenMap(prefix: 0, grid: [1, input.length], reader: .average)
  }

  var numericsSummary: String {
    let form = feedForward == .mlp ? activation.rawValue : "swiglu"
    let kind = norm.kind == .layer ? "layer" : "RMS"
    return "\(numerics.rawValue): \(form), \(kind) norm epsilon \(norm.epsilon)"
      + (input.isCausal ? ", causal attention" : "")
  }

  var architecture: [String: Int] {
    [
      "depth": depth, "dim": dim, "heads": heads, "tokens": input.length,
      "vocabulary": input.vocabulary,
    ]
  }

  /// None in an image.
  var geometry: TokenGeometry { .convolutions }

  var summary: String {
    "text tower, \(depth) blocks of \(dim), \(input.length) of \(input.positions) tokens, "
      + "a vocabulary of \(input.vocabulary)"
  }

  /// Of one text; of a causal tower the products that are masked are not counted.
  var multiplyAdds: Int {
    let length = input.length
    let linear = 4 * dim * dim + (feedForward == .mlp ? 2 : 3) * dim * mlpHidden
    let attention = input.isCausal ? length * (length + 1) * dim : 2 * length * length * dim
    var sum = depth * (length * linear + attention)
    if case .linear(let width, _) = projection { sum += dim * width }
    return sum
  }

  func problem(extent: Int, _ what: String) -> Diagnostic? { noImages }

  private var noImages: Diagnostic {
    Diagnostic("'\(name)' is compiled as a text tower, which reads tokens and no images")
  }

  func apply(_ arguments: TimmArguments) throws(Diagnostic) { throw noImages }
  /// The conventions disagree on nothing that a text tower has.
  func follow(_ convention: NumericsConvention) {}
  func adapt(to stored: inout StoredModel) throws(Diagnostic) {}

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noImages
  }
  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noImages
  }
  func pooler(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noPooler
  }
  func features(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noImages
  }
  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw Diagnostic("'\(name)' is compiled as a text tower, which takes no head")
  }
}
