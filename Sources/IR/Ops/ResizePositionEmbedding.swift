import Diagnostics

/// How a position-embedding table is resized to another grid.
public enum ResizeMethod: String, Hashable, Sendable, CaseIterable {
  /// Cubic convolution with a = -0.5, widened when shrinking, weights renormalized at the borders:
  /// `torch.nn.functional.interpolate(mode='bicubic', antialias=True)`, as timm and Hugging Face's
  /// DINOv2 with registers do.
  case bicubicAntialiased = "bicubic_antialiased"
  /// Cubic convolution with a = -0.75 over four taps, clamped at the borders:
  /// `interpolate(mode='bicubic', align_corners=False)`, as Hugging Face's ViT, DeiT and DINOv2 do.
  case bicubic
  /// Two taps between half-pixel centres, clamped: `interpolate(mode='bilinear')`.
  case bilinear
  /// The same, widened when shrinking: `interpolate(mode='bilinear', antialias=True)`, as Hugging
  /// Face's TIPS v2 does.
  case bilinearAntialiased = "bilinear_antialiased"
  /// Two taps with the corners on the corners: `scipy.ndimage.zoom(order=1)`, as JAX's ViT does.
  case bilinearCorners = "bilinear_corners"
}

/// Resizes a table of position embeddings to another grid of patches.
///
/// The first `prefix` rows are copied; the others are a grid of `from` rows and columns, row-major,
/// interpolated separably to a grid of `to`. Operand: `table: [prefix + from[0]*from[1], dim]`.
/// Result: `[prefix + to[0]*to[1], dim]`. Attributes: `from`, `to`: height and width; `prefix`,
/// default 0; `method`. A function of weights: it is computed at compile time.
///
/// - C1: `table` has rank 2 and `prefix + from[0] * from[1]` rows.
/// - C2: `from` and `to` are two positive extents each.
/// - C3: `prefix` is not negative.
public struct ResizePositionEmbedding: OpDefinition {
  /// Rows and columns of the grid that the table was trained for.
  public var from: [Int]
  /// Rows and columns of the grid wanted.
  public var to: [Int]
  /// How many leading rows belong to no patch.
  public var prefix: Int
  /// How to interpolate.
  public var method: ResizeMethod

  /// Creates a resize.
  public init(from: [Int], to: [Int], prefix: Int, method: ResizeMethod) {
    self.from = from
    self.to = to
    self.prefix = prefix
    self.method = method
  }

  static let mnemonic = "resize_position_embedding"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("from", .integers(from))
    list.set("to", .integers(to))
    if prefix != 0 { list.set("prefix", .integer(prefix)) }
    list.set("method", .text(method.rawValue))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    from = try attributes.integers("from")
    to = try attributes.integers("to")
    prefix = try attributes.integer("prefix", default: 0)
    method = try attributes.choice("method")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "table", operands[0], 2)
    try require(
      "C2",
      from.count == 2 && to.count == 2 && TensorType(.f32, from).isAllowed
        && TensorType(.f32, to).isAllowed,
      "grids: expected two positive extents each, found \(from) and \(to)")
    try require(
      "C3", 0...TensorType.maximumCount ~= prefix, "prefix: \(prefix) is not a number of rows")
    try require(
      "C1", operands[0].shape[0] == prefix + from[0] * from[1],
      "table: expected \(prefix + from[0] * from[1]) rows, found \(operands[0])")
    return .f32(prefix + to[0] * to[1], operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let table = operands[0]
    let dim = table.columns
    let rowTaps = method.taps(from: from[0], to: to[0])
    let columnTaps = method.taps(from: from[1], to: to[1])
    var result = DenseTensor<S>(shape: [prefix + to[0] * to[1], dim])
    for i in 0..<prefix * dim { result.values[i] = table.values[i] }
    var sums = Array(repeating: 0.0, count: dim)
    for i in 0..<to[0] {
      for j in 0..<to[1] {
        for d in 0..<dim { sums[d] = 0 }
        for (row, rowWeight) in rowTaps[i] {
          for (column, columnWeight) in columnTaps[j] {
            let start = (prefix + row * from[1] + column) * dim
            for d in 0..<dim {
              sums[d] += rowWeight * columnWeight * Double(table.values[start + d])
            }
          }
        }
        let start = (prefix + i * to[1] + j) * dim
        for d in 0..<dim { result.values[start + d] = S(sums[d]) }
      }
    }
    return result
  }
}

extension ResizeMethod {
  /// Returns, for each place of the new grid, which old places contribute and how much.
  ///
  /// Half-pixel centres: place `i` of the new grid lies at `(i + 1/2) * from / to - 1/2` of the old
  /// one, except for `bilinearCorners`.
  func taps(from: Int, to: Int) -> [[(index: Int, weight: Double)]] {
    let ratio = Double(from) / Double(to)
    return (0..<to).map { i in
      let center = (Double(i) + 0.5) * ratio
      switch self {
      case .bicubicAntialiased:
        return widened(center, ratio, reach: 2, from: from) { cubic($0, a: -0.5) }
      case .bilinearAntialiased:
        return widened(center, ratio, reach: 1, from: from) { max(0, 1 - abs($0)) }
      case .bicubic:
        let first = (center - 0.5).rounded(.down)
        let t = center - 0.5 - first
        return (-1...2).map { k in
          let index = min(max(Int(first) + k, 0), from - 1)
          return (index: index, weight: cubic(t - Double(k), a: -0.75))
        }
      case .bilinear: return linear(at: max(center - 0.5, 0), from: from)
      case .bilinearCorners:
        return linear(
          at: to == 1 ? 0 : Double(i) * Double(from - 1) / Double(to - 1), from: from)
      }
    }
  }

  /// The taps of a kernel that reaches so far, widened when shrinking, weights renormalized at the
  /// borders.
  private func widened(
    _ center: Double, _ ratio: Double, reach: Double, from: Int, _ kernel: (Double) -> Double
  ) -> [(index: Int, weight: Double)] {
    let stretch = max(ratio, 1)
    let low = max(Int((center - reach * stretch + 0.5).rounded(.down)), 0)
    let high = min(Int((center + reach * stretch + 0.5).rounded(.down)), from)
    let raw = (low..<high).map { kernel((Double($0) - center + 0.5) / stretch) }
    let sum = raw.reduce(0, +)
    return zip(low..<high, raw).map { (index: $0, weight: $1 / sum) }
  }

  private func linear(at position: Double, from: Int) -> [(index: Int, weight: Double)] {
    let first = min(Int(position), from - 1)
    let t = position - Double(first)
    return [(index: first, weight: 1 - t), (index: min(first + 1, from - 1), weight: t)]
  }

  /// Keys' cubic convolution kernel (Keys 1981, doi:10.1109/TASSP.1981.1163711, equation 15 for
  /// a = -1/2).
  private func cubic(_ t: Double, a: Double) -> Double {
    let x = abs(t)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }
}
