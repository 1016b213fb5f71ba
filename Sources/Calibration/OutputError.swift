import Glibc
import IR

/// How far outputs are from others.
public enum OutputError {
  /// The geometric mean over the images of the relative error `|y - y0| / |y0|`.
  ///
  /// One bad image does not decide it. Equal results count as 1e-12; what is not finite, or not
  /// zero where all should be, has an infinite error.
  public static func relative(_ found: [Tensor], of truth: [Tensor]) -> Double {
    let logarithms = zip(found, truth).map { found, truth in
      var (difference, norm) = (0.0, 0.0)
      for (y, y0) in zip(found.values, truth.values) {
        difference += (Double(y) - Double(y0)) * (Double(y) - Double(y0))
        norm += Double(y0) * Double(y0)
      }
      let square = difference == 0 ? 0 : difference / norm
      return square.isFinite ? log(max(1e-24, square)) / 2 : .infinity
    }
    return exp(logarithms.reduce(0, +) / Double(max(1, logarithms.count)))
  }

  /// The error of each output, by name.
  public static func relative(
    _ found: [String: [Tensor]], of truth: [String: [Tensor]]
  ) -> [String: Double] {
    var errors: [String: Double] = [:]
    for (name, tensors) in truth { errors[name] = relative(found[name] ?? [], of: tensors) }
    return errors
  }
}
