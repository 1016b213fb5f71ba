#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Classification by the classes of the nearest photos, as DINOv2 is evaluated: each of the k
/// nearest votes for its class with the weight exp(cosine / 0.07).
///
/// Reference: Caron et al. 2021, arXiv:2104.14294, after Wu et al. 2018; `dinov2/eval/knn.py`.
public enum NearestVote {
  /// What cosines are divided by.
  static let temperature = 0.07

  /// The class with the most votes; of equal ones the first.
  public static func winner(
    _ neighbours: [NearestRows.Neighbour], labels: [Int], classes: Int
  ) -> Int {
    var votes = [Double](repeating: 0, count: classes)
    for neighbour in neighbours {
      // Less the largest that there can be, so that no power overflows.
      votes[labels[neighbour.row]] += exp((Double(neighbour.cosine) - 1) / temperature)
    }
    return votes.highest(columns: classes).first ?? 0
  }
}
