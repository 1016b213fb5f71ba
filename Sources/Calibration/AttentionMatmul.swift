import COpenBLAS
import Glibc
import IR

/// An attention of one image through OpenBLAS, of one window: what `Attention.evaluate` computes in
/// doubles.
struct AttentionMatmul {
  private let attention: Attention

  /// `nil`: it is another one.
  init?(_ attention: Attention) {
    guard !attention.hasWeights, attention.windows == 1, !attention.isCausal else { return nil }
    self.attention = attention
  }

  /// The result for the operands that the operation takes.
  func evaluate(_ operands: [Tensor]) -> Tensor {
    let quantized =
      attention.isQuantized
      ? QuantizedAttention(attention, Array(operands.prefix(3)), window: 0) : nil
    let q = quantized?.queries ?? operands[0]
    let k = quantized?.keys ?? operands[1]
    let v = quantized?.values ?? operands[2]
    let (queries, keys, columns) = (q.rows, k.rows, q.columns)
    let added = attention.added(operands, 0, [attention.heads, queries, keys])
    let head = columns / attention.heads
    let powers = operands[0].element
    let unit = attention.base2 ? Float(M_LN2) : 1
    let factor = attention.scale * unit
    var scores = [Float](repeating: 0, count: queries * keys)
    var result = [Float](repeating: 0, count: queries * columns)
    for h in 0..<attention.heads {
      q.values.withUnsafeBufferPointer { q in
        k.values.withUnsafeBufferPointer { k in
          guard let q = q.baseAddress, let k = k.baseAddress else { return }
          vitc_blas_sgemm(
            0, 1, Int32(queries), Int32(keys), Int32(head),
            factor, q + h * head, Int32(columns), k + h * head, Int32(columns), 0, &scores,
            Int32(keys))
        }
      }
      if let added {
        for i in scores.indices { scores[i] += unit * added[h * scores.count + i] }
      }
      var totals = [Float](repeating: 0, count: queries)
      for row in 0..<queries {
        let range = row * keys..<(row + 1) * keys
        let largest = scores[range].max() ?? 0
        for i in range {
          let power = Glibc.expf(scores[i] - largest)
          totals[row] += power
          scores[i] =
            quantized == nil
            ? powers.rounded(power) : QuantizedAttention.rounded(power, of: i - range.lowerBound)
        }
      }
      v.values.withUnsafeBufferPointer { v in
        result.withUnsafeMutableBufferPointer { y in
          guard let v = v.baseAddress, let y = y.baseAddress else { return }
          vitc_blas_sgemm(
            0, 0, Int32(queries), Int32(head), Int32(keys), 1,
            scores, Int32(keys), v + h * head, Int32(columns), 0, y + h * head, Int32(columns))
          for row in 0..<queries {
            for i in row * columns + h * head..<row * columns + (h + 1) * head {
              y[i] /= totals[row]
            }
          }
        }
      }
    }
    let products = Tensor(shape: q.shape, values: result)
    return (quantized?.addingMeans(to: products) ?? products).rounded(to: operands[0].element)
  }
}
