import Diagnostics

/// What a fused operation does to its sums before it writes them: adds a bias, applies a function,
/// adds a residual, rounds to the type of the result.
///
/// Which of these an operation can do is for its own constraints to say.
public struct Epilogue: Hashable, Sendable {
  /// `true` iff an operand stands for the bias of each column.
  public var hasBias: Bool
  /// Applied after the bias; `nil`: none.
  public var activation: ActivationFunction?
  /// `true` iff an operand of the result's shape is added in the end.
  public var hasResidual: Bool
  /// The type of the result's elements.
  public var result: ElementType

  /// Creates an epilogue; by default nothing is done.
  public init(
    hasBias: Bool = false, activation: ActivationFunction? = nil, hasResidual: Bool = false,
    result: ElementType = .f32
  ) {
    self.hasBias = hasBias
    self.activation = activation
    self.hasResidual = hasResidual
    self.result = result
  }

  /// Reads what `write` writes, consuming it.
  init(reading attributes: inout Attributes) throws(Diagnostic) {
    activation = try attributes.optionalChoice("activation")
    hasBias = try attributes.boolean("bias")
    hasResidual = try attributes.boolean("residual")
    result = try attributes.optionalChoice("result") ?? .f32
  }

  func write(to list: inout Attributes) {
    if let activation { list.set("activation", .text(activation.rawValue)) }
    if hasBias { list.set("bias", .boolean(true)) }
    if hasResidual { list.set("residual", .boolean(true)) }
    if result != .f32 { list.set("result", .text(result.rawValue)) }
  }

  /// The operands that it adds.
  var roles: [OperandRole] {
    (hasBias ? [.bias] : []) + (hasResidual ? [.residual] : [])
  }

  /// Applies what follows the bias.
  func finish<S: TensorScalar>(_ sums: DenseTensor<S>, residual: DenseTensor<S>?) -> DenseTensor<S>
  {
    var y = sums
    if let activation { y = Activation(activation).evaluate([y]) }
    if let residual { y = Add().evaluate([y, residual]) }
    return y
  }
}
