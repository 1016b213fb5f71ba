import COpenBLAS
import IR

/// The mean and the covariance of rows.
struct Covariance {
  /// The number of columns.
  let size: Int
  /// The number of rows.
  let count: Int
  /// The mean of each column.
  let mean: [Double]
  /// `[size, size]`, the lower triangle.
  private(set) var matrix: [Float]

  /// The columns of a part that one task computes.
  private static let part = 128

  init(_ rows: [Tensor]) {
    let size = rows[0].columns
    let count = rows.reduce(0) { $0 + $1.rows }
    let sums = concurrentMap(rows.count) { Self.sums(rows[$0]) }
    var mean = [Double](repeating: 0, count: size)
    for sum in sums {
      for i in 0..<size { mean[i] += sum[i] / Double(count) }
    }
    let known = mean
    let centred = concurrentMap(rows.count) { index in
      var values = rows[index].values
      for start in stride(from: 0, to: values.count, by: size) {
        for i in 0..<size { values[start + i] -= Float(known[i]) }
      }
      return values
    }
    // Parts of the result do not overlap.
    var matrix = [Float](repeating: 0, count: size * size)
    matrix.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let result = buffer.baseAddress
      _ = concurrentMap((size + Self.part - 1) / Self.part) { task in
        let (first, end) = (task * Self.part, min(size, (task + 1) * Self.part))
        for values in centred {
          values.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress, let result else { return }
            vitc_blas_sgemm(
              1, 0, Int32(end - first), Int32(end),
              Int32(values.count / size), 1 / Float(count), x + first, Int32(size), x, Int32(size),
              1, result + first * size, Int32(size))
          }
        }
      }
    }
    self.size = size
    self.count = count
    self.mean = mean
    self.matrix = matrix
  }

  /// The sums of the columns.
  static func sums(_ tensor: Tensor) -> [Double] {
    var sums = [Double](repeating: 0, count: tensor.columns)
    for start in stride(from: 0, to: tensor.values.count, by: tensor.columns) {
      for i in 0..<tensor.columns { sums[i] += Double(tensor.values[start + i]) }
    }
    return sums
  }
}
