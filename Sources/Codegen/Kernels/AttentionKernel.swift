import IR

/// Multi-head attention: `softmax(scale * Q K^T) V` for each head, scores kept in the L2 cache.
///
/// The work is units of one head and one tile of query rows, in head order. A task that comes to a
/// head packs its K, transposed, and its V into panels of its own scratch memory; then, for each
/// tile of rows and each block of tokens: powers of the scores, still in the registers that they
/// were computed in (``ScoreTile``), and values by the fused linear layer microkernel. What the
/// softmax subtracts is the maximum over the first panel of tokens, not over all: any number does
/// that keeps the powers finite, since it cancels. A tile of rows in which a sum of powers comes
/// near the limit is computed again in the usual way (``SoftmaxBlock``): a row that meets a new
/// maximum scales what it has summed up (Milakov and Gimelshein 2018, arXiv:1805.02867).
///
/// What is added to the scores (``ScoreAddition``) is added to the exponents in the registers too.
/// Of several windows each head is a unit of its own. Of a causal attention a tile of rows reads
/// no more tokens than its last row sees, rounded up to what there is code for; what a row does not
/// see there is taken out in the registers.
///
/// Of bf16, panels and rows of powers consist of groups of two elements, which the microkernel
/// multiplies at once; a row of powers then fills half of its place. Where they would have to be
/// widened or paired for that (``Target/arrangement(_:)``), panels and powers are made so, and a
/// tile's rows of queries too, to the same bits.
struct AttentionKernel: StepKernel {
  enum Parameter: PieceParameter {
    case q, k, v
    /// What is added to the scores; by the keys' rows and columns, if it is so.
    case scores, rowScores, columnScores
    case output, scratch, task, count, pieces, spare
  }

  /// The queries and tokens of one window.
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
  /// The most tokens whose scores are kept at once, whole panels: a tile of 14 rows then takes 115
  /// KB of the L2 cache.
  ///
  /// Measured on Zen 4 with 1370 tokens of 64 features, percent of peak: blocks of 128 84.7, of 256
  /// 84.5, of 512 85.1, all at once 88.5. What keeps the scores nearer costs more, in sums of
  /// values that are stored and loaded, than it saves.
  var longestBlock = 2048
  /// The type of queries, keys, values, powers and the result; sums are f32.
  var element = ElementType.f32
  /// The number of windows.
  var windows = 1
  /// What is added to the scores.
  var addition = ScoreAddition.none
  /// `true` iff query `t` sees the first `t + 1` tokens alone; there are as many queries, and one
  /// window.
  var isCausal = false
  /// How many tokens are read of those that there are; `nil`: all.
  ///
  /// The code for a tile of a causal attention is that of such a part.
  var reach: Int?

  var format: any StoredFormat { element.storedFormat }
  var perGroup: Int { format.perGroup }
  /// How all operands are arranged once.
  func arrangement(_ target: Target) -> Arrangement {
    target.arrangement(element, rows: queries)
  }
  /// The words that a group and column take in a panel.
  private func wordsPerGroup(_ target: Target) -> Int {
    arrangement(target).rightWords(format, on: target)
  }
  /// The words of a column of a panel.
  private func columnWords(_ groups: Int, _ target: Target) -> Int {
    arrangement(target).columnWords(groups, format, on: target)
  }
  private func tileRows(_ target: Target) -> Int {
    target.tileRows(of: element, arrangement(target))
  }
  /// How a row of queries of a tile is arranged; `nil`: it is multiplied where it lies.
  private func preparedQuery(_ target: Target) -> (any PreparedRow)? {
    arrangement(target).row(element, columns: headDim)
  }
  /// From one row of queries to the next, as they are multiplied: in groups, or in words of pairs.
  private func queryStride(_ target: Target) -> Int {
    preparedQuery(target).map { $0.stride / wordsPerGroup(target) } ?? qStride / perGroup
  }
  /// The features of a head, in groups.
  private var headGroups: Int { headDim / perGroup }

  /// The tokens, padded to whole panels.
  var paddedTokens: Int {
    (tokens + Tile.panelWidth - 1) / Tile.panelWidth * Tile.panelWidth
  }
  var block: Int { min(paddedTokens, longestBlock) }
  var blocks: Int { (tokens + block - 1) / block }
  func tokens(inBlock index: Int) -> Int { min(block, (reach ?? tokens) - index * block) }
  var scoreStride: Int { RowStride.padded(block) }
  private var valuePanels: Int { (headDim + Tile.panelWidth - 1) / Tile.panelWidth }
  var sumStride: Int { valuePanels * Tile.panelWidth }

  // The parts of the scratch memory, in bytes from its start.
  private func valuesOffset(_ target: Target) -> Int {
    paddedTokens * columnWords(headGroups, target) * 4
  }
  func scoresOffset(_ target: Target) -> Int {
    valuesOffset(target)
      + valuePanels * columnWords(format.groups(tokens), target) * Tile.panelWidth * 4
  }
  func sumsOffset(_ target: Target) -> Int {
    scoresOffset(target) + tileRows(target) * scoreStride * 4
  }
  func statesOffset(_ target: Target) -> Int {
    sumsOffset(target) + (blocks > 1 ? tileRows(target) * sumStride * 4 : 0)
  }
  func inversesOffset(_ target: Target) -> Int {
    statesOffset(target) + tileRows(target) * SoftmaxBlock.stateBytes(target)
  }

  private func additionOffset(_ target: Target) -> Int { inversesOffset(target) + 64 }

  private func queriesOffset(_ target: Target) -> Int {
    (additionOffset(target) + addition.scratchBytes(tokens: tokens, target) + 63) / 64 * 64
  }

  /// The scratch memory of one task: K and V of one head; scores, sums and the state of the softmax
  /// of one tile of rows, what is added to its scores where that is made up, and its queries where
  /// they are arranged.
  func scratchBytes(_ target: Target) -> Int {
    queriesOffset(target)
      + (preparedQuery(target).map { tileRows(target) * $0.stride * 4 } ?? 0)
  }

  var title: String { "attention_\(queries)x\(tokens)_\(heads)x\(headDim)_\(element.rawValue)" }

  func division(on target: Target) -> Division {
    Division(
      rows: windows * heads, columns: RowTiles.count(rows: queries, height: tileRows(target)),
      prepared: 2 * windows * heads * tokens * headDim)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) { emit(b, p, storing: nil) }

  /// Emits the body, with rows of the weights stored if some are wanted.
  func emit(_ b: Builder, _ p: Arguments<Parameter>, storing weights: StoredWeights?) {
    let scratch = p[.scratch]
    let arrangement = arrangement(b.target)
    let keys = KeyPanels(
      tokens: tokens, headDim: headGroups, stride: kStride / perGroup,
      element: arrangement == .stored ? .f32 : element, arrangement: arrangement)
    let values = ValuePanels(
      tokens: tokens, headDim: headDim, stride: vStride, element: element,
      arrangement: arrangement)
    let height = tileRows(b.target)
    eachTile(b, p, height: height) { k, v in
      b.call(keys, [.keys: k, .panels: scratch])
      b.call(
        values, [.values: v, .panels: b.offset(scratch, bytes: valuesOffset(b.target))])
    } _: { tile in
      let added = addition.address(
        b, self, p, head: tile.head, window: tile.window, row: tile.row)
      eachReach(b, upTo: b.add(tile.row, tile.height)) { part in
        b.choose(tile.height, among: RowTiles.heights(rows: queries, height: height).sorted()) {
          (rows) in
          let scores = addition.rows(
            b, self, added, rows, b.offset(scratch, bytes: additionOffset(b.target)))
          part.rowsOfHead(b, rows, tile.queries, scores, tile.row, tile.output, scratch)
          if let weights { store(b, weights, rows, of: tile.head, from: tile.row, scratch) }
        }
      }
    }
  }

  /// Emits one part: `rows` rows of queries, of which `first` is the first, against all tokens of
  /// one head; `added` is what is added to their scores.
  private func rowsOfHead(
    _ b: Builder, _ rows: Int, _ q: Value, _ added: Value, _ first: Value, _ output: Value,
    _ scratch: Value
  ) {
    let exact = ExactRows(attention: self, rows: rows)
    let q = arrangedQueries(b, rows, q, scratch)
    // With few rows the scores are computed in several accumulators each, which want the registers.
    if Tile.accumulators(forRows: queries, on: b.target) > 1 {
      b.call(exact, [.q: q, .added: added, .scratch: scratch, .first: first])
      _ = invert(b, rows, scratch)
    } else {
      eachBlock(b) { index, tokens, isFirst in
        powerRows(b, rows, q, added, first, index, tokens: tokens, isFirst: isFirst, scratch)
        sumValues(b, rows, index, tokens: tokens, isFirst: isFirst, scratch)
      }
      b.ifThen(b.less(b.constant(0), invert(b, rows, scratch))) {
        b.call(exact, [.q: q, .added: added, .scratch: scratch, .first: first])
        _ = invert(b, rows, scratch)
      }
    }

    guard blocks > 1 else {
      return valueRows(
        b, rows, b.constant(0), tokens: tokens(inBlock: 0), scratch, to: output,
        stride: outputStride, Epilogue(scalesRows: true, result: element))
    }
    let inverses = b.offset(scratch, bytes: inversesOffset(b.target))
    let sums = b.offset(scratch, bytes: sumsOffset(b.target))
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let from = b.element(sums, b.multiply(row, b.constant(sumStride)))
      let to = b.offset(
        output, b.multiply(row, b.constant(outputStride * element.sizeBytes)))
      let factor = b.splat(b.load(b.f32, b.element(inverses, row)), b.target.lanes)
      b.visitRow(columns: headDim) { bytes, count in
        let sum = b.loadFloats(b.offset(from, bytes), b.target.lanes, count: count)
        b.storeElements(
          element, b.multiplyFloat(sum, factor),
          b.offset(to, b.divide(bytes, b.constant(perGroup))),
          count: count)
      }
      return []
    }
  }

  /// Emits what arranges a tile's queries, if they must be; returns where they are then.
  private func arrangedQueries(_ b: Builder, _ rows: Int, _ q: Value, _ scratch: Value) -> Value {
    guard let query = preparedQuery(b.target) else { return q }
    let place = b.offset(scratch, bytes: queriesOffset(b.target))
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      query.emit(
        b, b.offset(q, b.multiply(row, b.constant(qStride * element.sizeBytes))),
        to: b.offset(place, query.place(b, row)), scales: place, scratch: place)
      return []
    }
    return place
  }

  /// Emits `body` for each block of tokens.
  func eachBlock(
    _ b: Builder, _ body: (_ index: Value, _ tokens: Int, _ isFirst: Bool) -> Void
  ) {
    body(b.constant(0), tokens(inBlock: 0), true)
    let last = blocks - 1
    if last > 1 {
      b.forLoop(from: b.constant(1), to: b.constant(last)) { index, _ in
        body(index, block, false)
        return []
      }
    }
    if last > 0 { body(b.constant(last), tokens(inBlock: last), false) }
  }

  /// Emits the inverses of the sums of powers, and returns the number of rows whose sum is not
  /// between zero and the limit.
  private func invert(_ b: Builder, _ rows: Int, _ scratch: Value) -> Value {
    let stateBytes = SoftmaxBlock.stateBytes(b.target)
    let states = b.offset(scratch, bytes: statesOffset(b.target))
    let inverses = b.offset(scratch, bytes: inversesOffset(b.target))
    return b.forLoop(
      from: b.constant(0), to: b.constant(rows), carrying: [b.constant(0)]
    ) { row, carried in
      let sum = SoftmaxBlock.sum(b, b.offset(states, b.multiply(row, b.constant(stateBytes))))
      b.store(b.divideFloat(b.float(1), sum), b.element(inverses, row))
      let isUsual = b.and(
        b.lessFloat(b.float(0), sum), b.lessFloat(sum, b.float(ScoreTile.limit)))
      return [b.add(carried[0], b.select(isUsual, b.constant(0), b.constant(1)))]
    }[0]
  }

  /// Emits the powers of a tile of rows and a block of tokens.
  private func powerRows(
    _ b: Builder, _ rows: Int, _ q: Value, _ added: Value, _ row: Value, _ index: Value,
    tokens: Int, isFirst: Bool, _ scratch: Value
  ) {
    let width = b.target.tileColumns
    let first = b.multiply(index, b.constant(block))
    let powers = b.offset(scratch, bytes: scoresOffset(b.target))
    let arrangement = arrangement(b.target)
    let states = b.offset(scratch, bytes: statesOffset(b.target))
    func multiply(_ column: Value, columns: Int, isFirst: Bool) {
      let tile = ScoreTile(
        rows: rows, columns: columns, depth: headGroups, qStride: queryStride(b.target),
        powerStride: scoreStride, softmax: SoftmaxExponents(scale: scale, base2: base2),
        isFirst: isFirst, element: element, addedStride: addition.stride(tokens: self.tokens),
        isCausal: isCausal, arrangement: arrangement)
      let panel = panelAddress(b, scratch, b.add(first, column), depth: headGroups)
      // Of a pair of rows, two elements.
      let size = arrangement == .stored ? element.sizeBytes : 4
      let place = b.offset(powers, b.multiply(column, b.constant(size)))
      let addedHere = addition == .none ? added : b.element(added, b.add(first, column))
      b.call(
        tile,
        [
          .q: q, .panel: panel, .powers: place, .states: states, .added: addedHere,
          .visible: b.subtract(b.add(row, b.constant(1)), b.add(first, column)),
        ])
    }
    if isFirst { multiply(b.constant(0), columns: min(width, tokens), isFirst: true) }
    let whole = tokens / width * width
    eachColumn(b, from: isFirst ? width : 0, to: whole, width: width) {
      multiply($0, columns: width, isFirst: false)
    }
    if whole < tokens, whole > 0 || !isFirst {
      multiply(b.constant(whole), columns: tokens - whole, isFirst: false)
    }
  }

  /// Emits the sums of values of a block, where there are several.
  func sumValues(
    _ b: Builder, _ rows: Int, _ index: Value, tokens: Int, isFirst: Bool, _ scratch: Value
  ) {
    guard blocks > 1 else { return }
    valueRows(
      b, rows, index, tokens: tokens, scratch,
      to: b.offset(scratch, bytes: sumsOffset(b.target)), stride: sumStride,
      Epilogue(hasResidual: !isFirst))
  }

  /// Emits the scores of a tile of rows and a block of tokens.
  func scoreRows(
    _ b: Builder, _ rows: Int, _ q: Value, _ index: Value, tokens: Int, _ scratch: Value
  ) {
    let target = b.target
    let width = target.tileColumns
    let scores = b.offset(scratch, bytes: scoresOffset(target))
    let first = b.multiply(index, b.constant(block))
    var score = Tile(
      rows: rows, columns: width, depth: headGroups, aStride: queryStride(target),
      cStride: scoreStride, accumulators: Tile.accumulators(forRows: queries, on: target),
      operandType: element, arrangement: arrangement(target))
    func multiplyKeys(_ column: Value) {
      let panel = panelAddress(b, scratch, b.add(first, column), depth: headGroups)
      b.call(
        score,
        [
          .a: q, .panel: panel, .c: b.element(scores, column), .bias: scratch,
          .residual: scratch, .scales: scratch, .ahead: scratch, .step: b.constant(0),
        ])
    }
    let whole = tokens / width * width
    eachColumn(b, from: 0, to: whole, width: width, multiplyKeys)
    if whole < tokens {
      // Whole vectors: what lies after the tokens is computed and never read.
      let lanes = target.lanes
      score.columns = (tokens - whole + lanes - 1) / lanes * lanes
      multiplyKeys(b.constant(whole))
    }
  }

  /// Emits the matmul of a tile of rows of scores with a block of values.
  private func valueRows(
    _ b: Builder, _ rows: Int, _ index: Value, tokens: Int, _ scratch: Value, to output: Value,
    stride: Int, _ epilogue: Epilogue
  ) {
    let target = b.target
    let width = target.tileColumns
    let words = wordsPerGroup(target)
    let scores = b.offset(scratch, bytes: scoresOffset(target))
    let inverses = b.offset(scratch, bytes: inversesOffset(target))
    let first = b.multiply(index, b.constant(format.groups(block) * words * Tile.panelWidth))
    let values = b.element(b.offset(scratch, bytes: valuesOffset(target)), first)
    var value = Tile(
      rows: rows, columns: width, depth: format.groups(tokens), aStride: scoreStride / words,
      cStride: stride,
      residualStride: epilogue.hasResidual ? stride : 0, epilogue: epilogue,
      accumulators: Tile.accumulators(forRows: queries, on: target), operandType: element,
      arrangement: arrangement(target))
    func multiply(_ column: Value) {
      let panel = panelAddress(b, values, column, depth: format.groups(self.tokens))
      let c = b.offset(output, b.multiply(column, b.constant(epilogue.result.sizeBytes)))
      b.call(
        value,
        [
          .a: scores, .panel: panel, .c: c, .bias: scratch, .residual: c, .scales: inverses,
          .ahead: scratch, .step: b.constant(0),
        ])
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

  /// The address in panels of `depth` groups where `column` begins.
  private func panelAddress(
    _ b: Builder, _ panels: Value, _ column: Value, depth: Int
  ) -> Value {
    arrangement(b.target).address(b, of: column, in: panels, groups: depth, format)
  }
}
