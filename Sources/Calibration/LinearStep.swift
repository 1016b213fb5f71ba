import COpenBLAS
import IR

/// A fused linear layer in three parts: its rows as they are multiplied, the sums, and what
/// follows.
struct LinearStep: Sendable {
  let fusedLinear: FusedLinear
  /// The type that is multiplied.
  let operandType: ElementType

  /// The rows as they are multiplied, with their scale: normalized, rounded, quantized.
  func rows(_ x: Tensor) -> Tensor {
    let norms = fusedLinear.prologue.epsilon.map {
      FusedLinear.rowScales(x, epsilon: $0).map { Float($0) }
    }
    guard operandType == .s8 else {
      return Self.scaled(x.rounded(to: operandType).rounded(to: .f32), norms)
    }
    let floats = x.rounded(to: .f32)
    let size = fusedLinear.prologue.hadamardSize
    let rotated = size.map { Op.hadamard(Hadamard(size: $0)).evaluate([floats]) } ?? floats
    return Self.scaled(Self.quantized(rotated), norms)
  }

  /// `rows weight^T + bias`.
  static func sums(_ rows: Tensor, _ weight: Tensor, bias: [Float]) -> Tensor {
    let (m, n, k) = (rows.rows, weight.rows, rows.columns)
    var y = Tensor(shape: [m, n])
    y.values.withUnsafeMutableBufferPointer { y in
      for row in 0..<m {
        for column in 0..<n { y[row * n + column] = bias.isEmpty ? 0 : bias[column] }
      }
      vitc_blas_sgemm(
        0, 1, Int32(m), Int32(n), Int32(k), 1, rows.values,
        Int32(k), weight.values, Int32(k), 1, y.baseAddress, Int32(n))
    }
    return y
  }

  /// Activation, residual and the result's rounding.
  func finish(_ sums: Tensor, residual: Tensor?) -> Tensor {
    var y = sums
    if let function = fusedLinear.epilogue.activation {
      y = Op.activation(Activation(function)).evaluate([y])
    }
    if let residual {
      for i in y.values.indices { y.values[i] += residual.values[i] }
    }
    return y.rounded(to: fusedLinear.epilogue.result)
  }

  /// Replaces each element by the one that its integer stands for (`QuantizedRow`).
  static func quantized(_ x: Tensor) -> Tensor {
    var y = x
    for start in stride(from: 0, to: x.values.count, by: x.columns) {
      let row = QuantizedRow(x.values[start..<start + x.columns])
      for i in start..<start + x.columns {
        y.values[i] = row.lowest + row.step * row.integer(x.values[i])
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
}
