import IR

/// Powers of the scores of one register tile: `P = b^(scale * Q K^T - shift)`, computed and summed
/// before they leave the registers.
///
/// A row's shift is its maximum over the first tile, which keeps its negative in the row's state
/// (``SoftmaxBlock``); later tiles begin their sums with that. Later scores may be larger than the
/// shift: then the powers, and their sum, are above 1. A row whose sum is above zero and below
/// ``limit`` has met no power out of range, and its products with values are as precise as any.
struct ScoreTile: Kernel {
  enum Parameter: KernelParameter {
    /// Queries, a panel of keys, where the powers go, the rows' states, and what is added to the
    /// scores.
    case q, panel, powers, states, added
    /// Of a causal attention: how many columns of the tile its first row sees; each further row
    /// sees one more.
    case visible
    var type: ParameterType { self == .visible ? .index : .address }
    var isUnaliased: Bool { self != .visible }
  }

  /// The rows of the tile, and its columns: tokens of one panel.
  var rows: Int
  var columns: Int
  /// The features of a head, in groups.
  var depth: Int
  /// Groups from one row to the next.
  var qStride: Int
  var powerStride: Int
  var softmax: SoftmaxExponents
  /// `true` iff the tile sets the shifts.
  var isFirst: Bool
  /// The type of queries, keys and powers.
  var element = ElementType.f32
  /// Elements from one row to the next of what is added to the scores, if something is.
  var addedStride: Int?
  /// `true` iff rows see only some of the columns.
  var isCausal = false
  /// How queries and keys lie, and powers are to.
  var arrangement = Arrangement.stored

  /// What a sum of powers must stay below: values of up to 2^63 do not overflow then.
  static let limit: Float = 0x1p64

  var title: String { "score_\(rows)x\(columns)x\(depth)_\(element.rawValue)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let vectors = (columns + lanes - 1) / lanes
    let tile = Tile(
      rows: rows, columns: columns, depth: depth, aStride: qStride, cStride: powerStride,
      operandType: element, arrangement: arrangement)
    let format = element.storedFormat
    let zero = b.floats(0, lanes)
    let states = (0..<rows).map {
      b.offset(p[.states], bytes: $0 * SoftmaxBlock.stateBytes(b.target))
    }
    func negatedShift(_ row: Int) -> Value {
      b.splat(SoftmaxBlock.maximum(b, states[row]), lanes)
    }
    let startsShifted = !isFirst && softmax.factor == 1
    let scores = TileLoop(tile, b).accumulate(
      TileLoop.Addresses(a: p[.q], panel: p[.panel], ahead: p[.panel]), step: b.constant(0),
      onto: (0..<rows * vectors).map { startsShifted ? negatedShift($0 / vectors) : zero })
    let counts = (0..<vectors).map { min(lanes, columns - $0 * lanes) }
    for (row, state) in states.enumerated() {
      var exponents = Array(scores[row * vectors..<(row + 1) * vectors])
      var sums = isFirst ? [] : [b.load(b.floats(lanes), state)]
      if !startsShifted {
        exponents = zip(exponents, counts).map { softmax.exponents(b, $0, count: $1) }
      }
      if let addedStride {
        for (vector, count) in counts.enumerated() {
          let place = b.offset(p[.added], bytes: (row * addedStride + vector * lanes) * 4)
          exponents[vector] = softmax.adding(
            b, b.loadFloats(place, lanes, count: count), to: exponents[vector])
        }
      }
      let masks = isCausal ? self.masks(b, p[.visible], row, vectors) : []
      if !startsShifted {
        if isFirst {
          // Its first column, at least, is seen.
          for (vector, mask) in masks.enumerated() {
            exponents[vector] = b.select(mask, exponents[vector], b.floats(-.infinity, lanes))
          }
          let largest = b.reduce(b.pairwise(exponents, b.maximumFloat), b.maximumFloat)
          SoftmaxBlock.storeMaximum(b, b.negate(largest), state)
        }
        let shift = negatedShift(row)
        exponents = exponents.map { b.addFloat($0, shift) }
      }
      for (vector, exponent) in exponents.enumerated() {
        var power = format.exp2InRange(b, exponent)
        if counts[vector] < lanes {
          power = b.select(b.mask(first: counts[vector], of: lanes), power, zero)
        }
        if isCausal { power = b.select(masks[vector], power, zero) }
        store(b, power, counts[vector], row, vector, p[.powers])
        sums.append(power)
      }
      // One row after the other, for the sake of registers.
      let sum = b.orderMemory(after: [b.pairwise(sums, b.addFloat)])
      b.store(sum[0], state)
    }
  }

  /// Emits the store of a vector of powers, of which `count` are not zero by their place.
  private func store(
    _ b: Builder, _ power: Value, _ count: Int, _ row: Int, _ vector: Int, _ powers: Value
  ) {
    let (lanes, format) = (b.target.lanes, element.storedFormat)
    // Whole groups: after an odd number of tokens comes a zero.
    let whole = format.groups(count) * format.perGroup
    func place(row: Int, _ bytes: Int) -> Value {
      b.offset(powers, bytes: row * powerStride * 4 + bytes)
    }
    switch arrangement {
    case .stored:
      b.storeElements(
        element, power, place(row: row, vector * lanes * element.sizeBytes), count: whole)
    case .widened:
      b.storeFloats(format.round(b, power), place(row: row, vector * lanes * 4), count: whole)
    case .paired:
      // A vector is a pair of groups, which is stored whole.
      let (pair, own) = (row / PairedRow.rows * PairedRow.rows, row % PairedRow.rows)
      b.storeElements(
        element, power,
        place(row: pair, (vector * PairedRow.rows + own) * PairedRow.pieceBytes), count: lanes)
    }
  }

  /// Emits which lanes of a row's vectors are seen.
  private func masks(_ b: Builder, _ visible: Value, _ row: Int, _ vectors: Int) -> [Value] {
    let mask = CausalMask(visible: b.add(visible, b.constant(row)))
    return (0..<vectors).map {
      mask.lanes(b, from: b.constant($0 * b.target.lanes), b.target.lanes)
    }
  }
}
