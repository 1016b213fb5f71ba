import Testing

@testable import IR

/// The loops that go over all weights of a model are written for vector code; here they are held,
/// bit for bit, to what they mean, one element after the other.
@Suite struct WeightLoopTests {
  /// What floats have: ties, zeros of both signs, subnormals, the largest, what is not a number.
  private static let special: [Float] = [
    0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 126.5, 127, -127, 127.5, -128, -128.5, 128, 1, -1, 0x1p-149,
    -0x1p-149, 0x1.8p-130, .leastNormalMagnitude, 0x1p22, -0x1p22, 0x1p23, .greatestFiniteMagnitude,
    -.greatestFiniteMagnitude, 0x1.fep127, 0x1.01p-3, 0x1.03p5, 0x1.ffp6,
  ]
  private static let strange: [Float] = [
    .nan, .infinity, -.infinity, Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF),
  ]

  /// Numbers of many sizes, some of them special.
  private static func numbers(_ count: Int, _ seed: UInt64, strange: Bool = false) -> [Float] {
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let list = strange ? special + Self.strange : special
    return (0..<count).map { _ in
      next() % 5 == 0 ? list[Int(next() % UInt64(list.count))] : Float(next() % 20_011) / 1024 - 9
    }
  }

  private static func areSame(_ one: [Float], _ other: [Float]) -> Bool {
    one.count == other.count
      && zip(one, other).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN }
  }

  /// `s_n` of `Quantize`.
  private static func scale(_ row: ArraySlice<Float>) -> Float {
    var most: Float = 0
    for x in row where abs(x) >= most { most = abs(x) }
    return (most / 127).isNormal ? most / 127 : 1
  }

  private static let shapes = [
    [1, 1], [3, 7], [2, 8], [5, 9], [1, 31], [4, 64], [3, 257], [2, 1027],
  ]

  @Test(arguments: shapes, [false, true])
  func integersOfWeights(shape: [Int], strange: Bool) {
    for seed in 0..<20 as Range<UInt64> {
      let weight = Tensor(
        shape: shape, values: Self.numbers(shape[0] * shape[1], seed, strange: strange))
      var (integers, scales, sums) = ([Float](), [Float](), [Float]())
      for n in 0..<shape[0] {
        let row = weight.values[n * shape[1]..<(n + 1) * shape[1]]
        let scale = Self.scale(row)
        let rounded = row.map { ($0 / scale + 12_582_912) - 12_582_912 }
        integers += rounded.map { max(-128, min(127, $0)) }
        scales.append(scale)
        sums.append(Float(Double(scale) * rounded.reduce(0.0) { $0 + Double($1) }))
        #expect(Quantize.scale(of: row) == scale)
      }
      let bias = Self.numbers(shape[0], seed + 100)
      let quantized = Op.quantize(Quantize()).evaluate([weight])
      #expect(Self.areSame(quantized.values, integers), "\(shape), seed \(seed)")
      let parameters = Op.quantizationParameters(QuantizationParameters()).evaluate([
        weight, Tensor(shape: [shape[0]], values: bias),
      ])
      #expect(
        Self.areSame(parameters.values, scales + sums + bias), "parameters, \(shape), seed \(seed)")
    }
  }

  /// What panels of integers are written from, against the operations that they stand for.
  @Test(arguments: shapes + [[33, 5], [40, 12], [70, 3]], [false, true])
  func integerPanels(shape: [Int], strange: Bool) {
    for (seed, width) in [(1, 32), (2, 4), (3, 3)] as [(UInt64, Int)] {
      let weight = Tensor(
        shape: shape, values: Self.numbers(shape[0] * shape[1], seed, strange: strange))
      let packed = Op.pack(Pack(width: width)).evaluate([Op.quantize(Quantize()).evaluate([weight])]
      )
      #expect(
        IntegerPanels.bytes(of: weight, width: width) == packed.withStoredBytes { Array($0) },
        "\(shape), width \(width)")
    }
  }

  /// Ties go to the even integer.
  @Test func ties() {
    let row: [Float] = [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 125.5, 126.5]
    let quantized = Op.quantize(Quantize()).evaluate([Tensor(shape: [1, 9], values: row)])
    #expect(quantized.values == [127, 0, 2, 2, 0, -2, -2, 126, 126])
  }

  /// A row longer than what is summed in floats.
  @Test func longRowsOfOneSign() {
    let count = 1 << 18 + 3
    let weight = Tensor(shape: [1, count], values: Array(repeating: 0.25, count: count))
    let parameters = Op.quantizationParameters(QuantizationParameters()).evaluate([weight])
    let scale = Float(0.25) / 127
    #expect(parameters.values == [scale, Float(Double(scale) * 127 * Double(count)), 0])
  }

  @Test func largestMagnitudes() {
    for count in 0..<40 {
      let values = Self.numbers(count, UInt64(count), strange: true)
      let expected = values.reduce(Float(0)) { abs($1) >= $0 ? abs($1) : $0 }
      #expect(values.withUnsafeBufferPointer { Float.largestMagnitude($0) } == expected)
      let doubles = values.map(Double.init)
      #expect(
        doubles.withUnsafeBufferPointer { Double.largestMagnitude($0) } == Double(expected))
    }
  }

  /// Sums over rows, and columns without their means, of more columns than go together.
  @Test(arguments: [[1, 3], [5, 127], [9, 128], [4, 300], [2, 3, 131]])
  func centredColumns(shape: [Int]) {
    for axis in shape.indices {
      let x = Tensor(shape: shape, values: Self.numbers(shape.reduce(1, *), 8))
      let inner = shape[(axis + 1)...].reduce(1, *)
      var expected = x.values
      for vector in 0..<x.values.count / shape[axis] {
        let start = vector / inner * shape[axis] * inner + vector % inner
        let places = (0..<shape[axis]).map { start + $0 * inner }
        let mean = places.reduce(0.0) { $0 + Double(x.values[$1]) } / Double(places.count)
        for place in places { expected[place] = Float(Double(x.values[place]) - mean) }
      }
      let result = Op.center(Center(axis: axis)).evaluate([x])
      #expect(Self.areSame(result.values, expected), "\(shape), axis \(axis)")
    }
  }

  @Test func storedBytes() {
    for count in [0, 1, 7, 64, 1000] {
      let values = Self.numbers(count, 3, strange: true) + Self.special + Self.strange
      #expect(
        ElementType.s8.withStoredBytes(of: values) { Array($0.bindMemory(to: Int8.self)) }
          == values.map { Int8(exactly: $0) ?? 0 })
      #expect(
        ElementType.bf16.withStoredBytes(of: values) { Array($0.bindMemory(to: UInt16.self)) }
          == values.map { x in
            let bits = x.bitPattern
            return x.isNaN
              ? UInt16(bits >> 16) | 0x40 : UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
          })
      #expect(
        ElementType.f16.withStoredBytes(of: values) { Array($0.bindMemory(to: UInt16.self)) }
          == values.map { Float16($0).bitPattern })
    }
  }

  @Test(arguments: [ElementType.f32, .bf16, .f16, .s8])
  func packedPanels(element: ElementType) {
    for (out, depth, width) in [(1, 1, 32), (33, 7, 32), (5, 66, 4), (40, 130, 32), (7, 201, 3)] {
      let integers = (0..<out * depth).map { Float(Int($0 * 37 % 251) - 125) }
      let weight = Tensor(shape: [out, depth], values: integers).rounded(to: element)
      let packed = Op.pack(Pack(width: width)).evaluate([weight])
      let group = element.perGroup
      let (panels, groups) = ((out + width - 1) / width, (depth + group - 1) / group)
      var expected: [Float] = []
      for p in 0..<panels {
        for k in 0..<groups {
          for j in 0..<width {
            for i in 0..<group {
              let (n, d) = (p * width + j, k * group + i)
              expected.append(n < out && d < depth ? integers[n * depth + d] : 0)
            }
          }
        }
      }
      #expect(packed.values == expected && packed.element == element, "\(out) \(depth) \(width)")
    }
  }

  /// `H^T x Q` of one vector, level after level, in double precision.
  private static func transformed(_ x: [Double], size: Int?) -> [Double] {
    let power = size ?? (x.count & -x.count)
    let rest = x.count / power
    var x = x
    var distance = rest
    while distance < x.count {
      for first in stride(from: 0, to: x.count, by: 2 * distance) {
        for i in first..<first + distance {
          (x[i], x[i + distance]) = (x[i] + x[i + distance], x[i] - x[i + distance])
        }
      }
      distance *= 2
    }
    x = x.map { $0 * (1 / Double(power).squareRoot()) }
    guard size == nil, rest > 1 else { return x }
    // Column by column the transform of a unit vector is the matrix.
    let unit = (0..<rest).map { b in
      let row = DenseTensor<Double>(
        shape: [rest], values: (0..<rest).map { $0 == b ? 1 : 0 })
      return Op.hadamard(Hadamard()).evaluate([row]).values
    }
    for first in stride(from: 0, to: x.count, by: rest) {
      let part = Array(x[first..<first + rest])
      for c in 0..<rest {
        x[first + c] = (0..<rest).reduce(0.0) { $0 + part[$1] * unit[$1][c] }
      }
    }
    return x
  }

  /// A tensor and how it is rotated.
  struct Rotation: Sendable, CustomTestStringConvertible {
    var shape: [Int]
    var axis = -1
    var block: Int?
    var size: Int?

    var testDescription: String { "\(shape), axis \(axis)" }

    static let all = [
      Rotation(shape: [5, 8]), Rotation(shape: [3, 12], axis: 1),
      Rotation(shape: [24, 7], axis: 0),
      Rotation(shape: [64, 33], axis: 0, block: 16),
      Rotation(shape: [2, 48, 21], axis: 1, block: 12), Rotation(shape: [9, 64], size: 16),
      Rotation(shape: [6, 160], block: 32, size: 16), Rotation(shape: [1024, 18], axis: 0),
      Rotation(shape: [128, 40], axis: 0, size: 2), Rotation(shape: [3, 15]),
      Rotation(shape: [4, 1]), Rotation(shape: [7, 96], size: 32),
    ]
  }

  @Test(arguments: Rotation.all)
  func rotations(_ rotation: Rotation) {
    let (shape, axis, size) = (rotation.shape, rotation.axis, rotation.size)
    let along = axis < 0 ? shape.count - 1 : axis
    let (extent, inner) = (shape[along], shape[(along + 1)...].reduce(1, *))
    let n = rotation.block ?? extent
    for strange in [false, true] {
      let x = Tensor(
        shape: shape, values: Self.numbers(shape.reduce(1, *), 5, strange: strange))
      var expected = x.values
      for vector in 0..<x.values.count / n {
        let start = vector / inner * n * inner + vector % inner
        let places = (0..<n).map { start + $0 * inner }
        let y = Self.transformed(places.map { Double(x.values[$0]) }, size: size)
        for (place, value) in zip(places, y) { expected[place] = Float(value) }
      }
      let result = Op.hadamard(Hadamard(axis: axis, block: rotation.block, size: size)).evaluate([x]
      )
      #expect(Self.areSame(result.values, expected), "\(shape)")
    }
  }
}
