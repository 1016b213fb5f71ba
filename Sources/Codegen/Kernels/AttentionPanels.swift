import IR

/// The keys of one head as panels: `[tokens / 32][headDim][32]`, tokens along the vectors, zeros
/// after the last token.
///
/// What is transposed are groups of 32 bits: of bf16, two features each. Where they are widened,
/// each becomes the rows of its parts; where they are paired (``Arrangement/paired``), two rows
/// become one, `[tokens / 32][headDim / 2][32][2]`.
struct KeyPanels: Kernel {
  enum Parameter: KernelParameter {
    /// The keys of the head, and where the panels go.
    case keys, panels
  }

  var tokens: Int
  /// Groups in the row of a head, and from one row to the next.
  var headDim: Int
  var stride: Int
  /// The type of the elements, which matters where they are arranged.
  var element = ElementType.f32
  var arrangement = Arrangement.stored

  var title: String { "pack_keys_\(tokens)x\(headDim)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let blocks = tokens / lanes
    b.forLoop(from: b.constant(0), to: b.constant(blocks)) { block, _ in
      packBlock(b, block, tokens: lanes, p)
      return []
    }
    let padded = (tokens + Tile.panelWidth - 1) / Tile.panelWidth * Tile.panelWidth / lanes
    for block in blocks..<padded {
      packBlock(b, b.constant(block), tokens: max(0, tokens - block * lanes), p)
    }
  }

  /// Emits the transposition of one block of `lanes` tokens, of which the first `tokens` exist.
  private func packBlock(_ b: Builder, _ block: Value, tokens: Int, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let words = b.vector(lanes, of: b.i32)
    let parts = arrangement.rightWords(element.format, on: b.target)
    let rows = arrangement.paddedGroups(headDim) * parts
    let source = b.element(p[.keys], b.multiply(block, b.constant(lanes * stride)))
    let perPanel = b.constant(Tile.panelWidth / lanes)
    let target = b.element(
      p[.panels],
      b.add(
        b.multiply(b.divide(block, perPanel), b.constant(rows * Tile.panelWidth)),
        b.multiply(b.remainder(block, perPanel), b.constant(lanes * arrangement.rowUnit))))
    func transpose(_ first: Value, count: Int) {
      let rows = (0..<lanes).map { token in
        token < tokens
          ? b.loadFloats(
            b.offset(b.element(source, first), bytes: token * stride * 4), lanes, count: count)
          : b.floats(0, lanes)
      }
      let columns = tokens > 0 ? b.transpose(rows) : rows
      let to = b.element(target, b.multiply(first, b.constant(parts * Tile.panelWidth)))
      func store(_ vector: Value, row: Int, _ words: Int = 0) {
        let place = b.offset(to, bytes: (row * Tile.panelWidth + words) * 4)
        b.store(vector, place, alignment: lanes * 4)
      }
      switch arrangement {
      case .stored:
        for (d, column) in columns.prefix(count).enumerated() { store(column, row: d) }
      case .widened:
        for (d, column) in columns.prefix(count).enumerated() {
          let parted = element.format.right(b, b.bitcast(column, to: words))
          for (part, row) in parted.enumerated() { store(row, row: d * parts + part) }
        }
      case .paired:
        // After an odd last group columns are zero.
        for d in Swift.stride(from: 0, to: count, by: 2) {
          for (half, pairs) in b.interleave(columns[d], columns[d + 1]).enumerated() {
            store(pairs, row: d, half * lanes)
          }
        }
      }
    }
    b.inSteps(of: lanes, count: headDim) { d, count, _ in
      transpose(d, count: count)
      return []
    }
  }
}

/// The values of one head as panels: `[headDim / 32][tokens][32]`; columns after the last one are
/// zero as far as a vector reaches, and unset beyond.
///
/// Of bf16, two tokens form a group: `[headDim / 32][tokens / 2][32][2]`, zeros after an odd last
/// one; widened, these are rows of their own again; paired, they are `[headDim / 32][tokens / 4]
/// [32][2][2]`.
struct ValuePanels: Kernel {
  enum Parameter: KernelParameter {
    /// The values of the head, and where the panels go.
    case values, panels
  }

  var tokens: Int
  var headDim: Int
  /// Elements from one row to the next.
  var stride: Int
  var element = ElementType.f32
  var arrangement = Arrangement.stored

  var title: String { "pack_values_\(tokens)x\(headDim)_\(element.rawValue)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    if arrangement == .paired { return emitPairs(b, p) }
    let lanes = b.target.lanes
    let format = element.storedFormat
    let (groups, whole) = (format.groups(tokens), tokens / format.perGroup)
    let isWidened = arrangement == .widened
    let parts = arrangement.rightWords(format, on: b.target)
    func pack(_ group: Value, tokens count: Int) {
      let groupBytes = b.constant(format.perGroup * stride * element.sizeBytes)
      let source = b.offset(p[.values], b.multiply(group, groupBytes))
      let target = b.element(p[.panels], b.multiply(group, b.constant(parts * Tile.panelWidth)))
      for first in stride(from: 0, to: headDim, by: lanes) {
        let rows = (0..<count).map {
          b.offset(source, bytes: ($0 * stride + first) * element.sizeBytes)
        }
        let vector = format.loadGroups(b, rows: rows, lanes, count: min(lanes, headDim - first))
        let panel = first / Tile.panelWidth * groups * parts * Tile.panelWidth
        for (part, row) in (isWidened ? format.right(b, vector) : [vector]).enumerated() {
          let place = panel + part * Tile.panelWidth + first % Tile.panelWidth
          b.store(row, b.offset(target, bytes: place * 4), alignment: lanes * 4)
        }
      }
    }
    b.forLoop(from: b.constant(0), to: b.constant(whole)) { group, _ in
      pack(group, tokens: format.perGroup)
      return []
    }
    if whole < groups { pack(b.constant(whole), tokens: tokens % format.perGroup) }
  }

  /// Emits the panels with two groups in each place; those of tokens that there are not are zero.
  private func emitPairs(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let format = element.storedFormat
    let perGroup = format.perGroup
    let groups = arrangement.paddedGroups(format.groups(tokens))
    func pack(_ pair: Value, tokens count: Int) {
      let pairBytes = b.constant(2 * perGroup * stride * element.sizeBytes)
      let source = b.offset(p[.values], b.multiply(pair, pairBytes))
      let target = b.element(p[.panels], b.multiply(pair, b.constant(2 * Tile.panelWidth)))
      for first in stride(from: 0, to: headDim, by: lanes) {
        let vectors = (0..<2).map { group in
          let rows = (0..<perGroup).map { group * perGroup + $0 }.filter { $0 < count }.map {
            b.offset(source, bytes: ($0 * stride + first) * element.sizeBytes)
          }
          return rows.isEmpty
            ? b.integers(0, lanes)
            : format.loadGroups(b, rows: rows, lanes, count: min(lanes, headDim - first))
        }
        let panel = first / Tile.panelWidth * groups * Tile.panelWidth
        for (half, words) in b.interleave(vectors[0], vectors[1]).enumerated() {
          let place = panel + first % Tile.panelWidth * 2 + half * lanes
          b.store(words, b.offset(target, bytes: place * 4), alignment: lanes * 4)
        }
      }
    }
    b.inSteps(of: 2 * perGroup, count: tokens) { token, count, _ in
      pack(b.divide(token, b.constant(2 * perGroup)), tokens: count)
      return []
    }
  }

  private func stride(from start: Int, to end: Int, by step: Int) -> StrideTo<Int> {
    Swift.stride(from: start, to: end, by: step)
  }
}

extension Builder {
  /// The transpose of as many vectors as they have lanes, a power of two: blocks of half the size
  /// change places, then within each half, and so on.
  func transpose(_ rows: [Value]) -> [Value] {
    let lanes = rows.count
    var rows = rows
    var distance = lanes / 2
    while distance > 0 {
      for i in 0..<lanes where i & distance == 0 {
        let (a, b) = (rows[i], rows[i + distance])
        rows[i] = shuffle(
          a, with: b, (0..<lanes).map { $0 & distance == 0 ? $0 : lanes + $0 - distance })
        rows[i + distance] = shuffle(
          a, with: b, (0..<lanes).map { $0 & distance == 0 ? $0 + distance : lanes + $0 })
      }
      distance /= 2
    }
    return rows
  }
}
