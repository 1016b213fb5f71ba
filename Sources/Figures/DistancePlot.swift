/// The drawing of attention distances: dots over blocks, and below them the weight that is parked
/// on tokens before the patches.
struct DistancePlot {
  /// Pixels, by block and head.
  let distances: [[Double]]
  /// Shares, by block and head; `nil` where there are no such tokens.
  let parked: [[Double]]?
  /// The distance of equal weights.
  let uniform: Double

  private static let (left, right, top) = (56.0, 16.0, 16.0)
  private static let (width, height, gap, parkedHeight, bottom) = (640.0, 260.0, 22.0, 90.0, 44.0)

  /// One panel: what is drawn between two heights.
  private struct Panel {
    let top: Double
    let height: Double
    let largest: Double

    func y(_ value: Double) -> Double { top + height * (1 - value / largest) }
  }

  var drawing: SVG {
    let total =
      Self.top + Self.height + Self.bottom + (parked == nil ? 0 : Self.gap + Self.parkedHeight)
    var svg = SVG(width: Self.width, height: total)
    let largest = (distances.joined().max() ?? 0).magnitude
    let main = Panel(
      top: Self.top, height: Self.height, largest: Self.rounded(max(largest, uniform)))
    axes(main, &svg, ticks: 4, label: "mean attention distance, pixels") { SVG.number($0) }
    let end = Self.width - Self.right
    svg.line(
      from: (Self.left, main.y(uniform)), to: (end, main.y(uniform)), color: "#888",
      dashes: "5 4")
    svg.text(
      "equal weights: \(SVG.number(uniform))", at: (end - 4, main.y(uniform) - 5), anchor: .end,
      size: 11, color: "#666")
    dots(distances, main, &svg, color: "#2c728e") { "\(SVG.number($0)) pixels" }
    var last = main
    if let parked {
      let most = min(1, max(0.1, ((parked.joined().max() ?? 0) * 10).rounded(.up) / 10))
      last = Panel(
        top: Self.top + Self.height + Self.gap, height: Self.parkedHeight, largest: most)
      axes(last, &svg, ticks: 2, label: "parked") { "\(SVG.number($0 * 100)) %" }
      dots(parked, last, &svg, color: "#b73779") { percent($0) }
    }
    let every = (distances.count + 23) / 24
    for block in stride(from: 0, to: distances.count, by: max(every, 1)) {
      svg.text("\(block)", at: (x(block), last.top + last.height + 16), size: 11)
    }
    svg.text("block", at: ((Self.left + end) / 2, last.top + last.height + 34))
    return svg
  }

  private func x(_ block: Int) -> Double {
    let step = (Self.width - Self.left - Self.right) / Double(max(distances.count, 1))
    return Self.left + step * (Double(block) + 0.5)
  }

  private func axes(
    _ panel: Panel, _ svg: inout SVG, ticks: Int, label: String, _ text: (Double) -> String
  ) {
    let end = Self.width - Self.right
    for tick in 0...ticks {
      let value = panel.largest * Double(tick) / Double(ticks)
      svg.line(
        from: (Self.left, panel.y(value)), to: (end, panel.y(value)),
        color: tick == 0 ? "#333" : "#e4e4e4")
      svg.text(text(value), at: (Self.left - 6, panel.y(value) + 4), anchor: .end, size: 11)
    }
    svg.text(label, at: (14, panel.top + panel.height / 2), turned: -90)
  }

  private func dots(
    _ values: [[Double]], _ panel: Panel, _ svg: inout SVG, color: String,
    _ text: (Double) -> String
  ) {
    for (block, heads) in values.enumerated() {
      for (head, value) in heads.enumerated() {
        svg.dot(
          at: (x(block), panel.y(value)), radius: 3.5, color: color,
          title: "block \(block), head \(head): \(text(value))")
      }
    }
  }

  /// The next number that axes like: 1, 1.2, 1.6, 2, 2.4, … times a power of ten.
  private static func rounded(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    var power = 1.0
    while power * 10 <= value { power *= 10 }
    while power > value { power /= 10 }
    return (value / power * 2.5).rounded(.up) / 2.5 * power
  }
}
