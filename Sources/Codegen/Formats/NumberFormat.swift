import IR

/// How kernels multiply numbers of one element type: how they lie in memory, and what becomes of
/// them on the way to a sum.
///
/// The depth of a matmul goes by *groups* of 32 bits: one float, two of bf16, four bytes,
/// neighbours along the depth. So every type has the same panels, strides and loops, counted in
/// groups; what differs is here and in the file of the format beside this one.
protocol NumberFormat: Sendable {
  var element: ElementType { get }

  /// `true` iff sums are 32-bit integers: exact, so never divided into parts, and scaled afterwards
  /// by two numbers of the row and three of the column (`FusedLinear`). Else they are floats.
  var sumsIntegers: Bool { get }

  /// The type of a vector's lane, or of a scalar, that holds a group.
  func groupType(_ b: Builder) -> ValueType

  /// `true` iff ``multiplyAdd(_:_:_:_:)`` takes a lane of a left vector of four groups.
  ///
  /// Four steps of a row are loaded at once then, instead of repeating each group over a vector.
  func multipliesByLane(on target: Target) -> Bool
  /// Groups of the left operand as ``multiplyAdd(_:_:_:_:)`` takes them.
  func left(_ b: Builder, _ groups: Value) -> [Value]
  /// Groups of the right operand likewise.
  func right(_ b: Builder, _ groups: Value) -> [Value]
  /// The number of vectors that ``left(_:_:)`` and ``right(_:_:)`` make of one; 1: groups are
  /// multiplied as they are.
  func parts(on target: Target) -> Int
  /// Words of 32 bits as a part: what such a vector is where it was stored and is loaded again.
  func part(_ b: Builder, _ words: Value) -> Value
  /// `sum` and, lane by lane, the products of the elements of a left and a right group, or of one
  /// part of each.
  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value

  /// How a task makes its rows of a left matrix ready for the products; `nil`: they are multiplied
  /// where they lie.
  func preparation(of rows: LeftRows) -> (any PreparedRow)?
}

/// A format that results of kernels are stored in, and that kernels read numbers from.
protocol StoredFormat: NumberFormat {
  /// Loads the first `count` of `lanes` elements as floats; the others are zero and their memory is
  /// not read.
  func load(_ b: Builder, _ address: Value, _ lanes: Int, count: Int) -> Value
  /// Stores the first `count` lanes of floats, rounded.
  func store(_ b: Builder, _ value: Value, _ address: Value, count: Int)
  /// Floats rounded to this format's numbers.
  func round(_ b: Builder, _ value: Value) -> Value
  /// Loads the first `count` of `lanes` elements of each row; lane by lane the rows, at most as
  /// many as fit, become one group, the first row first.
  func loadGroups(_ b: Builder, rows: [Value], _ lanes: Int, count: Int) -> Value

  /// Applies an activation whose result is stored in this format: as precisely as that asks for.
  func activate(_ b: Builder, _ function: ActivationFunction?, _ x: Value) -> Value
  /// `2^x` likewise, in the sense of ``Builder/exp2InRange(_:)``.
  func exp2InRange(_ b: Builder, _ x: Value) -> Value
}

/// The rows of a left matrix as an operation finds them.
struct LeftRows {
  let columns: Int
  /// Elements from one row to the next.
  let stride: Int
  let element: ElementType
  /// The term in the norm that each row is divided by; `nil`: it is not.
  let epsilon: Float?
  /// The size of the Hadamard matrix that each row is multiplied by; `nil`: it is not.
  let hadamardSize: Int?
}

extension NumberFormat {
  func multipliesByLane(on target: Target) -> Bool { false }
  func parts(on target: Target) -> Int { 1 }
  func part(_ b: Builder, _ words: Value) -> Value { words }

  /// The elements of a group.
  var perGroup: Int { element.perGroup }
  /// The groups that so many elements take; the last one may be filled up with zeros.
  func groups(_ elements: Int) -> Int { (elements + perGroup - 1) / perGroup }

  /// The type of a vector of sums.
  func sumType(_ b: Builder) -> ValueType {
    b.vector(b.target.lanes, of: sumsIntegers ? b.i32 : b.f32)
  }
  /// No sum yet.
  func zero(_ b: Builder, _ lanes: Int) -> Value {
    sumsIntegers ? b.integers(0, lanes) : b.floats(0, lanes)
  }
  /// The sum of two sums.
  func add(_ b: Builder, _ one: Value, _ other: Value) -> Value {
    sumsIntegers ? b.wrappingAdd(one, other) : b.addFloat(one, other)
  }
}

extension ElementType {
  /// How kernels multiply numbers of this type.
  var format: any NumberFormat {
    switch self {
    case .f32: F32Format()
    case .bf16: BF16Format()
    case .f16: F16Format()
    case .s8: S8Format()
    case .i32: preconditionFailure("kernels multiply no \(self)")
    }
  }

  /// How kernels read and write numbers of this type, which is not one that they only multiply.
  var storedFormat: any StoredFormat {
    guard let format = format as? any StoredFormat else {
      preconditionFailure("kernels read and write no \(self)")
    }
    return format
  }
}
