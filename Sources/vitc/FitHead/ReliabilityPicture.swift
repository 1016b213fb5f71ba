import Figures
import HeadFitting

/// A reliability diagram: of predictions of about the same confidence, which part is right; on the
/// diagonal confidence is what it says.
struct ReliabilityPicture {
  private let reliability: Reliability
  private let title: String

  init(_ reliability: Reliability, title: String) {
    self.reliability = reliability
    self.title = title
  }

  /// The drawing.
  var drawing: SVG {
    let (left, top, side) = (60.0, 48.0, 320.0)
    var drawing = SVG(width: left + side + 30, height: top + side + 60)
    func point(_ x: Double, _ y: Double) -> (Double, Double) {
      (left + x * side, top + (1 - y) * side)
    }
    drawing.text(
      "\(title): confidence off by \(SVG.number(100 * reliability.error)) %, log loss "
        + SVG.number(reliability.logLoss), at: (left, 24), anchor: .start, size: 13)
    let step = 1 / Double(max(1, reliability.bins.count))
    for (index, bin) in reliability.bins.enumerated() {
      guard let bin else { continue }
      let place = point(Double(index) * step, bin.accuracy)
      drawing.box(
        at: (place.0 + 1, place.1), size: (step * side - 2, bin.accuracy * side),
        color: "#7a9cc6",
        title: "\(bin.count) photos, confidence \(SVG.number(100 * bin.confidence)) %, "
          + "\(SVG.number(100 * bin.accuracy)) % right")
      drawing.text(
        String(bin.count), at: (place.0 + step * side / 2, place.1 - 4), size: 10)
    }
    drawing.line(from: point(0, 0), to: point(1, 1), color: "#b03030", dashes: "4 3")
    drawing.line(from: point(0, 0), to: point(1, 0), color: "#333")
    drawing.line(from: point(0, 0), to: point(0, 1), color: "#333")
    for tick in stride(from: 0.0, through: 1, by: 0.25) {
      let text = "\(Int(tick * 100)) %"
      let (x, y) = (point(tick, 0), point(0, tick))
      drawing.text(text, at: (x.0, x.1 + 18), size: 11)
      drawing.text(text, at: (y.0 - 8, y.1 + 4), anchor: .end, size: 11)
    }
    drawing.text("confidence", at: (left + side / 2, top + side + 42))
    drawing.text("right", at: (16, top + side / 2), turned: -90)
    return drawing
  }
}
