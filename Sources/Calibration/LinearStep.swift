import COpenBLAS
import IR

/// A contraction in three parts: its rows as they are multiplied, the sums, and what follows.
struct LinearStep: Sendable {
  let contraction: Contraction
  /// The type of the factors.
  let factors: ElementType

  /// The rows as they are multiplied, with their scale: normalized, rounded, quantized.
  func rows(_ x: Tensor) -> Tensor {
    let norms = contraction.epsilon.map { Self.norms(x, epsilon: $0) }
    switch factors {
    case .bf16: return Self.scaled(x.rounded(to: .bf16).rounded(to: .f32), norms)
    case .s8:
      let rotated = contraction.points.map { Self.rotated(x, points: $0) } ?? x
      return Self.scaled(Self.quantized(rotated), norms)
    case .f32, .f16, .u8: return Self.scaled(x, norms)
    }
  }

  /// `rows weight^T + bias`.
  static func sums(_ rows: Tensor, _ weight: Tensor, bias: [Float]) -> Tensor {
    let (m, n, k) = (rows.rows, weight.rows, rows.columns)
    var y = Tensor(shape: [m, n])
    y.values.withUnsafeMutableBufferPointer { y in
      for row in 0..<m {
        for column in 0..<n { y[row * n + column] = bias.isEmpty ? 0 : bias[column] }
      }
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, Int32(m), Int32(n), Int32(k), 1, rows.values,
        Int32(k), weight.values, Int32(k), 1, y.baseAddress, Int32(n))
    }
    return y
  }

  /// Activation, residual and the result's rounding.
  func finish(_ sums: Tensor, residual: Tensor?) -> Tensor {
    var y = sums
    if let function = contraction.activation {
      y = Op.activation(Activation(function)).evaluate([y])
    }
    if let residual {
      for i in y.values.indices { y.values[i] += residual.values[i] }
    }
    return y.rounded(to: contraction.result)
  }

  /// Multiplies the elements that stand an equal part of the row apart by a Hadamard matrix.
  static func rotated(_ x: Tensor, points: Int) -> Tensor {
    var y = x.rounded(to: .f32)
    let (columns, part) = (x.columns, x.columns / points)
    let factor = 1 / Float(points).squareRoot()
    y.values.withUnsafeMutableBufferPointer { y in
      for start in stride(from: 0, to: y.count, by: columns) {
        var distance = part
        while distance < columns {
          for first in stride(from: start, to: start + columns, by: 2 * distance) {
            for i in first..<first + distance {
              let (a, b) = (y[i], y[i + distance])
              (y[i], y[i + distance]) = (a + b, a - b)
            }
          }
          distance *= 2
        }
        for i in start..<start + columns { y[i] *= factor }
      }
    }
    return y
  }

  /// Replaces each element by the nearest that 8 bits between the row's extremes can say.
  static func quantized(_ x: Tensor) -> Tensor {
    var y = x.rounded(to: .f32)
    let columns = x.columns
    y.values.withUnsafeMutableBufferPointer { y in
      for start in stride(from: 0, to: y.count, by: columns) {
        var (lowest, highest) = (Float.infinity, -Float.infinity)
        for i in start..<start + columns {
          lowest = min(lowest, y[i])
          highest = max(highest, y[i])
        }
        guard highest > lowest else { continue }
        let (inverse, step) = (255 / (highest - lowest), (highest - lowest) / 255)
        // 1.5 * 2^23: the sum has no room for a fraction, so it is rounded to an even integer.
        let round: Float = 12_582_912
        for i in start..<start + columns {
          let integer = ((y[i] - lowest) * inverse + round) - round
          y[i] = lowest + step * integer
        }
      }
    }
    return y
  }

  private static func scaled(_ x: Tensor, _ norms: [Float]?) -> Tensor {
    guard let norms else { return x }
    var y = x.rounded(to: .f32)
    let columns = x.columns
    for (row, norm) in norms.enumerated() {
      for i in row * columns..<(row + 1) * columns { y.values[i] *= norm }
    }
    return y
  }

  private static func norms(_ x: Tensor, epsilon: Float) -> [Float] {
    stride(from: 0, to: x.values.count, by: x.columns).map { start in
      let squares = x.values[start..<start + x.columns].reduce(0.0) {
        $0 + Double($1) * Double($1)
      }
      return Float(1 / (squares / Double(x.columns) + Double(epsilon)).squareRoot())
    }
  }
}
