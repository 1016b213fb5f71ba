import IR

/// How the operands of a tile lie in memory.
enum Arrangement: Hashable {
  /// As they are stored: groups of a row of A after each other, the panel `[groups][columns]`.
  case stored
  /// With a word for each part of a group (``NumberFormat/parts(on:)``), the parts of a group after
  /// each other along the depth.
  case widened
  /// Two rows and two groups to a register, as instructions take them that multiply small matrices
  /// (``PairMicroKernel``): A is `[rows / 2][groups / 2][2 rows][2 groups]`, the panel
  /// `[groups / 2][columns][2 groups]`; after an odd last group comes one of zeros in both, after
  /// an odd last row anything.
  case paired

  /// The words between a group and the next one of the same row of A.
  func leftWords(_ format: any NumberFormat, on target: Target) -> Int {
    self == .paired ? 2 : rightWords(format, on: target)
  }

  /// The words that a group and column take in a panel.
  func rightWords(_ format: any NumberFormat, on target: Target) -> Int {
    self == .widened ? format.parts(on: target) : 1
  }

  /// The groups that so many take in a panel.
  func paddedGroups(_ groups: Int) -> Int { self == .paired ? (groups + 1) / 2 * 2 : groups }

  /// The words that a column of so many groups takes in a panel.
  func columnWords(_ groups: Int, _ format: any NumberFormat, on target: Target) -> Int {
    paddedGroups(groups) * rightWords(format, on: target)
  }

  /// The rows of A that a tile begins at: multiples of this many.
  var rowUnit: Int { self == .paired ? 2 : 1 }

  /// How rows of A come to lie so, from where they lie or from what `inner` makes of them; `nil`:
  /// they are multiplied where they lie.
  func row(
    _ operand: ElementType, columns: Int, inner: (any PreparedRow)? = nil
  ) -> (any PreparedRow)? {
    switch self {
    case .stored: inner
    case .widened: WidenedRow(operand: operand, columns: columns, inner: inner)
    case .paired: PairedRow(operand: operand, columns: columns, inner: inner)
    }
  }

  /// The address where a column begins in panels whose columns have so many groups.
  func address(
    _ b: Builder, of column: Value, in panels: Value, groups: Int, _ format: any NumberFormat
  ) -> Value {
    let width = b.constant(Tile.panelWidth)
    let panelWords = columnWords(groups, format, on: b.target) * Tile.panelWidth
    let panel = b.multiply(b.divide(column, width), b.constant(panelWords))
    let own = b.remainder(column, width)
    return b.element(
      panels, b.add(panel, rowUnit == 1 ? own : b.multiply(own, b.constant(rowUnit))))
  }
}

extension Target {
  /// The rows of a matmul for which its operands are arranged once: as many as a task has at least.
  ///
  /// With fewer the panel would be read and written for too few products of each element.
  static let leastArrangedRows = FusedLinearKernel.rowsPerTask

  /// How a matmul or an attention of many rows makes its operands of a type ready, once, in private
  /// memory, where the tile would have to do it in registers for each tile of rows.
  func arrangement(_ element: ElementType) -> Arrangement {
    if multipliesPairs(element) { return .paired }
    // With AVX-512 the multipliers of floats are busy all the same.
    let widens =
      element.format.parts(on: self) == 2 && (lanes < 16 || element.format.sumsIntegers)
    return widens ? .widened : .stored
  }

  /// The same of one with `rows` rows.
  func arrangement(_ element: ElementType, rows: Int) -> Arrangement {
    rows >= Self.leastArrangedRows ? arrangement(element) : .stored
  }

  /// The rows of the largest register tile that multiplies numbers of a type that lie so.
  ///
  /// Pairs of 10 rows and 8 columns are 20 registers of sums, as many as it takes where four
  /// products begin in each cycle and each is added to the last one's result after five (`bfmmla`
  /// on Neoverse V1); they leave 12 for the operands.
  func tileRows(of element: ElementType, _ arrangement: Arrangement) -> Int {
    switch arrangement {
    case .stored: tileRows(of: element)
    case .widened: tileRows
    case .paired: 10
    }
  }
}
