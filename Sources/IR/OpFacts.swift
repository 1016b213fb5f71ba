/// What transformations ask of an operation that they do not know by name; of its first result,
/// where it has several.
///
/// Each operation answers in its own file, every question: there are no defaults. The answers may
/// depend on the types of the operands. `OpFactsTests` holds them against `evaluate`.
public struct OpFacts: Hashable, Sendable {
  /// The operands that the result may lie exactly over, since the kernel reads each element before
  /// it writes it and nobody else does.
  public var inPlace: [Int]
  /// Which rows of the operands a row of the result reads.
  public var rows: RowMap
  /// The operands that are members of a residual stream if the result is: those whose sum, whole
  /// rows or mean it is, besides a matmul with a weight if it has ``work``.
  ///
  /// A linear map of the columns may then be done to these, and to weight and bias, instead of to
  /// the result.
  public var addends: [Int]
  /// What it does to each row of its first operand before anything else.
  public var norm: RowNormalization?
  /// The operands in which small errors matter little, since they are normalized or averaged: what
  /// leads to them may be quantized.
  public var absorbs: [Int]
  /// How the elements of a row of its result are spread.
  public var spread: Spread
  /// `true` iff it may read bf16, and its result is of bf16 then: such numbers pass through it.
  public var carriesBF16: Bool
  /// Its matmuls, if it computes any.
  public var work: Work?

  /// Creates the answers, all of them.
  public init(
    inPlace: [Int], rows: RowMap, addends: [Int], norm: RowNormalization?, absorbs: [Int],
    spread: Spread, carriesBF16: Bool, work: Work?
  ) {
    self.inPlace = inPlace
    self.rows = rows
    self.addends = addends
    self.norm = norm
    self.absorbs = absorbs
    self.spread = spread
    self.carriesBF16 = carriesBF16
    self.work = work
  }

  /// The answers of an operation that nothing can be moved through and that multiplies no matrices,
  /// and of one that only weights meet.
  public static let opaque = OpFacts(
    inPlace: [], rows: .all, addends: [], norm: nil, absorbs: [], spread: .any,
    carriesBF16: false, work: nil)
}

/// How the result of an operation comes about.
public enum Execution: Hashable, Sendable {
  /// The caller gives it, anew for each run.
  case input
  /// It is evaluated when the weights are written. There is no kernel: over anything but weights
  /// the operation is rewritten by a pass, before the planned form.
  case evaluated
  /// By a kernel; over weights alone it is evaluated when they are written.
  case kernel
  /// By a kernel, over weights alone too.
  case kernelAlways
  /// Not at all: it lies in its operands, or they in it. Over weights alone it is evaluated.
  case view(View)
}

/// How a value that nothing computes lies in memory.
public enum View: Hashable, Sendable {
  /// Within its operand, from index `start` along a dimension.
  case slice(axis: Int, start: Int)
  /// Exactly over its operand, whose elements it has in the same order.
  case reshape
  /// Around its operands, which follow each other along a dimension.
  case concatenate(axis: Int)
}

/// Which rows of its operands a row of a matrix reads.
public enum RowMap: Hashable, Sendable {
  /// Any: the result cannot be computed row by row.
  case all
  /// The same row of the operands named, any of the others.
  case same([Int])
  /// Row `r` reads row `r + distance` of the first operand.
  case shifted(by: Int)
  /// The rows of all operands, one operand after the other.
  case joined

  /// The operands whose rows the result's stem from, each with a distance: row `r` reads row
  /// `r - distance`; `nil` for `all`.
  ///
  /// - Parameter operands: the types of all operands.
  public func distances(_ operands: [TensorType]) -> [Int: Int]? {
    switch self {
    case .all: return nil
    case .same(let positions):
      return Dictionary(uniqueKeysWithValues: positions.map { ($0, 0) })
    case .shifted(let distance): return [0: -distance]
    case .joined:
      var distances: [Int: Int] = [:]
      var start = 0
      for (position, type) in operands.enumerated() {
        distances[position] = start
        start += type.shape.first ?? 1
      }
      return distances
    }
  }
}

/// A normalization of rows, each by itself, with scale 1 and shift 0.
public enum RowNormalization: Hashable, Sendable {
  /// `(x - mean) / sqrt(variance + epsilon)`: it sees neither the mean nor the size of a row.
  case layer(epsilon: Float)
  /// `x / sqrt(mean(x^2) + epsilon)`: it does not see the size of a row, but its mean.
  case rootMeanSquare(epsilon: Float)

  /// What is added under the root.
  public var epsilon: Float {
    switch self {
    case .layer(let epsilon), .rootMeanSquare(let epsilon): epsilon
    }
  }

  /// `true` iff the mean of a row does not matter.
  public var ignoresMean: Bool {
    switch self {
    case .layer: true
    case .rootMeanSquare: false
    }
  }
}

/// How the elements of a row are spread, which decides how well few bits hold them.
public enum Spread: Hashable, Sendable {
  /// Nothing is known, or too little to round by.
  case any
  /// About zero and of one size, as a norm or an average makes them.
  case balanced
  /// To one side of zero with rare peaks, as an activation makes them.
  case oneSided
}

/// Matmuls.
public struct Work: Hashable, Sendable {
  /// Floating-point operations, two for each multiply-add that is done.
  public var flops: Int
  /// The type of the numbers multiplied.
  public var element: ElementType
  /// The operand that is read as a stream of panels once packed, if one is.
  public var panels: Int?

  /// Creates the work of an operation.
  public init(flops: Int, element: ElementType, panels: Int?) {
    self.flops = flops
    self.element = element
    self.panels = panels
  }
}

extension Op {
  /// How its result comes about.
  public var execution: Execution { definition.execution }

  /// `true` iff in the planned form its result lies within its operands or they within it, so that
  /// nothing is executed.
  public var isView: Bool { if case .view = execution { true } else { false } }

  /// What transformations ask of it, over operands of these types, which fit it.
  public func facts(_ operands: [TensorType]) -> OpFacts { definition.facts(operands) }
}

extension Graph {
  /// What transformations ask of the operation of a node of this graph.
  public func facts(of node: Node) -> OpFacts {
    node.op.facts(node.operands.map { self[$0].type })
  }
}
