import Foundation
import HeadFitting
import SeededRandom

/// The folder of the goldens that Scripts/goldens/digits_features.py made.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures"

extension SplitMix64 {
  /// A number of the normal distribution, by Box and Muller.
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * .pi * unit())
  }
}

/// Made-up features of `counts[k]` photos of class k: a centre for each class, `spread` around it,
/// features of unequal sizes and means.
func drawn(
  _ counts: [Int], width: Int, spread: Double = 1, seed: UInt64 = 1
) -> Samples {
  var random = SplitMix64(seed: seed)
  let scales = (0..<width).map { _ in 0.1 + 10 * random.unit() }
  let shifts = (0..<width).map { _ in 5 * random.normal() }
  var (features, labels) = ([Float](), [Int]())
  for (k, count) in counts.enumerated() {
    let centre = (0..<width).map { _ in random.normal() }
    for _ in 0..<count {
      labels.append(k)
      for j in 0..<width {
        features.append(
          Float(shifts[j] + scales[j] * (centre[j] + spread * random.normal())))
      }
    }
  }
  return Samples(features: features, labels: labels, width: width, classes: counts.count)
}
