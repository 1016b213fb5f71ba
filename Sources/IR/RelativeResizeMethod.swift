/// How a table of relative positions is resized to another grid.
public enum RelativeResizeMethod: String, Hashable, Sendable, CaseIterable {
  /// Two taps between half-pixel centres, clamped, as transformers does:
  /// `interpolate(mode='bilinear')`.
  case bilinear
  /// Distances of the old table are the sums of a geometric progression, so that the farthest
  /// ones meet and near ones keep their places; linear in between, as timm does.
  case geometric

  /// Returns, for each distance of a grid of `to` places along an axis, from `1 - to` to `to - 1`,
  /// which distances of one of `from` places contribute and how much, counted from the smallest.
  func taps(from: Int, to: Int) -> [[(index: Int, weight: Double)]] {
    switch self {
    case .bilinear: ResizeMethod.bilinear.taps(from: 2 * from - 1, to: 2 * to - 1)
    case .geometric: geometricTaps(from: from, to: to)
    }
  }

  /// timm's `resize_rel_pos_bias_table`, which is BEiT's with linear interpolation.
  private func geometricTaps(from: Int, to: Int) -> [[(index: Int, weight: Double)]] {
    let ratio = Self.ratio(from: from, to: to)
    var distances: [Double] = []
    var (distance, step) = (1.0, 1.0)
    for _ in 0..<from - 1 {
      distances.append(distance)
      step *= ratio
      distance += step
    }
    let places = distances.reversed().map { -$0 } + [0] + distances
    return (1 - to..<to).map { wanted in
      let x = Double(wanted)
      guard let right = places.firstIndex(where: { $0 >= x }) else {
        return [(index: places.count - 1, weight: 1)]
      }
      guard right > 0 else { return [(index: 0, weight: 1)] }
      let t = (x - places[right - 1]) / (places[right] - places[right - 1])
      return [(index: right - 1, weight: 1 - t), (index: right, weight: t)]
    }
  }

  /// The ratio, between 1.01 and 1.5, by which the sum of the progression is the new farthest
  /// distance, to 10^-6: the middle of the last interval but one of a bisection, as timm takes it.
  private static func ratio(from: Int, to: Int) -> Double {
    var (left, right, middle) = (1.01, 1.5, 1.01)
    while right - left > 1e-6 {
      middle = (left + right) / 2
      var (power, sum) = (1.0, 0.0)
      for _ in 0..<from - 1 {
        sum += power
        power *= middle
      }
      if sum > Double(to - 1) { right = middle } else { left = middle }
    }
    return middle
  }
}
