import IR
import Models

/// How much of each token is in the model's answer, by attention alone: attention rollout.
///
/// With `A_l` the mean (or largest) weight over the heads of block `l`, rows that sum to 1, and
/// `v` what the answer reads: `v ... (A_2 + I)/2 (A_1 + I)/2`, the last block on the left. Only the
/// row is computed: `2 T^2` operations for a block.
///
/// Source: Abnar and Zuidema 2020, arXiv:2005.00928; Dosovitskiy et al. 2020, arXiv:2010.11929v2,
/// D.7.
public struct AttentionRollout {
  /// What becomes of the weights of the heads.
  public enum Fusion: String, CaseIterable, Sendable {
    /// Their mean.
    case mean
    /// The largest; rows are made to sum to 1 again, with the identity in them.
    case max
  }

  private let tokens: Int
  private let fusion: Fusion
  private let hasResiduals: Bool
  /// A matrix `[tokens, tokens]` of each block.
  private var blocks: [[Double]] = []

  /// - Parameter hasResiduals: `false` iff the identity, which stands for the residual stream, is
  ///   not added.
  init(tokens: Int, fusion: Fusion = .mean, hasResiduals: Bool = true) {
    self.tokens = tokens
    self.fusion = fusion
    self.hasResiduals = hasResiduals
  }

  /// Takes the weights of the next block: one attention or several, each `[heads, tokens, tokens]`.
  mutating func add(_ attentions: [DenseTensor<Double>]) {
    let count = tokens * tokens
    var fused = Array(repeating: 0.0, count: count)
    let heads = attentions.reduce(0) { $0 + $1.shape[0] }
    fused.withUnsafeMutableBufferPointer { fused in
      for attention in attentions {
        attention.values.withUnsafeBufferPointer { weights in
          for start in stride(from: 0, to: weights.count, by: count) {
            for i in 0..<count {
              fused[i] =
                fusion == .mean
                ? fused[i] + weights[start + i] / Double(heads)
                : Swift.max(fused[i], weights[start + i])
            }
          }
        }
      }
      for row in 0..<tokens {
        let range = row * tokens..<(row + 1) * tokens
        if hasResiduals { fused[row * tokens + row] += 1 }
        let sum = range.reduce(0.0) { $0 + fused[$1] }
        if sum > 0 { for i in range { fused[i] /= sum } }
      }
    }
    blocks.append(fused)
  }

  /// Returns `start`, a weight for each token, carried from the last block to the first.
  func row(from start: [Double]) -> [Double] {
    var row = start
    for block in blocks.reversed() {
      var next = Array(repeating: 0.0, count: tokens)
      block.withUnsafeBufferPointer { block in
        for (token, weight) in row.enumerated() where weight != 0 {
          for i in 0..<tokens { next[i] += weight * block[token * tokens + i] }
        }
      }
      row = next
    }
    return row
  }
}

extension TokenMap {
  /// What the answer reads, as a weight for each token, which sum to 1.
  ///
  /// - Parameter query: the weights of a learned query, `[heads, 1, n]` over all tokens or the
  ///   patches, where the answer is made by one.
  func start(query: DenseTensor<Double>?) -> [Double] {
    var row = Array(repeating: 0.0, count: tokens)
    switch reader {
    case .classToken: row[0] = 1
    case .classTokens(let places):
      for token in places { row[token] += 1 / Double(places.count) }
    case .average:
      for token in prefix..<prefix + patches { row[token] = 1 / Double(patches) }
    case .probe:
      guard let query else { return row }
      let (heads, count) = (query.shape[0], query.columns)
      for head in 0..<heads {
        for i in 0..<count {
          row[tokens - suffix - count + i] += query.values[head * count + i] / Double(heads)
        }
      }
    }
    return row
  }
}
