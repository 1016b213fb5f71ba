import Diagnostics

/// What an operation must say about itself.
///
/// The doc comment of a conforming type is its published reference: formula, operands with shapes,
/// attributes, numbered constraints, source.
protocol OpDefinition: Hashable, Sendable {
  /// Its name in the text form, in snake case.
  static var mnemonic: String { get }
  /// The forms it may be in.
  static var forms: Set<Form> { get }
  /// How many operands it takes.
  static var operandCounts: ClosedRange<Int> { get }
  /// What each of its operands is to it, in order, for operations whose operands come and go with
  /// their attributes; by default nothing is said.
  var roles: [OperandRole] { get }
  /// How its result comes about.
  var execution: Execution { get }
  /// What transformations ask of it; ``Op/facts(_:)``.
  ///
  /// - Parameter operands: the types of its operands, which have been checked.
  func facts(_ operands: [TensorType]) -> OpFacts
  /// Its attributes, those at their defaults left out.
  var attributes: Attributes { get }
  /// Reads the attributes back, consuming them.
  ///
  /// - Throws: a missing attribute, or one of the wrong type or value.
  init(_ attributes: inout Attributes) throws(Diagnostic)
  /// Returns the type of its result; of the first one where there are several.
  ///
  /// - Throws: the violated constraint, by number.
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType
  /// Returns its result, the first one where there are several: the reference semantics.
  ///
  /// Sums are accumulated in `Double`; speed is not its aim. `operands` have been type-checked.
  /// ``Op/evaluate(_:)`` rounds the result to the element of its type.
  ///
  /// One definition for numbers of any precision meets this and the next requirement:
  /// `func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S>`. So the
  /// compiler makes a function of it for each precision.
  func evaluate(_ operands: [Tensor]) -> Tensor
  /// Returns its result, the first one where there are several, in double precision.
  func evaluate(_ operands: [DenseTensor<Double>]) -> DenseTensor<Double>

  /// What it makes besides its first result, as names are made of it: `moments` for
  /// `%y, %y.moments = …`. By default nothing.
  var furtherResults: [String] { get }
  /// Returns the types of all results; by default of the only one.
  ///
  /// - Throws: the violated constraint, by number.
  func resultTypes(of operands: [TensorType]) throws(Diagnostic) -> [TensorType]
  /// Returns all results; by default the only one.
  func evaluateAll(_ operands: [Tensor]) -> [Tensor]
  /// Returns all results in double precision; by default the only one.
  func evaluateAll(_ operands: [DenseTensor<Double>]) -> [DenseTensor<Double>]
}

extension OpDefinition {
  /// Nothing.
  var roles: [OperandRole] { [] }

  /// No attributes.
  var attributes: Attributes { Attributes() }

  /// Nothing.
  var furtherResults: [String] { [] }

  /// The type of the only result.
  func resultTypes(of operands: [TensorType]) throws(Diagnostic) -> [TensorType] {
    [try resultType(of: operands)]
  }

  /// The only result.
  func evaluateAll<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> [DenseTensor<S>] {
    [S.evaluate(AnyOpDefinition(definition: self), operands)]
  }

  /// Returns the diagnostic of a violated constraint, such as `[linear C2] …`.
  func violation(_ constraint: String, _ message: String, hint: String? = nil) -> Diagnostic {
    Diagnostic("[\(Self.mnemonic) \(constraint)] \(message)", hint: hint)
  }

  /// Throws the violation of `constraint` unless `condition` holds.
  func require(
    _ constraint: String, _ condition: Bool, _ message: @autoclosure () -> String
  ) throws(Diagnostic) {
    if !condition { throw violation(constraint, message()) }
  }

  /// Throws unless `type` is `f32` of the given rank.
  func requireRank(
    _ constraint: String, _ what: String, _ type: TensorType, _ rank: Int
  ) throws(Diagnostic) {
    try require(
      constraint, type.rank == rank && type.element == .f32,
      "\(what): expected f32 of rank \(rank), found \(type)")
  }

  /// Throws unless `type` is of the given rank, and of floating-point numbers.
  func requireFloats(
    _ constraint: String, _ what: String, _ type: TensorType, _ rank: Int
  ) throws(Diagnostic) {
    try require(
      constraint, type.rank == rank && (type.element == .f32 || type.element.isNarrowFloat),
      "\(what): expected \(ElementType.floatNames) of rank \(rank), found \(type)")
  }

  /// Throws if `type` is of narrow floats and ends within a group of columns.
  func requirePairs(
    _ constraint: String, _ what: String, _ type: TensorType
  ) throws(Diagnostic) {
    let columns = type.shape.last ?? 0
    try require(
      constraint, !type.element.isNarrowFloat || columns % type.element.perGroup == 0,
      "\(what): columns of \(type.element.rawValue) are whole groups of "
        + "\(type.element.perGroup), found \(columns)")
  }

  /// Throws unless `type` is `expected`.
  func requireType(
    _ constraint: String, _ what: String, _ type: TensorType, _ expected: TensorType
  ) throws(Diagnostic) {
    try require(constraint, type == expected, "\(what): expected \(expected), found \(type)")
  }
}
