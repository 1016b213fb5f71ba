import CSystem

/// One direction of a resize, cut to the outputs that a centred window shows.
///
/// Output `i` of the window is a weighted sum of `taps.count` inputs from `taps.first` on, in fixed
/// point with 22 fractional bits as Pillow's 8-bit path computes it. Nearest and "no resize" are
/// single taps of weight one, which reproduce the value exactly.
struct ResampleAxis {
  /// Pillow's PRECISION_BITS: 32 bits less 8 of the value and 2 for overshoot.
  static var fractionBits: Int32 { 22 }

  let inputs: Int
  let outputs: Int
  let filter: Filter
  /// The window's place: output `window` of the resized image is the first visible...
  let window: Int
  /// ...at this place of the target...
  let target: Int
  /// ...and so many are visible.
  let visible: Int
  /// Entries of one output in the table of weights.
  let widest: Int

  /// A resize from `inputs` to `outputs` pixels, of which a centred crop or pad to `size` is shown.
  init(inputs: Int, outputs: Int, size: Int, filter: Filter, cropRounding: Int32) {
    self.inputs = inputs
    self.outputs = outputs
    self.filter = filter
    if outputs >= size {
      let excess = outputs &- size
      let half = excess / 2
      // Python's round() takes ties to the even neighbour.
      let up = cropRounding == 0 && excess & 1 == 1 && half & 1 == 1
      window = up ? half &+ 1 : half
      target = 0
      visible = size
    } else {
      window = 0
      target = cropRounding == 2 ? (size &- outputs &+ 1) / 2 : (size &- outputs) / 2
      visible = outputs
    }
    widest =
      ResampleAxis.isCopy(inputs, outputs, filter)
      ? 1 : ResampleAxis.ceiling(ResampleAxis.support(inputs, outputs, filter)) &* 2 &+ 1
  }

  /// `true` iff each output is one input.
  private static func isCopy(_ inputs: Int, _ outputs: Int, _ filter: Filter) -> Bool {
    inputs == outputs || filter.code == Filter.nearest
  }

  /// Half the filter's width in input pixels: wider where the image shrinks, which is what
  /// "antialiased" means.
  private static func support(_ inputs: Int, _ outputs: Int, _ filter: Filter) -> Double {
    filter.support * max(1, Double(inputs) / Double(outputs))
  }

  private static func ceiling(_ x: Double) -> Int {
    let down = Int(x)
    return Double(down) < x ? down &+ 1 : down
  }

  /// Bytes of the tables that `fill` writes.
  var tableBytes: UInt64 {
    UInt64(visible).multipliedOrMax(UInt64(widest &+ 2)).multipliedOrMax(4)
  }

  /// Writes first input, count and weights of every visible output.
  func fill(_ tables: ResampleTables) {
    if ResampleAxis.isCopy(inputs, outputs, filter) {
      fillCopies(tables)
      return
    }
    let scale = Double(inputs) / Double(outputs)
    let support = ResampleAxis.support(inputs, outputs, filter)
    let shrink = 1 / max(1, scale)
    let one = Double(1 &<< ResampleAxis.fractionBits)
    for i in 0..<visible {
      let center = (Double(window &+ i) + 0.5) * scale
      // Conversions truncate, as C's do in Pillow.
      let first = max(0, Int(center - support + 0.5))
      let end = min(inputs, Int(center + support + 0.5))
      let count = max(0, min(widest, end &- first))
      tables.set(i, first: first, count: count)
      // The weights are needed twice and stored once: computing them anew gives the same bits.
      var sum = 0.0
      for tap in 0..<count {
        sum += filter.weight((Double(tap &+ first) - center + 0.5) * shrink)
      }
      let row = tables.weights(i)
      for tap in 0..<count {
        var weight = filter.weight((Double(tap &+ first) - center + 0.5) * shrink)
        if sum != 0 { weight /= sum }
        row[tap] = Int32(weight < 0 ? weight * one - 0.5 : weight * one + 0.5)
      }
    }
  }

  /// Nearest: Pillow steps through the image by adding the scale, and truncates.
  private func fillCopies(_ tables: ResampleTables) {
    let scale = Double(inputs) / Double(outputs)
    var place = scale * 0.5
    for output in 0..<(window &+ visible) {
      if output >= window {
        let i = output &- window
        tables.set(i, first: min(inputs &- 1, Int(place)), count: 1)
        tables.weights(i)[0] = 1 &<< ResampleAxis.fractionBits
      }
      place += scale
    }
  }
}

/// The taps of one axis, in memory of `ResampleAxis.tableBytes`.
struct ResampleTables {
  private let bounds: UnsafeMutablePointer<Int32>
  private let values: UnsafeMutablePointer<Int32>
  private let widest: Int

  init(_ memory: UnsafeMutableRawPointer, _ axis: ResampleAxis) {
    bounds = memory.bindMemory(to: Int32.self, capacity: axis.visible &* (axis.widest &+ 2))
    values = bounds + 2 &* axis.visible
    widest = axis.widest
  }

  func set(_ i: Int, first: Int, count: Int) {
    bounds[2 &* i] = Int32(truncatingIfNeeded: first)
    bounds[2 &* i &+ 1] = Int32(truncatingIfNeeded: count)
  }

  func first(_ i: Int) -> Int { Int(bounds[2 &* i]) }
  func count(_ i: Int) -> Int { Int(bounds[2 &* i &+ 1]) }
  func weights(_ i: Int) -> UnsafeMutablePointer<Int32> { values + i &* widest }

  /// The inputs that any of the first `count` outputs is made of.
  func inputs(_ count: Int) -> Range<Int> {
    var start = Int.max
    var end = 0
    for i in 0..<count {
      start = min(start, first(i))
      end = max(end, first(i) &+ self.count(i))
    }
    return start < end ? start..<end : 0..<0
  }
}
