import Compiler
import Diagnostics

/// What fitting a head found, for people.
struct HeadReportText {
  private let report: HeadReport

  /// Pairs of classes that are shown.
  private static let mostPairs = 5

  init(_ report: HeadReport) { self.report = report }

  /// The lines, each ended.
  func text() throws(Diagnostic) -> String {
    var lines = [classes, head]
    if let score = report.leaveOneOut { lines += self.lines(score, "left out") }
    if let score = report.test { lines += self.lines(score, "test    ") }
    if !report.suspects.isEmpty {
      lines.append("look at  the photos that the others put farthest from their class:")
    }
    var text = lines.map { PlainText.escaped($0) + "\n" }.joined()
    var table = TextTable([.left, .left, .left, .right])
    for suspect in report.suspects {
      let isRight = suspect.takenFor == suspect.class
      table.add([
        suspect.file, "in \(suspect.class)",
        isRight ? "" : "taken for \(suspect.takenFor)",
        Format.fixed(suspect.margin, 3),
      ])
    }
    text += table.text(indentation: 9)
    var skipped = SkippedFiles()
    for file in report.skipped {
      try skipped.add(file.file, SkippedFiles.reason(file.reason))
    }
    return text + skipped.lines.map { PlainText.escaped($0) + "\n" }.joined()
  }

  private var classes: String {
    let photos = report.classes.reduce(0) { $0 + $1.photos }
    let counts = report.classes.map { "\($0.name) \(Format.grouped($0.photos))" }
    return "classes  \(Format.grouped(report.classes.count)) of \(Format.grouped(photos)) photos: "
      + ShortList.text(counts)
  }

  private var head: String {
    let l2 = report.l2 == report.l2.rounded() ? Format.fixed(report.l2, 0) : "\(report.l2)"
    return "head     least squares over \(report.width) features ('\(report.features)'), l2 \(l2)"
      + (report.isChosen ? " by leave-one-out" : "")
      + ", temperature \(Format.fixed(report.temperature, 3))"
  }

  private func lines(_ score: HeadReport.Score, _ name: String) -> [String] {
    func range(_ interval: [Double]) -> String {
      "\(Format.fixed(100 * interval[0], 1)) to \(Format.fixed(100 * interval[1], 1))"
    }
    var lines = [
      "\(name) \(Format.fixed(100 * score.accuracy, 1)) % right "
        + "(\(Format.grouped(score.right)) of \(Format.grouped(score.photos)); 95 %: "
        + "\(range(score.interval))), balanced \(Format.fixed(100 * score.balancedAccuracy, 1)) % "
        + "(\(range(score.balancedInterval))), log loss \(Format.fixed(score.logLoss, 3)), "
        + "confidence off by \(Format.fixed(100 * score.calibrationError, 1)) %"
    ]
    if !score.confused.isEmpty {
      let pairs = score.confused.prefix(Self.mostPairs).map {
        "\($0.class) for \($0.takenFor) \($0.count)"
      }
      lines.append("confused " + pairs.joined(separator: ", "))
    }
    return lines
  }
}
