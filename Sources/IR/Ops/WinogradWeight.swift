import Diagnostics

/// The sizes of Winograd's convolution with a 3x3 kernel that there are.
///
/// `F(m x m, 3x3)` makes a square of `m * m` results from `(m + 2)^2` pixels with `(m + 2)^2`
/// products, `Y = A^T ((G g G^T) . (B^T d B)) A`, instead of `9 m^2`: 2.25 times fewer for `m = 2`,
/// 4 times fewer for `m = 4`.
///
/// The matrices are those of Toom and Cook: with the points `p_j` and
/// `N_j = prod_{l != j} (p_j - p_l)`, row `j` of `G` is `(1, p_j, p_j^2) / N_j`, column `j` of
/// `A^T` is `(1, p_j, p_j^2, …)`, row `j` of `B^T` has the coefficients of
/// `prod_{l != j} (x - p_l)`; the last point is infinity. For `m = 4` the points 0, 1, -1, 1/2, -2
/// and infinity make two thirds of the error of 0, 1, -1, 2, -2 and infinity: 9.5e-7 against
/// 1.4e-6, relative L2, for 56x56x64 activations of a ResNet-50. For `m = 2` they are 0, 1, -1 and
/// infinity.
///
/// References: Winograd 1980, Arithmetic Complexity of Computations; Lavin and Gray 2015,
/// arXiv:1509.09308; Barabasz et al. 2018, arXiv:1803.10986, on the points.
public enum WinogradTile: Int, Hashable, Sendable, CaseIterable {
  /// F(2x2, 3x3).
  case two = 2
  /// F(4x4, 3x3).
  case four = 4

  /// The side of a square of pixels, which is the number of points.
  public var points: Int { rawValue + 2 }
  /// The number of products for each tile and pair of channels.
  public var frequencies: Int { points * points }
  /// The number of tiles of an image; the last ones may reach beyond it.
  public func count(height: Int, width: Int) -> Int {
    ((height - 1) / rawValue + 1) * ((width - 1) / rawValue + 1)
  }

  /// `G`, of `points` rows and three columns.
  var kernelTransform: [[Double]] {
    switch self {
    case .two: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
    case .four:
      [
        [1, 0, 0], [1.0 / 3, 1.0 / 3, 1.0 / 3], [-1.0 / 3, 1.0 / 3, -1.0 / 3],
        [-16.0 / 15, -8.0 / 15, -4.0 / 15], [1.0 / 15, -2.0 / 15, 4.0 / 15], [0, 0, 1],
      ]
    }
  }

  /// A left inverse of `G`: a kernel from its values at 0, 1, -1 and infinity.
  var kernelInverse: [[Double]] {
    let (one, minusOne) = (0.5 / kernelTransform[1][1], 0.5 / kernelTransform[2][1])
    let middle = [0, one, minusOne] + Array(repeating: 0, count: points - 3)
    return [
      [1] + Array(repeating: 0, count: points - 1), middle,
      Array(repeating: 0, count: points - 1) + [1],
    ]
  }
}

/// Transforms and packs the weight of a 3x3 convolution for Winograd's way.
///
/// `y[p, f * points + e, i, j] = sum_{u,v} G[f, u] * weight[p * width + j, i, u, v] * G[e, v]`,
/// zero where `p * width + j` is beyond the last output; `G` is the kernel transform of
/// F(tile x tile, 3x3) for the points 0, 1, -1, [1/2, -2,] infinity, and `points = tile + 2`.
/// Computed in double.
///
/// Operand: `weight: [out, in, 3, 3]`. Result: `[ceil(out / width), points^2, in, width]`.
/// Attributes: `tile`, 2 or 4; `width`, the number of output columns in a panel, default 32 as for
/// `pack`.
///
/// - C1: `weight` has rank 4 and a 3x3 kernel.
/// - C2: `tile` is 2 or 4.
/// - C3: `width` is positive.
///
/// Reference: Lavin and Gray 2015, arXiv:1509.09308.
public struct WinogradWeight: OpDefinition {
  /// The side of the square of results, 2 or 4.
  public var tile: Int
  /// The number of output columns in one panel.
  public var width: Int

  /// Creates the op.
  public init(tile: WinogradTile, width: Int = Pack.standardWidth) {
    self.tile = tile.rawValue
    self.width = width
  }

  static let mnemonic = "winograd_weight"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("tile", .integer(tile))
    if width != Pack.standardWidth { list.set("width", .integer(width)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    tile = try attributes.integer("tile")
    width = try attributes.integer("width", default: Pack.standardWidth)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "weight", operands[0], 4)
    let weight = operands[0].shape
    try require(
      "C1", weight[2] == 3 && weight[3] == 3,
      "weight: expected a kernel of 3x3, found \(operands[0])")
    guard let size = WinogradTile(rawValue: tile) else {
      throw violation("C2", "tile: expected 2 or 4, found \(tile)")
    }
    try require("C3", width > 0, "width: expected at least 1, found \(width)")
    return .f32((weight[0] - 1) / width + 1, size.frequencies, weight[1], width)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    // The type check has let no other tile pass.
    let tile = WinogradTile(rawValue: tile) ?? .two
    let weight = operands[0]
    let (out, channels) = (weight.shape[0], weight.shape[1])
    let (panels, width) = ((out - 1) / width + 1, width)
    let sandwich = Sandwich(tile.kernelTransform)
    return DenseTensor<S>(shape: [panels, tile.frequencies, channels, width]) { packed in
      packed.update(repeating: 0)
      weight.values.withUnsafeBufferPointer { source in
        for n in 0..<out {
          for i in 0..<channels {
            let kernel = (n * channels + i) * 9
            let first = (n / width * tile.frequencies * channels + i) * width + n % width
            sandwich.apply {
              Double(source[kernel + $0])
            } store: {
              packed[first + $0 * channels * width] = S($1)
            }
          }
        }
      }
    }
  }

  /// Returns the `[out, in, 3, 3]` weight that `packed` was made from, to rounding.
  static func unpack<S: TensorScalar>(_ packed: DenseTensor<S>, tile: WinogradTile, columns: Int)
    -> DenseTensor<S>
  {
    let (channels, width) = (packed.shape[2], packed.shape[3])
    let sandwich = Sandwich(tile.kernelInverse)
    var result = DenseTensor<S>(shape: [columns, channels, 3, 3])
    for n in 0..<columns {
      for i in 0..<channels {
        let kernel = (n * channels + i) * 9
        let first = (n / width * tile.frequencies * channels + i) * width + n % width
        sandwich.apply {
          Double(packed.values[first + $0 * channels * width])
        } store: {
          result.values[kernel + $0] = S($1)
        }
      }
    }
    return result
  }

  /// `M X M^T` for a square matrix `X`, both row-major.
  private struct Sandwich {
    let matrix: [Double]
    let rows: Int
    let extent: Int

    init(_ matrix: [[Double]]) {
      self.matrix = matrix.flatMap { $0 }
      rows = matrix.count
      extent = matrix[0].count
    }

    /// Reads each element of `X` by its index, and hands out each element of the result.
    @inline(__always)
    func apply(_ x: (Int) -> Double, store: (Int, Double) -> Void) {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: (rows + extent) * extent) { all in
        matrix.withUnsafeBufferPointer { matrix in
          for index in 0..<extent * extent { all.initializeElement(at: index, to: x(index)) }
          let half = extent * extent
          for f in 0..<rows {
            for v in 0..<extent {
              var sum = 0.0
              for u in 0..<extent { sum += matrix[f * extent + u] * all[u * extent + v] }
              all.initializeElement(at: half + f * extent + v, to: sum)
            }
          }
          for f in 0..<rows {
            for e in 0..<rows {
              var sum = 0.0
              for v in 0..<extent {
                sum += all[half + f * extent + v] * matrix[e * extent + v]
              }
              store(f * rows + e, sum)
            }
          }
        }
      }
    }
  }
}
