import Diagnostics
import Glibc

/// Multi-head scaled dot-product attention.
///
/// For each head `h`, with `q_h[t, d] = q[t, h * headDim + d]` and so on:
/// `y_h[t, d] = sum_s p[t, s] * v_h[s, d]`,
/// `p[t, s] = b^(scale * q_h[t] . k_h[s] + a_h[t, s] - m_t) / l_t`, where `m_t` is the row's
/// largest exponent, `l_t` makes the row's sum 1, and the base `b` is e, or 2 with the attribute
/// `base2` (log2 e has then been folded into `q` and `a`).
///
/// Operands: `q: [queries, heads * headDim]`, `k`, `v: [tokens, heads * headDim]`; with `bias` also
/// `a: [heads, queries, tokens]`; with `grid` also `rows: [queries, heads * grid[0]]` and
/// `columns: [queries, heads * grid[1]]`, where the keys are the places of a grid and
/// `a_h[t, s] = rows[t, h * grid[0] + s / grid[1]] + columns[t, h * grid[1] + s % grid[1]]`;
/// with `places` also `table: [heads, n]`, where tokens are the places of a grid of `R` rows and
/// `C` columns, counted row by row, and
/// `a_h[t, s] = table[h, (s / C - t / C + R - 1) * (2 * C - 1) + s % C - t % C + C - 1]`;
/// with none of them `a` is zero. With `prefix` there is one token before the places, and `table`
/// has three more columns: for that token as query, as key, and as both. With `window_grid`,
/// windows are so many rows and columns of an image that has been moved by `shift`, and
/// `separation` is subtracted where query and key lie on different sides of a seam
/// (`relative_position_bias` says which do). With `windows`, `q`, `k`, `v`, `rows` and `columns`
/// are so many equal parts of rows, each an attention by itself, whose queries and tokens those of
/// `a` are: the same for all, or with `window_grid`, the rows and columns of windows,
/// `a: [kinds * heads, queries, tokens]`, all heads of a kind together: of windows inside, in the
/// last column, in the last row, and in both (`relative_position_bias`).
/// With `causal`, query `t` reads keys and values of the first `t + 1` tokens alone.
/// With `quantized`, what is multiplied is rounded to integers of 8 bits: rows of queries and keys
/// of a head, powers `b^(... - m_t)`, and values less their mean over the tokens
/// (``QuantizedAttention``).
/// Results: `y: [queries, heads * headDim]`; with `weights`, also `p: [heads, queries, tokens]`, or
/// of `weight_rows = [start, count]` the rows of these queries, `[heads, count, tokens]`.
/// Attributes: `heads`; `scale`, default 1; `base2`, `weights`, `bias`, `causal`, `quantized`,
/// default false;
/// `windows`, default 1; `grid`, `places` and `weight_rows`, by default none; of `bias` and of
/// places `window_grid`, by default none; of places `prefix`, default false, `shift`, default
/// `[0, 0]`, and `separation`, default 100. Operands of bf16 are multiplied
/// as such and summed up in f32, powers are rounded to bf16 before they are multiplied with values,
/// and the result is bf16; `a`, `rows`, `columns` and `table` are of f32.
///
/// - C1: `q` has rank 2 and `heads` divides its columns, into even parts where it is bf16.
/// - C2: `k` and `v` have equal types and the columns of `q`.
/// - C3: with `weights`, operands are f32: rounded powers are not what anybody asks to see; and
///   there are neither `grid` nor `places` nor more than one window.
/// - C4: there are as many operands as the attributes say.
/// - C5: `windows` divides the rows of `q` and of `k`.
/// - C6: `a` is f32 and has the heads, of each kind of window with `window_grid`, which has as many
///   windows, and the queries and tokens of one.
/// - C7: `grid` is two extents of as many places as a window has tokens, `rows` and `columns` are
///   f32 of these extents, and there is no `bias`.
/// - C8: `weight_rows` is a start and a count of queries, at least one, and there are `weights`.
/// - C9: with `causal`, there are as many queries as tokens, one window, and neither `bias` nor
///   `grid` nor `places` nor `weights`.
/// - C10: `places` is two extents of as many places as a window has queries and tokens, the one
///   before them counted, and there are neither `bias` nor `grid`; `window_grid` are as many
///   windows, without a prefix; `shift` is less than the grid, and 0 without windows; `table` is
///   f32.
/// - C11: with `quantized`, there are no `weights`; it is not `causal`, since values have the mean
///   of all tokens subtracted; and a window has no more tokens than a sum has room for, nor a head
///   columns: 2^15.
///
/// Reference: Vaswani et al. 2017, arXiv:1706.03762, equation 1; the bias: Shaw et al. 2018,
/// arXiv:1803.02155; of rows and columns: Li et al. 2021, arXiv:2112.01526, equation 4.
public struct Attention: OpDefinition {
  /// The number of heads.
  public var heads: Int
  /// Multiplies the scores.
  public var scale: Float
  /// `true` iff the softmax is to base 2.
  public var base2: Bool
  /// `true` iff the weights of the values are a second result.
  public var hasWeights: Bool
  /// The first query whose weights are returned, and how many are; `nil`: those of all queries.
  public var weightRows: [Int]?
  /// The number of parts that attend to themselves.
  public var windows: Int
  /// `true` iff an operand is added to the scores.
  public var hasBias: Bool
  /// The kinds of windows that the operand has maps for; `nil`: it is the same for all windows.
  public var kinds: WindowKinds?
  /// Rows and columns of the grid of keys by which two operands are added to the scores, if they
  /// are.
  public var grid: [Int]?
  /// `true` iff a query reads nothing of what follows it.
  public var isCausal: Bool
  /// The places by which an operand is looked up for what is added to the scores, if one is.
  public var places: RelativePlaces?
  /// `true` iff what is multiplied is rounded to integers of 8 bits.
  public var isQuantized: Bool

  /// Creates an attention.
  public init(
    heads: Int, scale: Float = 1, base2: Bool = false, hasWeights: Bool = false,
    weightRows: [Int]? = nil, windows: Int = 1, hasBias: Bool = false,
    kinds: WindowKinds? = nil, grid: [Int]? = nil, isCausal: Bool = false,
    places: RelativePlaces? = nil, isQuantized: Bool = false
  ) {
    self.heads = heads
    self.scale = scale
    self.base2 = base2
    self.hasWeights = hasWeights
    self.weightRows = weightRows
    self.windows = windows
    self.hasBias = hasBias
    self.kinds = kinds
    self.grid = grid
    self.isCausal = isCausal
    self.places = places
    self.isQuantized = isQuantized
  }

  static let mnemonic = "attention"
  static let forms: Set<Form> = [.imported, .fused, .planned]
  static let operandCounts = 3...6
  var roles: [OperandRole] {
    [.queries, .keys, .values] + (hasBias ? [.scores] : [])
      + (grid == nil ? [] : [.rowScores, .columnScores]) + (places == nil ? [] : [.scoreTable])
  }
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // A row reads a row of the bias, but not along its first dimension, and rows of weights are
    // numbered: `hoist-slices` knows that, and `use-bf16` that what is added to the scores stays
    // f32.
    let isPlain = !hasBias && places == nil && windows == 1 && weightRows == nil
    // Scores, then weighted values: each a multiply-add for each token and element of the queries.
    return OpFacts(
      inPlace: [],
      rows: isPlain && !isCausal ? .same(grid == nil ? [0] : [0, 3, 4]) : .all, addends: [],
      norm: nil, absorbs: isQuantized ? [] : [0, 1, 2], spread: .balanced,
      carriesBF16: isPlain && grid == nil && takesBF16(operands[0]),
      work: Work(
        flops: isCausal
          ? 2 * operands[0].count * (operands[1].shape[0] + 1)
          : 4 * operands[0].count * (operands[1].shape[0] / max(windows, 1)),
        element: isQuantized ? .s8 : operands[0].element, panels: nil))
  }
  /// `true` iff queries of this shape, keys and values may be bf16.
  public func takesBF16(_ queries: TensorType) -> Bool {
    !hasWeights && (queries.shape.last ?? 0) / heads % 2 == 0
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("heads", .integer(heads))
    if scale != 1 { list.set("scale", .number(scale)) }
    if base2 { list.set("base2", .boolean(true)) }
    if hasWeights { list.set("weights", .boolean(true)) }
    if let weightRows { list.set("weight_rows", .integers(weightRows)) }
    if windows != 1 { list.set("windows", .integer(windows)) }
    if hasBias { list.set("bias", .boolean(true)) }
    if hasBias, let kinds { list.set("window_grid", .integers(kinds.windows)) }
    if let grid { list.set("grid", .integers(grid)) }
    if isCausal { list.set("causal", .boolean(true)) }
    if isQuantized { list.set("quantized", .boolean(true)) }
    if let places {
      list.set("places", .integers(places.grid))
      places.set(&list, windows: "window_grid")
    }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    heads = try attributes.integer("heads")
    scale = try attributes.number("scale", default: 1)
    base2 = try attributes.boolean("base2")
    hasWeights = try attributes.boolean("weights")
    weightRows =
      attributes.value("weight_rows") == nil ? nil : try attributes.integers("weight_rows")
    windows = try attributes.integer("windows", default: 1)
    hasBias = try attributes.boolean("bias")
    if hasBias, attributes.names.contains("window_grid") {
      kinds = WindowKinds(try attributes.integers("window_grid"))
    }
    grid = attributes.value("grid") == nil ? nil : try attributes.integers("grid")
    isCausal = try attributes.boolean("causal")
    isQuantized = try attributes.boolean("quantized")
    guard attributes.names.contains("places") else { return }
    places = try RelativePlaces(
      grid: try attributes.integers("places"), &attributes, windows: "window_grid")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireOperands("C4", operands)
    try requireFloats("C1", "q", operands[0], 2)
    try require(
      "C1", heads > 0 && operands[0].shape[1] % heads == 0,
      "q: \(heads) heads do not divide \(operands[0])")
    try require(
      "C1", operands[0].shape[1] / heads % operands[0].element.perGroup == 0,
      "q: heads of \(operands[0].element.rawValue) have whole groups of "
        + "\(operands[0].element.perGroup) columns, found \(operands[0].shape[1] / heads)")
    try requireFloats("C2", "k", operands[1], 2)
    let expected = TensorType(operands[0].element, [operands[1].shape[0], operands[0].shape[1]])
    try require(
      "C2", operands[1] == expected && operands[2] == expected,
      "k and v: expected \(operands[0].element.rawValue)[_,\(operands[0].shape[1])], found "
        + "\(operands[1]) and \(operands[2])")
    try require(
      "C3", !hasWeights || operands[0].element == .f32,
      "weights: expected operands of f32, found \(operands[0])")
    try require(
      "C3", !hasWeights || grid == nil && places == nil && windows == 1,
      "weights: there is a grid, places, or windows")
    try require(
      "C5",
      windows > 0 && operands[0].shape[0] % windows == 0 && operands[1].shape[0] % windows == 0,
      "windows: \(windows) do not divide the rows of \(operands[0]) and \(operands[1])")
    try requireAdditions(operands)
    if let weightRows {
      let queries = operands[0].shape[0]
      try require(
        "C8",
        hasWeights && weightRows.count == 2 && weightRows.allSatisfy { (0...queries) ~= $0 }
          && weightRows[1] > 0 && weightRows[0] + weightRows[1] <= queries,
        "weight_rows: expected a start and a count of \(queries) queries, and weights, found "
          + "\(weightRows)")
    }
    try require(
      "C9",
      !isCausal
        || operands[0] == operands[1] && windows == 1 && !hasBias && grid == nil
          && places == nil && !hasWeights,
      "causal: expected as many queries as tokens, one window and no bias, grid, places or "
        + "weights, found "
        + "\(operands[0]) and \(operands[1])")
    if isQuantized { try requireQuantizable(operands) }
    return operands[0]
  }
  /// The queries whose weights are returned, of this many.
  public func weightRange(queries: Int) -> Range<Int> {
    guard let weightRows, weightRows.count == 2 else { return 0..<queries }
    return weightRows[0]..<weightRows[0] + weightRows[1]
  }

  var furtherResults: [String] { hasWeights ? ["weights"] : [] }
  func resultTypes(of operands: [TensorType]) throws(Diagnostic) -> [TensorType] {
    let result = try resultType(of: operands)
    guard hasWeights else { return [result] }
    let rows = weightRange(queries: operands[0].shape[0]).count
    return [result, .f32(heads, rows, operands[1].shape[0])]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    evaluateAll(operands)[0]
  }
  func evaluateAll<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> [DenseTensor<S>] {
    let results = (0..<windows).map { evaluate(operands, window: $0) }
    guard windows > 1 else { return hasWeights ? results[0] : [results[0][0]] }
    return [DenseTensor<S>(shape: operands[0].shape, values: results.flatMap { $0[0].values })]
  }

  /// The result and the weights of one window.
  private func evaluate<S: TensorScalar>(
    _ operands: [DenseTensor<S>], window: Int
  ) -> [DenseTensor<S>] {
    let split = SplitHeads(heads: heads)
    let quantized = isQuantized ? QuantizedAttention<S>(self, operands, window: window) : nil
    let (q, k, v) = (
      split.evaluate([quantized?.queries ?? part(window, of: operands[0])]),
      split.evaluate([quantized?.keys ?? part(window, of: operands[1])]),
      split.evaluate([quantized?.values ?? part(window, of: operands[2])])
    )
    let unit: S = base2 ? S(Glibc.log(2.0)) : 1
    let factor = S(scale) * unit
    var scores = MatMul(transposed: true).evaluate([q, k])
    for i in scores.values.indices { scores.values[i] *= factor }
    if let added = added(operands, window, scores.shape) {
      for i in scores.values.indices { scores.values[i] += unit * added[i] }
    }
    if let quantized {
      let weights = quantized.weights(of: scores)
      let result = MergeHeads().evaluate([MatMul().evaluate([weights, v])])
      return [quantized.addingMeans(to: result)]
    }
    let weights = Softmax(isCausal: isCausal).evaluate([scores])
    return [
      MergeHeads().evaluate([MatMul().evaluate([weights, v])]),
      hasWeights ? rows(of: weights) : weights,
    ]
  }

  /// The rows of the weights that are returned.
  private func rows<S: TensorScalar>(of weights: DenseTensor<S>) -> DenseTensor<S> {
    let range = weightRange(queries: weights.shape[1])
    return Slice(axis: 1, start: range.lowerBound, count: range.count).evaluate([weights])
  }

  /// The rows of one window.
  func part<S: TensorScalar>(_ window: Int, of x: DenseTensor<S>) -> DenseTensor<S> {
    let rows = x.rows / windows
    let first = window * rows * x.columns
    return DenseTensor<S>(
      shape: [rows, x.columns], values: Array(x.values[first..<first + rows * x.columns]))
  }
}
