import Compiler
import Diagnostics

/// The summary that `vitc compile` prints, in a few lines.
struct CompileSummary {
  private let report: CompileReport

  init(_ report: CompileReport) { self.report = report }

  /// The lines.
  func text() throws(Diagnostic) -> String {
    let model = report.configuration
    var lines = [
      "model    \(model.name): \(model.summary), "
        + "\(Format.grouped(try model.parameters)) parameters",
      "numerics \(model.numericsSummary)",
      "matmuls  \(report.precision)",
      "passes   \(passes)",
      "cost     \(gigaFlops(report.flops)) GFLOP \(model.text == nil ? "an image" : "a text") "
        + "(as written \(gigaFlops(report.modelFlops))), "
        + "weights \(size(report.weightsBytes)), arena \(size(report.arenaBytes))",
      "program  \(report.programSteps) parallel steps for \(report.target), "
        + "code \(size(report.objectBytes))",
      "time     "
        + report.stages.map { "\($0.name) \(Format.fixed($0.seconds, 2)) s" }
        .joined(separator: ", "),
      "wrote    " + report.files.joined(separator: ", "),
    ]
    // The later lines first, so that places are those of the list above.
    if let calibration = report.calibration {
      lines.insert(contentsOf: self.lines(of: calibration), at: 3)
    }
    if report.sizes.count > 1 {
      lines.insert("sizes    \(ShortList.text(report.sizes.map(\.description)))", at: 1)
    }
    lines.insert(contentsOf: report.notes.map { "note     \($0)" }, at: 1)
    return lines.map(PlainText.escaped).joined(separator: "\n") + "\n"
  }

  private func lines(of calibration: CompileReport.Calibration) -> [String] {
    let errors = calibration.errors.sorted { $0.key < $1.key }.map { name, error in
      "\(name) \(Format.fixed(error * 100, 2)) %"
    }
    let raised =
      calibration.fellBack
      ? "every layer, as with --precision bf16" : ShortList.text(calibration.raised)
    let sources =
      calibration.isOfTexts
      ? "texts    \(calibration.sources)"
      : "photos   \(calibration.sources), \(calibration.images) images with crops"
    return [
      "\(sources), relative errors: " + errors.joined(separator: ", ")
    ] + (raised.isEmpty ? [] : ["bf16     for --max-error: \(raised)"])
  }

  private var passes: String {
    let changed = report.passes.records.filter(\.changed)
    return "\(changed.count) of \(report.passes.records.count) changed the graph, "
      + "\(report.passes.rewrites) rewrites, "
      + "\(report.passes.records.first?.nodesBefore ?? 0) nodes to "
      + "\(report.passes.records.last?.nodesAfter ?? 0)"
  }

  private func gigaFlops(_ flops: Int) -> String { Format.fixed(Double(flops) * 1e-9, 2) }

  /// A size with a decimal unit.
  private func size(_ bytes: Int) -> String {
    bytes < 1_000_000
      ? "\(Format.fixed(Double(bytes) * 1e-3, 1)) kB"
      : "\(Format.fixed(Double(bytes) * 1e-6, 1)) MB"
  }
}
