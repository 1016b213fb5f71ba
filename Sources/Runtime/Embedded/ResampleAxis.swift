import CVitSystem

/// One direction of a resize, cut to the outputs that a window shows.
///
/// Output `i` of the window is a weighted sum of `taps.count` inputs from `taps.first` on: in fixed
/// point with 22 fractional bits as Pillow's 8-bit path computes it, or in floats as PyTorch does.
/// Nearest and "no resize" are single taps of weight one, which reproduce the value exactly.
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

  /// A resize from `inputs` to `outputs` pixels, of which a window of `size` is shown.
  init(inputs: Int, outputs: Int, size: Int, _ recipe: vit_preprocessing) {
    self.inputs = inputs
    self.outputs = outputs
    filter = Filter(code: recipe.filter)
    visible = min(size, outputs)
    if recipe.window == VIT_WINDOW_TOP_LEFT {
      (window, target) = (0, 0)
    } else if outputs >= size {
      let excess = outputs &- size
      let half = excess / 2
      // Python's round() takes ties to the even neighbour.
      let up = recipe.crop_rounding == 0 && excess & 1 == 1 && half & 1 == 1
      (window, target) = (up ? half &+ 1 : half, 0)
    } else {
      let lack = size &- outputs
      (window, target) = (0, recipe.crop_rounding == 2 ? (lack &+ 1) / 2 : lack / 2)
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

  /// Writes first input, count and weights, in fixed point, of every visible output.
  func fill(_ tables: ResampleTables<Int32>) {
    let one: Int32 = 1 &<< ResampleAxis.fractionBits
    if ResampleAxis.isCopy(inputs, outputs, filter) {
      fillCopies(tables, one: one)
      return
    }
    let scale = Double(inputs) / Double(outputs)
    let support = ResampleAxis.support(inputs, outputs, filter)
    let shrink = 1 / max(1, scale)
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
        row[tap] = Int32(weight < 0 ? weight * Double(one) - 0.5 : weight * Double(one) + 0.5)
      }
    }
  }

  /// The same in floats, rounded where PyTorch rounds (`_compute_weights_aa` of its
  /// UpSampleKernel.cpp), so that the same inputs are summed.
  func fill(_ tables: ResampleTables<Float>) {
    if ResampleAxis.isCopy(inputs, outputs, filter) {
      fillCopies(tables, one: 1)
      return
    }
    let scale = Float(inputs) / Float(outputs)
    let support = scale >= 1 ? Float(filter.support) * scale : Float(filter.support)
    let shrink = scale >= 1 ? 1 / scale : 1
    for i in 0..<visible {
      let center = Float(Double(scale) * (Double(window &+ i) + 0.5))
      let first = max(0, Int(Double(center - support) + 0.5))
      let end = min(inputs, Int(Double(center + support) + 0.5))
      let count = max(0, min(widest, end &- first))
      tables.set(i, first: first, count: count)
      let row = tables.weights(i)
      var sum: Float = 0
      for tap in 0..<count {
        let distance = (Double(Float(tap &+ first) - center) + 0.5) * Double(shrink)
        row[tap] = Float(filter.weight(Double(Float(distance))))
        sum += row[tap]
      }
      if sum != 0 { for tap in 0..<count { row[tap] /= sum } }
    }
  }

  /// Nearest: Pillow steps through the image by adding the scale, and truncates.
  private func fillCopies<Weight>(_ tables: ResampleTables<Weight>, one: Weight) {
    let scale = Double(inputs) / Double(outputs)
    var place = scale * 0.5
    for output in 0..<(window &+ visible) {
      if output >= window {
        let i = output &- window
        tables.set(i, first: min(inputs &- 1, Int(place)), count: 1)
        tables.weights(i)[0] = one
      }
      place += scale
    }
  }
}
