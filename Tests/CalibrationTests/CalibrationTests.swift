import IR
import Passes
import SeededRandom
import Testing

@testable import Calibration

/// The parts of a calibration, each against its definition.
@Suite struct CalibrationTests {
  private static func tensor(_ shape: [Int], seed: UInt64) -> Tensor {
    var random = SplitMix64(seed: seed)
    return Tensor(
      shape: shape,
      values: (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) })
  }

  /// Rows of few hidden causes, so that columns depend on each other.
  private static func inputs(rows: Int, columns: Int, causes: Int, seed: UInt64) -> Tensor {
    let hidden = tensor([rows, causes], seed: seed)
    let mixing = tensor([columns, causes], seed: seed + 1)
    var x = LinearStep.sums(hidden, mixing, bias: [])
    let noise = tensor([rows, columns], seed: seed + 2)
    for i in x.values.indices { x.values[i] += 0.1 * noise.values[i] + 0.5 }
    return x
  }

  private static func distance(_ a: Tensor, _ b: Tensor) -> Double {
    zip(a.values, b.values).reduce(0) {
      $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
    }
    .squareRoot()
  }

  @Test(arguments: [1, 5, 130, 300]) func `covariances are those of the definition`(
    size: Int
  ) {
    let parts = [
      Self.inputs(rows: 7, columns: size, causes: 3, seed: 1),
      Self.inputs(rows: 12, columns: size, causes: 3, seed: 9),
    ]
    let covariance = Covariance(parts)
    let rows = parts.flatMap { part in
      (0..<part.rows).map { part.values[$0 * size..<($0 + 1) * size].map(Double.init) }
    }
    #expect(covariance.count == rows.count)
    for i in 0..<size {
      let mean = rows.reduce(0) { $0 + $1[i] } / Double(rows.count)
      #expect(abs(covariance.mean[i] - mean) < 1e-9)
      for j in stride(from: 0, through: i, by: 17) {
        let other = rows.reduce(0) { $0 + $1[j] } / Double(rows.count)
        let expected = rows.reduce(0) { $0 + ($1[i] - mean) * ($1[j] - other) }
        let found = Double(covariance.matrix[i * size + j])
        #expect(abs(found - expected / Double(rows.count)) < 1e-5)
      }
    }
  }

  /// Outputs change less than with each weight rounded to the nearest integer, on rows that the
  /// calibration has not seen too.
  @Test(arguments: [16, 200]) func `errors are taken back`(depth: Int) throws {
    let weight = Self.tensor([70, depth], seed: 3)
    let scales = (0..<weight.rows).map { row in
      weight.values[row * depth..<(row + 1) * depth].reduce(0) { max($0, abs($1)) } / 7
    }
    let all = Self.inputs(rows: 1600, columns: depth, causes: 5, seed: 4)
    let half = all.values.count / 2
    let seen = Tensor(shape: [800, depth], values: Array(all.values[..<half]))
    let unseen = Tensor(shape: [800, depth], values: Array(all.values[half...]))
    let feedback = try #require(ErrorFeedback(Covariance([seen])))
    let found = feedback.integers(weight, scales: scales)
    var (fed, nearest) = (weight, weight)
    for i in weight.values.indices {
      let scale = scales[i / depth]
      fed.values[i] = Float(found[i]) * scale
      nearest.values[i] = (weight.values[i] / scale).rounded() * scale
    }
    for rows in [seen, unseen] {
      // What a bias takes back does not count.
      var centred = rows
      let sums = Covariance.sums(rows)
      for i in centred.values.indices {
        centred.values[i] -= Float(sums[i % depth] / Double(rows.rows))
      }
      let truth = LinearStep.sums(centred, weight, bias: [])
      let withFeedback = Self.distance(LinearStep.sums(centred, fed, bias: []), truth)
      let without = Self.distance(LinearStep.sums(centred, nearest, bias: []), truth)
      #expect(withFeedback < 0.6 * without, "\(withFeedback) and \(without)")
    }
  }

  /// Inputs that do not depend on each other leave nothing to take back.
  @Test func `independent inputs are rounded to nearest`() throws {
    let rows = Tensor(shape: [2, 3], values: [2, 2, 2, 2, 2, 2])
    let feedback = try #require(ErrorFeedback(Covariance([rows])))
    let weight = Tensor(shape: [2, 3], values: [0.6, -1.2, 300, 2.4, 0.5, -0.4])
    #expect(feedback.integers(weight, scales: [1, 1]) == [1, -1, 127, 2, 0, 0])
  }

  @Test func `inputs that are not finite are refused`() {
    #expect(ErrorFeedback(Covariance([Tensor(shape: [1, 2], values: [.nan, 1])])) == nil)
  }

  /// With nothing that is added to the scores, a number for each pair, sums of a grid's rows and
  /// columns, and a table of relative places.
  @Test(arguments: [false, true], 0..<4)
  func `attentions are those of the definition`(base2: Bool, addition: Int) throws {
    let attention = Attention(
      heads: 3, scale: 0.7, base2: base2, hasBias: addition == 1,
      grid: addition == 2 ? [3, 3] : nil,
      places: addition == 3 ? RelativePlaces(grid: [3, 3]) : nil)
    let queries = addition == 3 ? 9 : 5
    let rows = [
      Self.tensor([queries, 12], seed: 5), Self.tensor([9, 12], seed: 6),
      Self.tensor([9, 12], seed: 7),
    ]
    let added = [
      [], [Self.tensor([3, queries, 9], seed: 8)],
      [Self.tensor([queries, 9], seed: 8), Self.tensor([queries, 9], seed: 9)],
      [Self.tensor([3, 25], seed: 8)],
    ][addition]
    let matmul = try #require(AttentionMatmul(attention))
    let truth = Op.attention(attention).evaluate(rows + added)
    #expect(Self.distance(matmul.evaluate(rows + added), truth) < 1e-5)
    let rounded = rows.map { $0.rounded(to: .bf16) } + added
    let pairs = matmul.evaluate(rounded)
    #expect(pairs.element == .bf16)
    #expect(Self.distance(pairs, Op.attention(attention).evaluate(rounded)) < 0.05)
    #expect(AttentionMatmul(Attention(heads: 3, windows: 2)) == nil)
  }

  /// A fused linear layer in parts is the operation.
  @Test(arguments: [ElementType.f32, .bf16, .s8], [nil, Float(1e-5)])
  func `linears in parts are the operation`(factors: ElementType, epsilon: Float?) throws {
    let weight = Self.tensor([6, 32], seed: 8)
    var builder = GraphBuilder(name: "g", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(4, 32))), name: "x")
    let w = try builder.append(.weight(Weight(tensor: "w", shape: [6, 32])), name: "w")
    var fusedLinear = FusedLinear(
      prologue: Prologue(epsilon: epsilon), epilogue: Epilogue(activation: .gelu))
    var operands = [x, w]
    switch factors {
    case .s8:
      fusedLinear.epilogue.hasBias = true
      fusedLinear.prologue.hadamardSize = 16
      let rotated = try builder.append(.hadamard(Hadamard(size: 16)), [w], name: "rotated")
      operands[1] = try builder.append(.quantize(Quantize()), [rotated], name: "q")
      operands.append(
        try builder.append(.quantizationParameters(QuantizationParameters()), [rotated], name: "f"))
    case .bf16: operands[1] = try builder.append(.round(Round(.bf16)), [w], name: "r")
    case .f16: operands[1] = try builder.append(.round(Round(.f16)), [w], name: "r")
    case .f32, .i32: break
    }
    let y = try builder.append(.fusedLinear(fusedLinear), operands, name: "y")
    builder.addOutput("y", y)
    let image = Self.inputs(rows: 4, columns: 32, causes: 3, seed: 10)
    let activations = Activations(builder.graph, images: [image]) { _ in weight }
    let found = try activations.evaluate(y)[0][0]
    var constants: [Tensor] = []
    for operand in operands.dropFirst() { constants.append(try activations.constant(operand)) }
    let truth = Op.fusedLinear(fusedLinear).evaluate([image] + constants)
    // A sum's last bit may round a row's element to another integer: a step of a 255th.
    #expect(Self.distance(found, truth) < (factors == .s8 ? 0.05 : 1e-4))
  }

  /// Relative to the norm of the truth; what is not finite is infinitely wrong, never right.
  @Test func `errors of outputs`() {
    func error(_ found: [Float], _ truth: [Float]) -> Double {
      OutputError.relative(
        [Tensor(shape: [found.count], values: found)],
        of: [Tensor(shape: [truth.count], values: truth)])
    }
    #expect(abs(error([3, 4.5], [3, 4]) - 0.1) < 1e-7)
    #expect(error([3, 4], [3, 4]) <= 1.0001e-12)
    #expect(error([0, 0], [0, 0]) <= 1.0001e-12)
    #expect(error([0, 1], [0, 0]) == .infinity)
    for bad in [Float.nan, .infinity, -.infinity] {
      #expect(error([3, bad], [3, 4]) == .infinity)
      #expect(error([3, 4], [bad, 4]) == .infinity)
    }
  }
}
