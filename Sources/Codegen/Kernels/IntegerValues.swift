import IR

/// The values of one head as panels of integers: less the mean of their column, groups of four
/// tokens, `[headDim / 32][tokens / 4][32]`; zeros after the last token.
///
/// Besides, what sums of their products are scaled by: of each column the step, the step times the
/// sum of its integers, and the mean.
struct IntegerValues: Kernel {
  enum Parameter: KernelParameter {
    /// The values of the head, where the panels go, and the numbers of the columns.
    case values, panels, numbers
  }

  var tokens: Int
  var headDim: Int
  /// Elements from one row to the next, and their type.
  var stride: Int
  var element: ElementType
  /// How the panels lie.
  var arrangement = Arrangement.stored
  /// Elements between the three numbers of a column.
  var numberStride: Int

  private var format: S8Format { S8Format() }
  private var perGroup: Int { format.perGroup }

  var title: String { "quantize_values_\(tokens)x\(headDim)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    for first in Swift.stride(from: 0, to: headDim, by: lanes) {
      let count = min(lanes, headDim - first)
      let values = b.offset(p[.values], bytes: first * element.sizeBytes)
      func load(_ token: Value) -> Value {
        b.loadElements(
          element, b.offset(values, b.multiply(token, b.constant(stride * element.sizeBytes))),
          lanes, count: count)
      }
      let zero = b.floats(0, lanes)
      let total = eachGroup(b, [zero]) { tokens, carried in
        [b.addFloat(carried[0], b.pairwise(tokens.map(load), b.addFloat))]
      }[0]
      let mean = b.divideFloat(total, b.floats(Float(tokens), lanes))
      let extremes = eachGroup(b, [zero, zero]) { tokens, carried in
        let x = tokens.map { b.subtractFloat(load($0), mean) }
        let largest = b.pairwise(x.map(b.absolute), b.maximumFloat)
        return [
          b.maximumFloat(largest, carried[0]),
          b.multiplyAdd(b.pairwise(x, b.addFloat), zero, carried[1]),
        ]
      }
      let step = SignedStep(b, largest: extremes[0], poison: extremes[1], lanes: lanes)
      let sum = pack(b, p, first, zero) { token in
        SignedStep.integers(b, b.subtractFloat(load(token), mean), inverse: step.inverse)
      }
      let numbers = [step.step, b.multiplyFloat(step.step, sum), mean]
      for (kind, number) in numbers.enumerated() {
        b.store(number, b.offset(p[.numbers], bytes: (kind * numberStride + first) * 4))
      }
    }
  }

  /// Emits `body` for the tokens of each group, of the last one those that there are.
  private func eachGroup(
    _ b: Builder, _ initial: [Value], _ body: ([Value], [Value]) -> [Value]
  ) -> [Value] {
    b.inSteps(of: perGroup, count: tokens, carrying: initial) { token, count, carried in
      body((0..<count).map { b.add(token, b.constant($0)) }, carried)
    }
  }

  /// Emits the groups of some columns, and returns the sums of their integers.
  private func pack(
    _ b: Builder, _ p: Arguments<Parameter>, _ first: Int, _ zero: Value,
    _ integers: (_ token: Value) -> (words: Value, floats: Value)
  ) -> Value {
    let lanes = b.target.lanes
    let parts = arrangement.rightWords(format, on: b.target)
    let unit = arrangement.rowUnit
    let rows = arrangement.paddedGroups(format.groups(tokens))
    let column =
      first / Tile.panelWidth * rows * parts * Tile.panelWidth
      + first % Tile.panelWidth * unit
    let panel = b.offset(p[.panels], bytes: column * 4)
    func group(_ token: Value, _ count: Int, _ sum: inout Value) -> Value {
      guard count > 0 else { return b.integers(0, lanes) }
      var group = b.integers(0, lanes)
      for place in 0..<min(count, perGroup) {
        let (words, floats) = integers(b.add(token, b.constant(place)))
        group = b.or(
          group, b.shiftLeft(b.and(words, b.integers(0xff, lanes)), 8 * place))
        sum = b.addFloat(sum, floats)
      }
      return group
    }
    return b.inSteps(of: unit * perGroup, count: tokens, carrying: [zero]) {
      token, count, carried in
      var sum = carried[0]
      let to = b.element(
        panel, b.multiply(token, b.constant(parts * Tile.panelWidth / perGroup)))
      let groups = (0..<unit).map {
        group(b.add(token, b.constant($0 * perGroup)), count - $0 * perGroup, &sum)
      }
      let words =
        switch arrangement {
        case .stored: groups
        case .widened: format.right(b, groups[0])
        case .paired: b.interleave(groups[0], groups[1])
        }
      // Rows of the panel, or the halves of a row of pairs.
      for (index, row) in words.enumerated() {
        let place = arrangement == .paired ? index * lanes : index * Tile.panelWidth
        b.store(row, b.offset(to, bytes: place * 4), alignment: lanes * 4)
      }
      return [sum]
    }[0]
  }
}
