import IR

/// Multi-head attention of 8-bit integers: what ``QuantizedAttention`` says, for each head.
///
/// The parts of the work are those of ``AttentionKernel``. A task that comes to a head makes
/// integers of its K and V, in panels of its own scratch memory; then, for each tile of rows: bytes
/// of its queries; scores of all tokens by the fused linear layer's microkernel of integers, whose
/// epilogue scales them; for each row the powers below its maximum, as bytes, and the sum of the
/// exact ones (``IntegerPowersRow``); values by the same microkernel, whose epilogue divides by the
/// sum and adds the means of the values.
///
/// Unlike in ``AttentionKernel`` scores go to memory: the largest must be known before a power
/// becomes a byte.
struct IntegerAttentionKernel: StepKernel {
  typealias Parameter = AttentionKernel.Parameter

  /// The extents, the addressing, and what is added to the scores.
  var attention: AttentionKernel

  private var format: S8Format { S8Format() }
  private var tokens: Int { attention.tokens }
  private var headDim: Int { attention.headDim }
  private var panelTokens: Int { attention.paddedTokens }
  private var panelColumns: Int { attention.sumStride }
  /// From one row of scores, and of bytes of powers, to the next.
  private var scoreStride: Int { RowStride.padded(panelTokens) }

  func arrangement(_ target: Target) -> Arrangement {
    target.arrangement(.s8, rows: attention.queries)
  }
  private func tileRows(_ target: Target) -> Int {
    target.tileRows(of: .s8, arrangement(target))
  }
  /// How rows of queries become rows of bytes.
  private func preparedQuery(_ target: Target) -> any PreparedRow {
    let bytes = IntegerRow(
      columns: headDim, element: attention.element, epsilon: nil, hadamardSize: nil)
    return arrangement(target).row(.s8, columns: headDim, inner: bytes) ?? bytes
  }
  /// How rows of powers that are bytes are laid out anew; `nil`: they are multiplied where they
  /// lie.
  private func arrangedPowers(_ target: Target) -> (any PreparedRow)? {
    arrangement(target).row(.s8, columns: tokens)
  }

  /// The parts of a task's scratch memory, in bytes from its start: K and V of one head and their
  /// numbers; of one tile of rows the queries and the powers, their numbers, and the scores.
  private struct Layout {
    var keys = 0
    var values = 0
    var keyNumbers = 0
    var valueNumbers = 0
    var queries = 0
    var queryScratch = 0
    var queryNumbers = 0
    var powers = 0
    var powerNumbers = 0
    var scores = 0
    var addition = 0
    var end = 0
  }

  private func layout(_ target: Target) -> Layout {
    let rows = tileRows(target)
    func columnBytes(_ groups: Int) -> Int {
      arrangement(target).columnWords(groups, format, on: target) * 4
    }
    let query = preparedQuery(target)
    var layout = Layout()
    var place = 0
    func take(_ bytes: Int) -> Int {
      defer { place += (bytes + 63) / 64 * 64 }
      return place
    }
    layout.keys = take(panelTokens * columnBytes(format.groups(headDim)))
    layout.values = take(panelColumns * columnBytes(format.groups(tokens)))
    layout.keyNumbers = take(3 * panelTokens * 4)
    layout.valueNumbers = take(3 * panelColumns * 4)
    layout.queries = take(rows * query.stride * 4)
    layout.queryScratch = take(query.scratchBytes)
    layout.queryNumbers = take(rows * 8)
    layout.powers = take(arrangedPowers(target).map { rows * $0.stride * 4 } ?? 0)
    layout.powerNumbers = take(rows * 8)
    // The integers of the keys before they are in panels lie where scores will.
    layout.scores = take(
      max(rows * scoreStride * 4, tokens * format.groups(headDim) * 4))
    layout.addition = take(attention.addition.scratchBytes(tokens: tokens, target))
    layout.end = place
    return layout
  }

  /// The scratch memory of one task.
  func scratchBytes(_ target: Target) -> Int { layout(target).end }

  var title: String {
    "attention_\(attention.queries)x\(tokens)_\(attention.heads)x\(headDim)_s8"
  }

  func division(on target: Target) -> Division {
    Division(
      rows: attention.windows * attention.heads,
      columns: RowTiles.count(rows: attention.queries, height: tileRows(target)),
      prepared: 2 * attention.windows * attention.heads * tokens * headDim)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let layout = layout(b.target)
    let height = tileRows(b.target)
    func place(_ bytes: Int) -> Value { b.offset(p[.scratch], bytes: bytes) }
    attention.eachTile(b, p, height: height) { keys, values in
      pack(b, keys: keys, values: values, layout, place)
    } _: { tile in
      let added = attention.addition.address(
        b, attention, p, head: tile.head, window: tile.window, row: tile.row)
      let heights = RowTiles.heights(rows: attention.queries, height: height).sorted()
      b.choose(tile.height, among: heights) { rows in
        let scores = attention.addition.rows(
          b, attention, added, rows, place(layout.addition))
        multiply(b, rows, tile, added: scores, layout, place)
      }
    }
  }

  /// Emits the panels of a head and the numbers of their columns.
  private func pack(
    _ b: Builder, keys: Value, values: Value, _ layout: Layout, _ place: (Int) -> Value
  ) {
    let arrangement = arrangement(b.target)
    let integers = IntegerKeys(
      tokens: tokens, headDim: headDim, stride: attention.kStride, element: attention.element,
      numberStride: panelTokens)
    b.call(
      integers,
      [
        .keys: keys, .integers: place(layout.scores), .numbers: place(layout.keyNumbers),
      ])
    let zeros = place(layout.keyNumbers + 2 * panelTokens * 4)
    b.visitRow(columns: panelTokens) { bytes, count in
      b.storeFloats(b.floats(0, b.target.lanes), b.offset(zeros, bytes), count: count)
    }
    b.call(
      KeyPanels(
        tokens: tokens, headDim: integers.groups, stride: integers.groups, element: .s8,
        arrangement: arrangement),
      [.keys: place(layout.scores), .panels: place(layout.keys)])
    b.call(
      IntegerValues(
        tokens: tokens, headDim: headDim, stride: attention.vStride,
        element: attention.element, arrangement: arrangement, numberStride: panelColumns),
      [
        .values: values, .panels: place(layout.values), .numbers: place(layout.valueNumbers),
      ])
  }

  /// Emits one part: `rows` rows of queries against all tokens of one head.
  private func multiply(
    _ b: Builder, _ rows: Int, _ tile: AttentionKernel.RowsOfHead, added: Value,
    _ layout: Layout, _ place: (Int) -> Value
  ) {
    let size = attention.element.sizeBytes
    let query = preparedQuery(b.target)
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      query.emit(
        b, b.offset(tile.queries, b.multiply(row, b.constant(attention.qStride * size))),
        to: b.offset(place(layout.queries), query.place(b, row)),
        scales: b.offset(place(layout.queryNumbers), b.multiply(row, b.constant(8))),
        scratch: place(layout.queryScratch))
      return []
    }
    let score = self.tile(
      b.target, rows: rows, depth: format.groups(headDim), left: query.stride,
      result: scoreStride, channelStride: panelTokens)
    eachTile(b, score, of: tokens, at: place(layout.keys)) { column in
      TileOperands(
        a: place(layout.queries), c: b.element(place(layout.scores), column),
        bias: b.element(place(layout.keyNumbers), column), scales: place(layout.queryNumbers))
    }
    powers(b, rows, added, layout, place)

    let arranged = arrangedPowers(b.target)
    var value = self.tile(
      b.target, rows: rows, depth: format.groups(tokens), left: arranged?.stride ?? scoreStride,
      result: attention.outputStride, channelStride: panelColumns)
    value.epilogue.result = attention.element
    eachTile(b, value, of: headDim, at: place(layout.values)) { column in
      TileOperands(
        a: place(arranged == nil ? layout.scores : layout.powers),
        c: b.offset(tile.output, b.multiply(column, b.constant(size))),
        bias: b.element(place(layout.valueNumbers), column), scales: place(layout.powerNumbers))
    }
  }

  /// Emits bytes of powers for a tile of rows of scores.
  private func powers(
    _ b: Builder, _ rows: Int, _ added: Value, _ layout: Layout, _ place: (Int) -> Value
  ) {
    var powers = IntegerPowersRow(
      columns: tokens,
      exponents: SoftmaxExponents(scale: attention.scale, base2: attention.base2))
    let addedStride = attention.addition.stride(tokens: tokens)
    // What has been added to is an exponent already.
    if addedStride != nil { powers.exponents = SoftmaxExponents(scale: 1, base2: true) }
    let arranged = arrangedPowers(b.target)
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let scores = b.element(place(layout.scores), b.multiply(row, b.constant(scoreStride)))
      if let addedStride {
        let line = b.element(added, b.multiply(row, b.constant(addedStride)))
        attention.makeExponents(b, adding: line, scores, tokens)
      }
      b.call(
        powers,
        [
          .row: scores,
          .numbers: b.offset(place(layout.powerNumbers), b.multiply(row, b.constant(8))),
        ])
      if let arranged {
        arranged.emit(
          b, scores, to: b.offset(place(layout.powers), arranged.place(b, row)),
          scales: scores, scratch: scores)
      }
      return []
    }
  }

  /// A tile of integers, of rows that lie `left` words and whose results lie `result` elements
  /// apart.
  private func tile(
    _ target: Target, rows: Int, depth: Int, left: Int, result: Int, channelStride: Int
  ) -> Tile {
    let arrangement = arrangement(target)
    return Tile(
      rows: rows, columns: target.tileColumns, depth: depth,
      aStride: left / arrangement.rightWords(format, on: target), cStride: result,
      accumulators: Tile.accumulators(forRows: attention.queries, on: target),
      operandType: .s8, arrangement: arrangement, channelStride: channelStride)
  }

  /// What a tile reads and writes besides its panel.
  private struct TileOperands {
    let a: Value
    let c: Value
    let bias: Value
    let scales: Value
  }

  /// Emits the tiles of a matmul with `columns` columns, whose panels are at `panels`.
  private func eachTile(
    _ b: Builder, _ tile: Tile, of columns: Int, at panels: Value,
    _ operands: (_ column: Value) -> TileOperands
  ) {
    _ = b.inSteps(of: tile.columns, count: columns) { column, count, _ in
      var tile = tile
      tile.columns = count
      let place = tile.arrangement.address(
        b, of: column, in: panels, groups: tile.depth, format)
      let at = operands(column)
      b.call(
        tile,
        [
          .a: at.a, .panel: place, .c: at.c, .bias: at.bias, .residual: at.c, .scales: at.scales,
          .ahead: place, .step: b.constant(0),
        ])
      return []
    }
  }
}
