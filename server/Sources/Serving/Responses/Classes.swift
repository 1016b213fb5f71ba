import FoundationEssentials
import VitRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Scores of logits, and the best classes.
enum Classes {
  /// The scores of rows of logits.
  static func scores(
    _ logits: [Float], count: Int, by function: VitDescription.ScoreFunction
  ) -> [Float] {
    guard count > 0 else { return [] }
    switch function {
    case .identity: return logits
    case .sigmoid: return logits.map { Float(1 / (1 + exp(-Double($0)))) }
    case .softmax:
      let size = logits.count / count
      return (0..<count).flatMap { row in
        softmax(logits[row * size..<(row + 1) * size])
      }
    }
  }

  /// exp(x_i - max x) / Σ_j exp(x_j - max x), in double precision.
  private static func softmax(_ row: ArraySlice<Float>) -> [Float] {
    let largest = Double(row.max() ?? 0)
    let powers = row.map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
  }

  /// The `top` highest values as the extension `classification` writes them, the highest first.
  ///
  /// Each is `value:index:label`; of equal ones the one with the lower index comes first. The label
  /// is left out where the model has no names.
  static func texts(_ row: ArraySlice<Float>, top: Int, labels: [String]) -> [String] {
    row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }.prefix(top).map { place in
      let index = place - row.startIndex
      let label = labels.indices.contains(index) ? ":\(labels[index])" : ""
      return "\(row[place]):\(index)\(label)"
    }
  }
}
