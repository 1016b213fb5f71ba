import Diagnostics

/// A linear layer with everything around it: normalization of its rows before, bias, activation
/// and residual after.
///
/// `y[m, n] = activation(r_m * sum_k x[m, k] * weight[n, k] + bias[n]) + residual[m, n]`, where
/// `r_m = 1 / sqrt(mean_k x[m, k]^2 + epsilon)` with the attribute `epsilon`, else 1.
///
/// With a weight of bf16, `x` is rounded to bf16 (`r_m` is that of `x` as it is), products are
/// summed up in f32, and the result is f32, or bf16 with `result = "bf16"`.
///
/// With a weight of s8, rows are quantized by themselves: `x[m, k] = l_m + t_m * q[m, k]`, `l_m`
/// the smallest element, `t_m` the distance to the largest over 255, `q` in 0...255, rounded; then
/// `y[m, n] = activation(r_m * (t_m * f[0, n] * sum_k q[m, k] * weight[n, k] + l_m * f[1, n]) +
/// f[2, n]) + residual[m, n]`, where `f` takes the place of the bias and is what
/// `quantization_parameters` makes, and the sum is exact. With `hadamard_size`, rows are rotated
/// before (`hadamard` with the same `size`), as the weight has been.
///
/// Operands: `x: [rows, in]`; `weight: [out, in]`, or the panels that `pack` makes of it; then
/// `bias: [out]` and `residual: [rows, out]` as the attributes `bias` and `residual` say.
/// Attributes: `epsilon`, default none: rows are used as they are; `hadamard_size`, default none;
/// `activation`, default none; `bias`, `residual`, default false; `result`, default f32;
/// `algorithm`, default `direct`: `strassen` changes the rounding only; `sum_block`, default the
/// kernels' own: the most words of 32 bits in a chain of additions; `columns`: `out`, for a packed
/// weight. The row scale is what remains of a layer norm once its affine part is folded into the
/// weight and the rows have mean zero.
///
/// - C1: `x` is f32 of rank 2, or bf16 where the weight is bf16 or s8.
/// - C2: `weight` has rank 2, or is packed with `columns` given, and the columns of `x`.
/// - C3: `bias` has shape `[out]`, or `[3, out]` with a weight of s8, where it must be.
/// - C4: `residual` has the shape of the result.
/// - C5: there are as many operands as the attributes say.
/// - C6: the algorithm is `direct`, or `strassen` where the weight is f32 and packed, and
///   ``StrassenShape`` allows the extents.
/// - C7: a result of bf16 is that of a weight of bf16 or s8, without a residual.
/// - C8: `hadamard_size` goes with a weight of s8: a power of two up to 16 that divides `in`.
/// - C9: a weight of s8 has at most 65536 columns, whose sums fit in 32 bits.
/// - C10: neither `normalized` nor `input_activation` is set: rows have no channels.
/// - C11: `sum_block` is at least 1, and requires a weight of f32 and the algorithm `direct`.
public struct FusedLinear: OpDefinition {
  /// What is done to the rows before.
  public var prologue: Prologue
  /// What is done to the sums after.
  public var epilogue: Epilogue
  /// How the matmul is computed.
  public var algorithm: Algorithm
  /// How sums are divided.
  public var summation: Summation
  /// The number of output columns of a packed weight; `nil`: the weight is not packed.
  public var columns: Int?

  /// The largest Hadamard matrix: kernels hold one vector of each.
  public static let largestHadamardSize = 16
  /// The longest sums of products of 255 and 127 that fit in 32 bits, in whole powers of two.
  public static let longestIntegerDepth = 65536

  /// Creates a fused linear layer.
  public init(
    prologue: Prologue = Prologue(), epilogue: Epilogue = Epilogue(),
    algorithm: Algorithm = .direct, summation: Summation = Summation(), columns: Int? = nil
  ) {
    self.prologue = prologue
    self.epilogue = epilogue
    self.algorithm = algorithm
    self.summation = summation
    self.columns = columns
  }

  static let mnemonic = "fused_linear"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 2...4
  var roles: [OperandRole] { [.input, .weight] + prologue.roles + epilogue.roles }
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    let residual = roles.firstIndex(of: .residual).map { [$0] } ?? []
    // The multiplications alone, of which Strassen's algorithm does 7 of 8; additions count no more
    // than those of other operations.
    let flops = 2 * operands[0].count * (columns ?? operands[1].shape[0])
    return OpFacts(
      inPlace: residual, rows: .same([0] + residual), addends: residual,
      norm: prologue.epsilon.map { .rootMeanSquare(epsilon: $0) },
      absorbs: prologue.epsilon == nil ? [] : [0],
      spread: epilogue.activation == nil ? .any : .oneSided, carriesBF16: false,
      work: Work(
        flops: algorithm == .strassen ? flops / 8 * 7 : flops, element: operands[1].element,
        panels: 1))
  }
  var attributes: Attributes {
    var list = Attributes()
    prologue.write(to: &list)
    epilogue.write(to: &list)
    algorithm.write(to: &list)
    summation.write(to: &list)
    if let columns { list.set("columns", .integer(columns)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    prologue = try Prologue(reading: &attributes)
    epilogue = try Epilogue(reading: &attributes)
    algorithm = try Algorithm(reading: &attributes)
    summation = try Summation(reading: &attributes)
    columns = try attributes.optionalInteger("columns")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C10", !prologue.isNormalized && prologue.activation == nil,
      "prologue: rows have no channels to normalize")
    try requireOperands("C5", operands)
    let precision = operands[1].element
    if precision != .f32 {
      try requireFloats("C1", "x", operands[0], 2)
    } else {
      try requireRank("C1", "x", operands[0], 2)
    }
    let x = operands[0].shape
    let out = try outputs(of: operands[1], x)
    try requireAlgorithm(operands[1], x, out)
    try require(
      "C7",
      epilogue.result == .f32
        || epilogue.result.isNarrowFloat && precision != .f32 && !epilogue.hasResidual,
      "result: \(epilogue.result.rawValue) of a weight \(operands[1])"
        + (epilogue.hasResidual ? " with a residual" : ""))
    let result = TensorType(epilogue.result, [x[0], out])
    try require(
      "C3", precision != .s8 || epilogue.hasBias,
      "bias: no quantization parameters stand for a weight \(operands[1])")
    if let bias = operand(.bias, of: operands) {
      try requireType("C3", "bias", bias, precision == .s8 ? .f32(3, out) : .f32(out))
    }
    if let size = prologue.hadamardSize {
      try require(
        "C8",
        precision == .s8 && 1...FusedLinear.largestHadamardSize ~= size && size & (size - 1) == 0
          && x[1] % size == 0,
        "hadamard_size: \(size) with a weight \(operands[1])")
    }
    try require(
      "C9", precision != .s8 || x[1] <= FusedLinear.longestIntegerDepth,
      "x: \(x[1]) columns, expected at most \(FusedLinear.longestIntegerDepth)")
    if let residual = operand(.residual, of: operands) {
      try requireType("C4", "residual", residual, result)
    }
    return result
  }

  private func outputs(of type: TensorType, _ x: [Int]) throws(Diagnostic) -> Int {
    let (weight, precision) = (type.shape, type.element)
    guard let columns else {
      try require(
        "C2", weight.count == 2, "weight: expected f32, bf16 or s8 of rank 2, found \(type)")
      try require("C2", weight[1] == x[1], "weight: expected [_,\(x[1])], found \(type)")
      return weight[0]
    }
    let group = precision.perGroup
    try require(
      "C2",
      weight.count == (group == 1 ? 3 : 4) && weight[1] == (x[1] + group - 1) / group
        && columns > 0 && weight[0] == (columns - 1) / weight[2] + 1
        && (group == 1 || weight[3] == group),
      "weight: \(type) does not pack [\(columns),\(x[1])]")
    return columns
  }

  private func requireAlgorithm(
    _ weight: TensorType, _ x: [Int], _ out: Int
  ) throws(Diagnostic) {
    switch algorithm {
    case .direct: break
    case .strassen:
      try require(
        "C6",
        columns != nil && weight.element == .f32
          && StrassenShape.allows(rows: x[0], columns: out, depth: x[1]),
        "strassen: expected a packed weight of f32, columns that are a multiple of "
          + "\(2 * Pack.standardWidth) and a depth that is one of 32, found \(weight) for "
          + "[\(x[0]),\(x[1])]")
    case .winograd: throw violation("C6", "algorithm: '\(algorithm.word)' is for convolutions")
    }
    if let problem = summation.problem { throw violation("C11", problem) }
    try require(
      "C11", summation.block == nil || weight.element == .f32 && algorithm == .direct,
      "sum_block: expected a weight of f32 and the algorithm 'direct', found a weight \(weight) "
        + "and '\(algorithm.word)'")
  }

  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    var x = operands[0]
    let weight =
      columns.map { Pack.unpack(operands[1], columns: $0, depth: x.columns) } ?? operands[1]
    let (bias, residual) = (operand(.bias, of: operands), operand(.residual, of: operands))
    if operands[1].element == .s8, let bias {
      return epilogue.finish(integerProduct(x, weight, quantization: bias), residual: residual)
    }
    if operands[1].element.isNarrowFloat {
      let scales = prologue.epsilon.map { FusedLinear.rowScales(x, epsilon: $0) }
      x = x.rounded(to: operands[1].element)
      for (row, scale) in (scales ?? []).enumerated() {
        for i in row * x.columns..<(row + 1) * x.columns {
          x.values[i] = S(Double(x.values[i]) * scale)
        }
      }
    } else if let epsilon = prologue.epsilon {
      x = FusedLinear.normalized(x, epsilon: epsilon)
    }
    let sums = Linear().evaluate([x, weight] + (bias.map { [$0] } ?? []))
    return epilogue.finish(sums, residual: residual)
  }

  /// The matmul of quantized rows with a weight of integers, scaled, with the bias.
  private func integerProduct<S: TensorScalar>(
    _ x: DenseTensor<S>, _ weight: DenseTensor<S>, quantization f: DenseTensor<S>
  ) -> DenseTensor<S> {
    let (depth, out) = (x.columns, weight.rows)
    let norms = prologue.epsilon.map { FusedLinear.rowScales(x, epsilon: $0) }
    let rotated = prologue.hadamardSize.map { Hadamard(size: $0).evaluate([x]) } ?? x
    var y = DenseTensor<S>(shape: [x.rows, out])
    for m in 0..<x.rows {
      // The integers are those of f32's arithmetic, which the generated code has.
      let elements = rotated.values[m * depth..<(m + 1) * depth].map { Float($0) }
      let row = QuantizedRow(elements[...])
      let integers = elements.map { Double(row.integer($0)) }
      let norm = norms?[m] ?? 1
      for n in 0..<out {
        // Integers below 2^31 are exact in a double.
        let sum = (0..<depth).reduce(0.0) {
          $0 + integers[$1] * Double(weight.values[n * depth + $1])
        }
        let product = Double(row.step) * Double(f.values[n]) * sum
        let shift = Double(row.lowest) * Double(f.values[out + n])
        y.values[m * out + n] = S(norm * (product + shift) + Double(f.values[2 * out + n]))
      }
    }
    return y
  }

  /// Divides each row by the root of its mean square plus `epsilon`.
  public static func normalized<S: TensorScalar>(_ x: DenseTensor<S>, epsilon: Float)
    -> DenseTensor<S>
  {
    var result = x
    let dim = x.columns
    for (row, scale) in rowScales(x, epsilon: epsilon).enumerated() {
      for i in row * dim..<(row + 1) * dim {
        result.values[i] = S(Double(x.values[i]) * scale)
      }
    }
    return result
  }

  /// For each row the inverse root of its mean square plus `epsilon`.
  public static func rowScales<S: TensorScalar>(_ x: DenseTensor<S>, epsilon: Float) -> [Double] {
    stride(from: 0, to: x.values.count, by: x.columns).map { start in
      let squares = x.values[start..<start + x.columns].reduce(0.0) {
        $0 + Double($1) * Double($1)
      }
      return 1 / (squares / Double(x.columns) + Double(epsilon)).squareRoot()
    }
  }
}
