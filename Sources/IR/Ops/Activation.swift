import Diagnostics
import Glibc

/// The nonlinear functions that networks apply element by element.
public enum ActivationFunction: String, Hashable, Sendable, CaseIterable {
  /// `x * (1 + erf(x / sqrt(2))) / 2`: timm, Hugging Face's `gelu`. Hendrycks and Gimpel 2016,
  /// arXiv:1606.08415.
  case gelu
  /// `x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2`: JAX, `gelu_pytorch_tanh`.
  case geluTanh = "gelu_tanh"
  /// `x / (1 + exp(-1.702 x))`: OpenAI's CLIP.
  case quickGelu = "quick_gelu"
  /// `x / (1 + exp(-x))`, also called swish.
  case silu
  /// `max(x, 0)`.
  case relu
  /// The hyperbolic tangent: the pooler of some heads.
  case tanh

  /// `1 / (1 + exp(-x))`, the gate of some functions.
  static func sigmoid(_ x: Double) -> Double { 1 / (1 + Glibc.exp(-x)) }

  /// Returns the function's value at `x`.
  public func callAsFunction(_ x: Double) -> Double {
    switch self {
    case .gelu: return 0.5 * x * (1 + Glibc.erf(x / 2.0.squareRoot()))
    case .geluTanh:
      let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
      return 0.5 * x * (1 + Glibc.tanh(inner))
    case .quickGelu: return x / (1 + Glibc.exp(-1.702 * x))
    case .silu: return x / (1 + Glibc.exp(-x))
    case .relu: return max(x, 0)
    case .tanh: return Glibc.tanh(x)
    }
  }
}

/// Applies a nonlinear function to each element.
///
/// `y = function(x)`. Operand: `x` of any shape. Attribute: `function`, one of `gelu` (erf),
/// `gelu_tanh`, `quick_gelu`, `silu`, `relu`, `tanh`.
public struct Activation: OpDefinition {
  /// Which function.
  public var function: ActivationFunction

  /// Creates an activation.
  public init(_ function: ActivationFunction) { self.function = function }

  static let mnemonic = "activation"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .oneSided,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("function", .text(function.rawValue))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    function = try attributes.choice("function")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(
      shape: operands[0].shape, values: operands[0].values.map { S(function(Double($0))) })
  }
}
