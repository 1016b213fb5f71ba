import IR

/// The rows of keys of one head as integers, one row of groups after the other.
///
/// Besides, what sums of their products are scaled by: of each row the step, and the step times the
/// sum of its integers.
struct IntegerKeys: Kernel {
  enum Parameter: KernelParameter {
    /// The keys of the head, where their integers go, and the numbers of the rows.
    case keys, integers, numbers
  }

  var tokens: Int
  var headDim: Int
  /// Elements from one row to the next, and their type.
  var stride: Int
  var element: ElementType
  /// Elements between the two numbers of a row.
  var numberStride: Int

  /// Groups from one row of integers to the next.
  var groups: Int { S8Format().groups(headDim) }

  var title: String { "quantize_keys_\(tokens)x\(headDim)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (lanes, size) = (b.target.lanes, element.sizeBytes)
    b.forLoop(from: b.constant(0), to: b.constant(tokens)) { token, _ in
      let row = b.offset(p[.keys], b.multiply(token, b.constant(stride * size)))
      let to = b.element(p[.integers], b.multiply(token, b.constant(groups)))
      func load(_ bytes: Value, _ count: Int) -> Value {
        let place = size == 4 ? bytes : b.divide(bytes, b.constant(4 / size))
        return b.loadElements(element, b.offset(row, place), lanes, count: count)
      }
      let zero = b.floats(0, lanes)
      let parts = b.visitRow(columns: headDim, carrying: [zero, zero]) { bytes, count, carried in
        let x = load(bytes, count)
        return [
          b.maximumFloat(b.absolute(x), carried[0]), b.multiplyAdd(x, zero, carried[1]),
        ]
      }
      let largest = b.reduce(
        b.pairwise(parts.map { $0[0] }, b.maximumFloat), b.maximumFloat)
      let step = SignedStep(b, largest: largest, poison: b.total(parts.map { $0[1] }))
      if headDim % 4 != 0 {
        b.store(b.constant32(0), b.offset(to, bytes: headDim / 4 * 4))
      }
      let inverse = b.splat(step.inverse, lanes)
      let sums = b.visitRow(columns: headDim, sums: zero) { bytes, count, sum in
        let (words, floats) = SignedStep.integers(b, load(bytes, count), inverse: inverse)
        b.storeMasked(
          b.truncate(words, to: b.vector(lanes, of: b.i8)),
          b.offset(to, b.divide(bytes, b.constant(4))), count: count, alignment: 1)
        return b.addFloat(sum, floats)
      }
      let numbers = b.element(p[.numbers], token)
      b.store(step.step, numbers)
      b.store(
        b.multiplyFloat(step.step, b.total(sums)), b.offset(numbers, bytes: numberStride * 4))
      return []
    }
  }
}
