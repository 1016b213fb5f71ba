import Diagnostics
import Evaluation
import IR
import Models
import Testing

@testable import Figures

/// Figures of the digits model, held to NumPy in float64 by `Scripts/goldens/figures.py`, which has
/// the model and the definitions once more: image 0 of the test split, a six, where nothing else is
/// said.
///
/// Digits are those that NumPy 2.4.6 prints. Elsewhere a mean similarity of .0206598677, a distance
/// of 39.5979797447 and a last norm of 111.7659455429 are quoted for the same quantities; NumPy
/// gives .0206598828, 39.5979797464 (`28 sqrt 2`) and 111.7659405429, and so does this.
@Suite struct GoldenTests {
  private let digits: Digits
  private let graph: Graph
  private let anatomy: Anatomy
  private let grid: TokenMap

  init() throws {
    digits = try Digits()
    graph = try digits.model.graph(outputs: [.logits])
    guard case .grid(let grid) = digits.model.configuration.geometry else {
      throw Diagnostic("the digits model has no grid")
    }
    self.grid = grid
    anatomy = Anatomy(graph, tokens: grid.tokens)
  }

  private func figure(_ name: String, images: Range<Int> = 0..<1) throws -> Figure {
    var studio = try FigureStudio(digits.model)
    for index in images { try studio.add(digits.image(index), named: "\(index)") }
    for case .figure(let figure) in try studio.results() where figure.name == name {
      return figure
    }
    throw Diagnostic("no figure '\(name)'")
  }

  private func values(_ figure: Figure, _ name: String) throws -> [Double] {
    try #require(figure.numbers.first { $0.name == name }).values
  }

  /// The weights of all blocks.
  private func attentions() throws -> [DenseTensor<Double>] {
    let wanted = anatomy.blocks.flatMap(\.attentions)
    var found: [Value: DenseTensor<Double>] = [:]
    try digits.visit(graph, wanted, image: 0) { found[$0] = $1 }
    return try wanted.map { try #require(found[$0]) }
  }

  @Test func `logits in double precision`() throws {
    var logits: [Double] = []
    try digits.visit(graph, graph.outputs.map(\.value), image: 0) { logits = $1.values }
    #expect(
      agree(
        logits,
        [
          -0.5818910733, 0.1572235291, -0.5204420261, -0.7538500577, 0.1233889413, -0.6645504456,
          4.9132446726, -0.4194574474, -1.3103438090, -0.3981028119,
        ]), "\(logits)")
  }

  @Test func `tokens after the embedding and each block`() throws {
    let wanted = [try #require(anatomy.embedding)] + anatomy.blocks.compactMap(\.output)
    var norms: [Double] = []
    try digits.visit(graph, wanted, image: 0) { _, tensor in
      norms.append(tensor.values.reduce(0) { $0 + $1 * $1 }.squareRoot())
    }
    #expect(
      agree(norms, [16.9278947011, 59.5473117685, 84.3116740751, 111.7659405429]), "\(norms)")
  }

  @Test func `filters, their mean subtracted`() throws {
    let figure = try figure("filters")
    let values = try values(figure, "filters-singular-values")
    #expect(
      agree(
        values.prefix(5), [1.1881209066, 1.1292837707, 1.1061528315, 1.0428653860, 1.0139691703]),
      "\(values)")
    let explained = try self.values(figure, "filters-explained").prefix(5)
    let rounded = explained.map { ($0 * 1e6).rounded() / 1e6 }
    #expect(rounded == [0.073597, 0.066489, 0.063793, 0.056702, 0.053603])
    let first = try self.values(figure, "filters").prefix(48)
    #expect(
      agree(first.prefix(4), [0.3202537672, 0.0989121418, 0.2854357074, 0.0576057478]),
      "\(first)")
    #expect(agree([first.min() ?? 0, first.max() ?? 0], [-0.2489249385, 0.4483702901]))
    #expect(first.firstIndex(of: first.max() ?? 0) == 32)
  }

  @Test func `filters as they are`() throws {
    let (value, _) = try #require(anatomy.filters)
    let kernel = try Evaluator(graph) { (name) throws(Diagnostic) in
      try digits.model.checkpoint.read(name)
    }.constant(value, in: Double.self)
    let components = try PrincipalComponents(kernel.values, columns: 48, isCentred: false)
    #expect(
      agree(
        components.singularValues.prefix(5),
        [1.1881213743, 1.1306675518, 1.1061810424, 1.0466085406, 1.0247420837]))
  }

  @Test func `positions`() throws {
    let figure = try figure("positions")
    let values = try values(figure, "positions")
    #expect(
      agree(
        values.prefix(8),
        [
          1, 0.8926245173, 0.7759791364, 0.5489830077, 0.2790231082, 0.3146965493, 0.5381729040,
          0.8070243292,
        ]))
    let tile = values[(3 * 8 + 4) * 64..<(3 * 8 + 5) * 64].map { $0 }
    #expect(agree([tile[3 * 8 + 5], tile[4 * 8 + 4]], [0.4710912862, 0.6153936253]))
    let mean = values.reduce(0, +) / Double(values.count)
    #expect(agree([mean, values.min() ?? 0], [0.0206598828, -0.8599447315]))
  }

  @Test func `distances of patches`() {
    let measure = HeadDistances(grid, patch: [4, 4])
    #expect(agree([measure.distances[63], measure.uniform], [39.5979797464, 16.5459308456]))
  }

  @Test func `attention distance`() throws {
    let figure = try figure("distance")
    let values = try values(figure, "distance")
    #expect(
      agree(
        values,
        [
          14.5949138911, 15.7995310854, 15.3585681282, 15.1888334720,  //
          14.6962394991, 16.3549136495, 15.8505556623, 15.1195716932,  //
          15.1799070332, 16.6323105752, 14.8720204793, 17.6362449642,
        ]), "\(values)")
    let uniform = try #require(figure.facts.first { $0.name == "uniform" }).value
    #expect(agree([uniform], [16.5459308456]))
  }

  /// Without optimization it takes minutes.
  @Test(.disabled(if: _isDebugAssertConfiguration()))
  func `attention distance, the mean over all images`() throws {
    let figure = try figure("distance", images: 0..<digits.count)
    let values = try values(figure, "distance")
    #expect(
      agree(
        values,
        [
          15.1939149994, 15.7112564869, 15.6505667275, 15.4991926211,  //
          15.4009458561, 16.1828778863, 15.4056111338, 15.3419839536,  //
          15.3215356973, 16.5474805315, 16.1038554351, 16.5300279005,
        ]), "\(values)")
    let plain = try self.values(figure, "distance-not-renormalized").prefix(4)
    #expect(
      agree(plain, [14.9815022374, 15.4708870096, 15.4905274199, 15.4472893266]), "\(plain)")
    let parked = try self.values(figure, "distance-parked")
    let means = (0..<3).map { parked[$0 * 4..<$0 * 4 + 4].reduce(0, +) / 4 }
    #expect(agree(means, [0.0110172270, 0.0146183631, 0.0137586154]), "\(means)")
  }

  @Test func `the class token's row in the last block`() throws {
    let last = try #require(try attentions().last)
    let count = grid.tokens * grid.tokens
    let row = (1...8).map { (key: Int) -> Double in
      let sum = (0..<4).reduce(0.0) { $0 + last.values[$1 * count + key] }
      return sum / 4
    }
    #expect(
      agree(
        row,
        [
          0.0102945791, 0.0100866995, 0.0085158530, 0.0102231002, 0.0070352450, 0.0067229508,
          0.0100072719, 0.0092776451,
        ]), "\(row)")
  }

  @Test func `rollout of means`() throws {
    let row = try rollout(.mean)
    #expect(
      agree(
        row.prefix(9),
        [
          0.1340195183, 0.0052492053, 0.0053338349, 0.0057914285, 0.0101241644, 0.0232878194,
          0.0080325742, 0.0058088300, 0.0053195124,
        ]), "\(row)")
    #expect(row.dropFirst().max() == row[38])
    #expect(agree([row[38], row.reduce(0, +)], [0.0358176139, 1]))
    #expect(try values(figure("rollout"), "rollout") == Array(row.dropFirst()))
  }

  @Test func `rollout of the largest weights`() throws {
    let row = try rollout(.max)
    #expect(row.dropFirst().max() == row[19])
    #expect(agree([row[0], row[19]], [0.0304172964, 0.0355822428]), "\(row)")
  }

  @Test func `rollout without the residual stream`() throws {
    let row = try rollout(.mean, hasResiduals: false)
    #expect(agree([row[0]], [0.0125503956]), "\(row)")
  }

  /// The row of rollout is that of the product of whole matrices.
  @Test func `rollout by the product of matrices`() throws {
    let tokens = grid.tokens
    var product = (0..<tokens * tokens).map { $0 / tokens == $0 % tokens ? 1.0 : 0.0 }
    for attention in try attentions() {
      var matrix = Array(repeating: 0.0, count: tokens * tokens)
      for (index, weight) in attention.values.enumerated() {
        matrix[index % (tokens * tokens)] += weight / 8
      }
      for i in 0..<tokens { matrix[i * tokens + i] += 0.5 }
      let (a, b) = (matrix, product)
      for i in 0..<tokens {
        for j in 0..<tokens {
          var sum = 0.0
          for k in 0..<tokens { sum += a[i * tokens + k] * b[k * tokens + j] }
          product[i * tokens + j] = sum
        }
      }
    }
    #expect(zip(try rollout(.mean), product).allSatisfy { abs($0 - $1) < 1e-15 })
  }

  private func rollout(
    _ fusion: AttentionRollout.Fusion, hasResiduals: Bool = true
  ) throws -> [Double] {
    var rollout = AttentionRollout(
      tokens: grid.tokens, fusion: fusion, hasResiduals: hasResiduals)
    for attention in try attentions() { rollout.add([attention]) }
    return rollout.row(from: grid.start(query: nil))
  }
}
