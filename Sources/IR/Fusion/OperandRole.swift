import Diagnostics

/// What an operand is to its operation.
public enum OperandRole: Hashable, Sendable {
  /// The rows or the image that everything is computed from.
  case input
  /// The matrix or the kernels that it is multiplied with.
  case weight
  /// Two rows: the scale and the shift of each channel of the input, which normalize it.
  case scaleShift
  /// A number for each column of the result; with a weight of integers the three rows of
  /// quantization parameters, of which it is one.
  case bias
  /// What is added to the result in the end, of its shape.
  case residual
  /// The rows of an attention that ask.
  case queries
  /// The rows of an attention that are compared with the queries.
  case keys
  /// The rows of an attention that are averaged.
  case values
  /// What is added to the scores of an attention.
  case scores
  /// What is added to the scores of an attention by the row, on a grid, of the key.
  case rowScores
  /// What is added to the scores of an attention by the column, on a grid, of the key.
  case columnScores
  /// The numbers, by relative places, that are added to the scores of an attention.
  case scoreTable
}

extension Op {
  /// The position of the operand of a role, if there is one.
  public func position(of role: OperandRole) -> Int? { definition.roles.firstIndex(of: role) }
}

extension Node {
  /// The operand of a role, if there is one.
  public subscript(role: OperandRole) -> Value? { op.position(of: role).map { operands[$0] } }
}

extension Definition {
  /// The operand of a role of the node, if there is one.
  public subscript(role: OperandRole) -> Value? { node[role] }
}

extension OpDefinition {
  /// The operand at the position of a role, if there is one.
  func operand<T>(_ role: OperandRole, of operands: [T]) -> T? {
    roles.firstIndex(of: role).map { operands[$0] }
  }

  /// Throws unless there are as many operands as there are roles.
  func requireOperands(
    _ constraint: String, _ operands: [TensorType]
  ) throws(Diagnostic) {
    try require(
      constraint, operands.count == roles.count,
      "operands: expected \(roles.count) by the attributes, found \(operands.count)")
  }
}
