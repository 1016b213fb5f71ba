import Calibration
import Diagnostics
import IR
import Models
import Passes

/// Looks for layers that 8-bit integers cannot hold, where no photos show it.
struct QuantizationCheck {
  /// The most layers that are named.
  private static let mostNames = 5

  /// The warning that a model deserves, if any, when its operations are computed as `request` says.
  ///
  /// - Throws: what reading a weight throws.
  static func warnings(
    _ request: CompileRequest, _ model: Model, _ imported: Graph
  ) throws(Diagnostic) -> [Diagnostic] {
    // A rotation of the stream changes nothing that the estimate is of, and takes most of the time.
    let passes = request.passes(overriding: request.precisionOverrides)
      .filter { $0.name != Pass.rotateResidual.name }
    guard let last = passes.lastIndex(where: { $0.name == Pass.useBF16.name }) else { return [] }
    let lowered = try PassManager(Array(passes[...last])).run(imported).graph
    let checkpoint = model.checkpoint
    let estimate = try ErrorEstimate(lowered) { (name) throws(Diagnostic) in
      try checkpoint.read(name)
    }
    let outliers = estimate.outliers
    guard let worst = outliers.first else { return [] }
    let others = outliers.count - 1
    let names = outliers.prefix(mostNames).map { "\($0.name) \(percent($0.error))" }
    let rest = outliers.count > mostNames ? ", and \(outliers.count - mostNames) more" : ""
    return [
      Diagnostic(
        "8-bit integers are expected to make '\(worst.name)' err by \(percent(worst.error))"
          + (others > 0 ? ", and \(others) more layers by more than is usual" : ""),
        severity: .warning, at: .argument("--precision int8"),
        notes: [
          "estimated from the weights, usual is about 1 %: " + names.joined(separator: ", ") + rest
        ],
        hint: "compare with '--precision bf16', keep layers with '--keep \(worst.name)=bf16', or "
          + "measure with '--calibrate' and '--max-error'")
    ]
  }

  private static func percent(_ error: Double) -> String {
    error.isFinite && error < 10 ? "\(Int((error * 100).rounded())) %" : "more than 1000 %"
  }
}
