import Diagnostics

/// What a fused operation does to its first operand before the matmul.
///
/// In this order: each channel is multiplied by its scale and gets its shift added (`normalized`;
/// one operand has both), a function is applied (`input_activation`), each row is multiplied by a
/// Hadamard matrix in blocks (`hadamard_size`), and divided by the root of its mean square as it
/// was before (`epsilon` is added under the root). Then elements take the type of the weight: they
/// are rounded to bf16, or quantized for each row where that is s8.
///
/// Which of these an operation can do is for its own constraints to say.
public struct Prologue: Hashable, Sendable {
  /// The term added to the mean square of each row; `nil`: rows are not normalized.
  public var epsilon: Float?
  /// `true` iff an operand stands for the scale and the shift of each channel.
  public var isNormalized: Bool
  /// Applied to what is normalized; `nil`: none.
  public var activation: ActivationFunction?
  /// The size of the Hadamard matrix that rows are multiplied by; `nil`: they are not.
  public var hadamardSize: Int?

  /// Creates a prologue; by default nothing is done.
  public init(
    epsilon: Float? = nil, isNormalized: Bool = false, activation: ActivationFunction? = nil,
    hadamardSize: Int? = nil
  ) {
    self.epsilon = epsilon
    self.isNormalized = isNormalized
    self.activation = activation
    self.hadamardSize = hadamardSize
  }

  /// Reads what `write` writes, consuming it.
  init(reading attributes: inout Attributes) throws(Diagnostic) {
    epsilon = try attributes.optionalNumber("epsilon")
    isNormalized = try attributes.boolean("normalized")
    activation = try attributes.optionalChoice("input_activation")
    hadamardSize = try attributes.optionalInteger("hadamard_size")
  }

  func write(to list: inout Attributes) {
    if let epsilon { list.set("epsilon", .number(epsilon)) }
    if isNormalized { list.set("normalized", .boolean(true)) }
    if let activation { list.set("input_activation", .text(activation.rawValue)) }
    if let hadamardSize { list.set("hadamard_size", .integer(hadamardSize)) }
  }

  /// The operands that it adds.
  var roles: [OperandRole] { isNormalized ? [.scaleShift] : [] }
}
