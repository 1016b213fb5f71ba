import IR

/// Multi-head attention: `softmax(scale * Q K^T) V` for each head, scores kept in cache.
///
/// The work is units of one head and one tile of query rows, in head order. A task that comes to a
/// head packs its K, transposed, and its V into panels of its own scratch memory; then, for each
/// tile of rows: scores by the contraction microkernel, softmax without the division, and values by
/// the microkernel again, whose epilogue divides by the row's sum.
struct AttentionKernel: Hashable {
  var queries: Int
  var tokens: Int
  var heads: Int
  var headDim: Int
  /// Elements from one row to the next.
  var qStride: Int
  var kStride: Int
  var vStride: Int
  var outputStride: Int
  /// Multiplies the scores.
  var scale: Float = 1
  /// `true` iff the softmax is to base 2.
  var base2 = false

  /// The tokens, padded to whole panels.
  private var paddedTokens: Int {
    (tokens + Tile.panelWidth - 1) / Tile.panelWidth * Tile.panelWidth
  }
  /// One cache line more than the scores, against strides of whole pages.
  private var scoreStride: Int { paddedTokens + 16 }
  private var valuePanels: Int { (headDim + Tile.panelWidth - 1) / Tile.panelWidth }

  // The parts of the scratch memory, in bytes from its start.
  private var valuesOffset: Int { paddedTokens * headDim * 4 }
  private var scoresOffset: Int { valuesOffset + valuePanels * tokens * Tile.panelWidth * 4 }
  private func sumsOffset(_ target: Target) -> Int {
    scoresOffset + target.tileRows * scoreStride * 4
  }

  /// The scratch memory of one task: K and V of one head, the scores of one tile of rows.
  func scratchBytes(_ target: Target) -> Int { sumsOffset(target) + 64 }

  private var name: String {
    "attention_f32_\(queries)x\(tokens)_\(heads)heads_\(headDim)"
      + "_strides\(qStride)_\(kStride)_\(vStride)_\(outputStride)"
      + (base2 ? "_base2" : "") + (scale == 1 ? "" : "_scale\(scale.bitPattern)")
  }

  /// Returns the function `(q, k, v, output, scratch, task, count) -> void`.
  func function(_ b: Builder) -> Function {
    b.define(name, Array(repeating: b.pointer, count: 5) + [b.i64, b.i64]) { arguments in
      emit(b, arguments)
    }
  }

  private func emit(_ b: Builder, _ arguments: [Value]) {
    let (q, k, v, output) = (arguments[0], arguments[1], arguments[2], arguments[3])
    let scratch = arguments[4]
    let tiles = RowTiles.count(rows: queries, height: b.target.tileRows)
    let perHead = b.constant(tiles)
    let (first, end) = b.share(
      of: b.constant(heads * tiles), arguments[5], of: arguments[6])
    let keys = KeyPanels(tokens: tokens, headDim: headDim, stride: kStride).function(b)
    let values = ValuePanels(tokens: tokens, headDim: headDim, stride: vStride).function(b)
    let afterLast = b.divide(b.add(end, b.constant(tiles - 1)), perHead)
    b.ifThen(b.less(first, end)) {
      b.forLoop(from: b.divide(first, perHead), to: afterLast) { head, _ in
        let bytes = b.multiply(head, b.constant(headDim * 4))
        b.call(keys, [b.offset(k, bytes), scratch])
        b.call(values, [b.offset(v, bytes), b.offset(scratch, bytes: valuesOffset)])
        let start = b.multiply(head, perHead)
        let firstTile = b.maximum(b.subtract(first, start), b.constant(0))
        let endTile = b.minimum(b.subtract(end, start), perHead)
        let (base, extra) = (queries / tiles, queries % tiles)
        b.forLoop(from: firstTile, to: endTile) { tile, _ in
          let row = b.add(
            b.multiply(tile, b.constant(base)), b.minimum(tile, b.constant(extra)))
          let height = b.select(
            b.less(tile, b.constant(extra)), b.constant(base + 1), b.constant(base))
          let heights = RowTiles.heights(rows: queries, height: b.target.tileRows).sorted()
          let from = b.offset(b.element(q, b.multiply(row, b.constant(qStride))), bytes)
          let to = b.offset(b.element(output, b.multiply(row, b.constant(outputStride))), bytes)
          b.choose(height, among: heights) { rows in
            rowsOfHead(b, rows, from, to, scratch)
          }
          return []
        }
        return []
      }
    }
  }

  /// Emits one unit: `rows` rows of queries against all tokens of one head.
  private func rowsOfHead(
    _ b: Builder, _ rows: Int, _ q: Value, _ output: Value, _ scratch: Value
  ) {
    let target = b.target
    let width = target.tileColumns
    let scores = b.offset(scratch, bytes: scoresOffset)
    let sums = b.offset(scratch, bytes: sumsOffset(target))
    let chains = Tile.chains(forRows: queries, on: target)
    let none = scratch

    var score = Tile(
      rows: rows, columns: width, depth: headDim, aStride: qStride, cStride: scoreStride,
      chains: chains)
    func multiplyKeys(_ column: Value) {
      let panel = panelAddress(b, scratch, column, depth: headDim)
      b.call(
        score.function(b),
        [q, panel, b.element(scores, column), none, none, none, none, b.constant(0)])
    }
    let wholeTokens = tokens / width * width
    eachColumn(b, from: 0, to: wholeTokens, width: width, multiplyKeys)
    if wholeTokens < tokens {
      // Whole vectors: what lies behind the tokens is computed and never read.
      let lanes = target.lanes
      score.columns = (tokens - wholeTokens + lanes - 1) / lanes * lanes
      multiplyKeys(b.constant(wholeTokens))
    }

    let softmax = SoftmaxRow(
      columns: tokens, scale: scale, base2: base2, divides: false
    ).function(b)
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let address = b.element(scores, b.multiply(row, b.constant(scoreStride)))
      let sum = b.call(softmax, [address, address])
      b.store(b.divideFloat(b.float(1), sum), b.element(sums, row))
      return []
    }

    var value = Tile(
      rows: rows, columns: width, depth: tokens, aStride: scoreStride, cStride: outputStride,
      epilogue: Epilogue(scalesRows: true), chains: chains)
    let values = b.offset(scratch, bytes: valuesOffset)
    func multiply(_ column: Value) {
      let panel = panelAddress(b, values, column, depth: tokens)
      b.call(
        value.function(b),
        [scores, panel, b.element(output, column), none, none, sums, none, b.constant(0)])
    }
    let whole = headDim / width * width
    eachColumn(b, from: 0, to: whole, width: width, multiply)
    if whole < headDim {
      value.columns = headDim - whole
      multiply(b.constant(whole))
    }
  }

  /// Emits `body` for each tile of columns, given its first column.
  private func eachColumn(
    _ b: Builder, from start: Int, to end: Int, width: Int, _ body: (Value) -> Void
  ) {
    guard start < end else { return }
    b.forLoop(from: b.constant(start), to: b.constant(end), step: width) { column, _ in
      body(column)
      return []
    }
  }

  /// The address in panels of `depth` rows where `column` begins.
  private func panelAddress(
    _ b: Builder, _ panels: Value, _ column: Value, depth: Int
  ) -> Value {
    let width = b.constant(Tile.panelWidth)
    let panel = b.multiply(b.divide(column, width), b.constant(depth * Tile.panelWidth))
    return b.element(panels, b.add(panel, b.remainder(column, width)))
  }
}
