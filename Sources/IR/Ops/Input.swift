import Diagnostics

/// An argument of the program: one image, `[channels, height, width]`, or the tokens of one text,
/// `[length]`.
///
/// Its value comes from the caller. Attributes: `shape`; `element`, default `f32`, or `i32` for
/// tokens. Tokens are numbers from 0 up to but not including `limit`, and `required` is among them,
/// if it is said: a compiled model refuses others. No operands.
///
/// - C1: `element` is `f32`, or `i32` with a `limit` from 1 to 2^24, which floats hold exactly.
/// - C2: `required` is within the limit.
public struct Input: OpDefinition {
  /// The type of the argument.
  public var type: TensorType
  /// What tokens are less than; `nil`: the argument is an image.
  public var limit: Int?
  /// A token that must be there; `nil`: none.
  public var required: Int?

  /// Creates an input.
  public init(type: TensorType, limit: Int? = nil, required: Int? = nil) {
    self.type = type
    self.limit = limit
    self.required = required
  }

  /// The most that tokens may be less than: floats hold all smaller integers.
  public static let greatestLimit = 1 << 24

  static let mnemonic = "input"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...0
  var execution: Execution { .input }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("shape", .integers(type.shape))
    if type.element != .f32 { list.set("element", .text(type.element.rawValue)) }
    if let limit { list.set("limit", .integer(limit)) }
    if let required { list.set("required", .integer(required)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    let shape = try attributes.integers("shape")
    type = TensorType(try attributes.optionalChoice("element") ?? .f32, shape)
    limit = try attributes.optionalInteger("limit")
    required = try attributes.optionalInteger("required")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    switch type.element {
    case .f32:
      try require("C1", limit == nil && required == nil, "an image has no limit")
    case .i32:
      let limit = limit ?? 0
      try require(
        "C1", (1...Self.greatestLimit).contains(limit),
        "limit: expected 1 to \(Self.greatestLimit), found \(limit)")
      try require(
        "C2", required.map { (0..<limit).contains($0) } ?? true,
        "required: \(required ?? 0) is not less than \(limit)")
    case .bf16, .f16, .s8: throw violation("C1", "expected f32 or i32 elements, found \(type)")
    }
    return type
  }
  /// Never called: the evaluator binds inputs.
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(shape: type.shape).rounded(to: type.element)
  }
}
