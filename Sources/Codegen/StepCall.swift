import Diagnostics
import IR

/// A value seen as a matrix in memory: the last dimension runs along its rows.
struct Matrix {
  let rows: Int
  let columns: Int
  /// Elements from one row to the next.
  let stride: Int
  let placement: Placement

  /// - Throws: a value without a place.
  init(_ result: Node.Result) throws(Diagnostic) {
    guard let placement = result.placement else {
      throw Diagnostic("is read by code, but has no place in memory", at: .node(result.name))
    }
    columns = result.type.shape.last ?? 1
    rows = columns == 0 ? 0 : result.type.count / columns
    stride = placement.rowStride
    self.placement = placement
  }

  private init(rows: Int, columns: Int, stride: Int, placement: Placement) {
    self.rows = rows
    self.columns = columns
    self.stride = stride
    self.placement = placement
  }

  /// The same matrix, so many floats later.
  func moved(by elements: Int) -> Matrix {
    var placement = placement
    placement.offsetBytes += elements * ElementType.f32.sizeBytes
    return Matrix(rows: rows, columns: columns, stride: stride, placement: placement)
  }
}

/// What a step does: a kernel, and what each of its parameters is bound to.
struct StepCall {
  /// What a parameter is bound to.
  enum Operand {
    case matrix(Matrix)
    /// So many bytes of the task's own memory.
    case scratch(bytes: Int)
    /// Nothing: null.
    case none
  }

  /// Returns the kernel's function.
  let function: (Builder) -> Function
  /// The kernel.
  let kernel: AnyHashable
  /// How tasks share its work on a target.
  let division: (Target) -> Division
  /// The operands, in the order of the kernel's parameters.
  let operands: [Operand]
  /// `true` iff others may help a task with its share (``Pieces``).
  let hasPieces: Bool

  /// - Parameter operands: one for each address that the kernel takes; one that is missing stops
  ///   the compiler.
  init<K: StepKernel>(_ kernel: K, _ operands: [K.Parameter: Operand]) {
    function = { $0.function(of: kernel) }
    self.kernel = AnyHashable(kernel)
    division = { kernel.division(on: $0) }
    self.operands = K.Parameter.allCases.filter { $0.type == .address }.map { parameter in
      guard let operand = operands[parameter] else {
        preconditionFailure("\(K.Parameter.self).\(parameter) is not bound")
      }
      return operand
    }
    precondition(operands.count == self.operands.count, "the caller binds all but addresses")
    hasPieces = K.Parameter.self is any PieceParameter.Type
  }

  /// The scratch memory that the step asks for.
  var scratchBytes: Int {
    operands.map { if case .scratch(let bytes) = $0 { bytes } else { 0 } }.max() ?? 0
  }
}
