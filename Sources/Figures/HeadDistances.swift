import IR
import Models

/// How far attention looks, in pixels: for one photo, a block and each of its heads.
///
/// With weights `A` and distances `d(i, j)` of the patches `i` and `j`: the mean over queries `i`
/// of `sum_j A[i, j] d(i, j) / sum_j A[i, j]`, sums and mean over patches. What queries park on
/// tokens before the patches is left out, and told by itself.
struct HeadDistances {
  /// The distance of two patches, in pixels: `[patches, patches]`.
  let distances: [Double]
  private let grid: TokenMap

  /// - Parameter patch: the height and width of a patch, in pixels.
  init(_ grid: TokenMap, patch: [Double]) {
    self.grid = grid
    let count = grid.patches
    var distances: [Double] = []
    distances.reserveCapacity(count * count)
    for a in 0..<count {
      for b in 0..<count {
        let y = Double(a / grid.columns - b / grid.columns) * patch[0]
        let x = Double(a % grid.columns - b % grid.columns) * patch[1]
        distances.append((y * y + x * x).squareRoot())
      }
    }
    self.distances = distances
  }

  /// The mean distance where all patches get the same weight.
  var uniform: Double { distances.reduce(0, +) / Double(distances.count) }

  /// What one head does.
  struct Head: Equatable {
    /// The mean distance, in pixels; weights of a query sum to 1 over patches.
    var distance: Double
    /// The mean distance without that: what is parked counts as 0.
    var plainDistance: Double
    /// The mean weight that patches give to tokens before and after the patches.
    var parked: Double
  }

  /// Returns what each head does, for weights `[heads, tokens, tokens]`.
  func callAsFunction(_ weights: DenseTensor<Double>) -> [Head] {
    let (tokens, prefix) = (grid.tokens, grid.prefix)
    let count = grid.patches
    return weights.values.withUnsafeBufferPointer { weights in
      distances.withUnsafeBufferPointer { distances in
        (0..<weights.count / (tokens * tokens)).map { head in
          var result = Head(distance: 0, plainDistance: 0, parked: 0)
          for query in 0..<count {
            let row = (head * tokens + prefix + query) * tokens
            var (sum, far, parked) = (0.0, 0.0, 0.0)
            for key in 0..<prefix { parked += weights[row + key] }
            for key in (prefix + count)..<tokens { parked += weights[row + key] }
            for key in 0..<count {
              sum += weights[row + prefix + key]
              far += weights[row + prefix + key] * distances[query * count + key]
            }
            result.distance += sum > 0 ? far / sum : 0
            result.plainDistance += far
            result.parked += parked
          }
          return Head(
            distance: result.distance / Double(count),
            plainDistance: result.plainDistance / Double(count),
            parked: result.parked / Double(count))
        }
      }
    }
  }
}
