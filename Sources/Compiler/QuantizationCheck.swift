import Calibration
import Diagnostics

/// Names the layers that 8-bit integers cannot hold, where no photos show it.
enum QuantizationCheck {
  /// The most layers that are named.
  private static let mostNames = 5

  /// The warning that an estimate deserves, if any.
  static func warnings(_ estimate: ErrorEstimate) -> [Diagnostic] {
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
