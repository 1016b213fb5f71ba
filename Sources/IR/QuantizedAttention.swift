import Diagnostics
import Glibc

/// What an attention of 8-bit integers multiplies: the operands of one window as the integers stand
/// for them.
///
/// - A row of queries of a head becomes bytes as that of a fused linear layer of integers does
///   (``QuantizedRow``).
/// - A row of keys of a head becomes `round(k / s)`, `s` its largest magnitude over 127
///   (``SignedIntegers``).
/// - A column of values has its mean over the tokens of the window subtracted, and becomes integers
///   as a row of keys does. The mean is added to the result: weights sum to 1.
/// - A power, which is at most 1, becomes `floor(255 p + d) / 255`, where `d` is a number between 0
///   and 1 of the token (``QuantizedAttentionRounding``). Of hundreds of tokens most have powers
///   of less than half a 255th, which together are no small part of the sum: rounded to the nearest
///   they would all be zero, rounded so some of them stand for the others.
/// - What powers are divided by is the sum of those that were not rounded.
public struct QuantizedAttention<S: TensorScalar> {
  /// The queries.
  public let queries: DenseTensor<S>
  /// The keys.
  public let keys: DenseTensor<S>
  /// The values less their means.
  public let values: DenseTensor<S>
  /// Of each column of the values.
  public let means: [S]

  /// Rounds the operands of one window of an attention.
  public init(_ attention: Attention, _ operands: [DenseTensor<S>], window: Int) {
    let headDim = operands[0].columns / attention.heads
    queries = Self.rows(of: attention.part(window, of: operands[0]), by: headDim) { row in
      let integers = QuantizedRow(row[...])
      return row.map { integers.step * integers.integer($0) + integers.lowest }
    }
    keys = Self.rows(of: attention.part(window, of: operands[1]), by: headDim) {
      SignedIntegers.rounded($0)
    }
    var values = attention.part(window, of: operands[2])
    var means: [S] = []
    for column in 0..<values.columns {
      let places = stride(from: column, to: values.values.count, by: values.columns)
      let mean = places.reduce(S(0)) { $0 + values.values[$1] } / S(values.rows)
      means.append(mean)
      let rounded = SignedIntegers.rounded(places.map { Float(values.values[$0] - mean) })
      for (place, value) in zip(places, rounded) { values.values[place] = S(value) }
    }
    (self.values, self.means) = (values, means)
  }

  /// Rounds each run of `count` elements.
  private static func rows(
    of x: DenseTensor<S>, by count: Int, _ rounded: ([Float]) -> [Float]
  ) -> DenseTensor<S> {
    var result = x
    for start in stride(from: 0, to: x.values.count, by: count) {
      let row = rounded(x.values[start..<start + count].map { Float($0) })
      for (index, value) in row.enumerated() { result.values[start + index] = S(value) }
    }
    return result
  }

  /// The weights: rounded powers over the sum of those that were not rounded.
  ///
  /// - Parameter scores: `[heads, queries, tokens]`, exponents to base e.
  public func weights(of scores: DenseTensor<S>, isCausal: Bool) -> DenseTensor<S> {
    var weights = scores
    let (queries, tokens) = (scores.shape[1], scores.shape[2])
    for (row, start) in stride(from: 0, to: scores.values.count, by: tokens).enumerated() {
      let seen = start..<start + (isCausal ? row % queries + 1 : tokens)
      let largest = scores.values[seen].max() ?? 0
      var total = S(0)
      for i in start..<start + tokens {
        let power = seen.contains(i) ? S(Glibc.exp(Double(scores.values[i] - largest))) : 0
        total += power
        weights.values[i] = Self.rounded(power, of: i - start)
      }
      for i in start..<start + tokens { weights.values[i] /= total }
    }
    return weights
  }

  /// A power of a token as its byte stands for it.
  public static func rounded(_ power: S, of token: Int) -> S {
    Quantize.rounded(power * 255 + S(QuantizedAttentionRounding.shift(token))) / 255
  }

  /// The result, given what weights make of the values less their means.
  public func addingMeans(to result: DenseTensor<S>) -> DenseTensor<S> {
    var result = result
    for i in result.values.indices { result.values[i] += means[i % means.count] }
    return result
  }
}

/// How the powers of a token are rounded to integers.
public enum QuantizedAttentionRounding {
  /// What is added to a power times 255 before it is rounded to the nearest integer: the fraction
  /// of `(token + 1) / phi`, phi the golden ratio, between -1/2 and 1/2.
  ///
  /// Multiples of the golden ratio lie as evenly as can be however many there are, and repeat with
  /// no row of an image.
  public static func shift(_ token: Int) -> Float {
    // 2^32 / phi; the upper 24 bits are a float's.
    let fraction = UInt32(truncatingIfNeeded: token + 1) &* 2_654_435_769
    return Float(Int32(bitPattern: fraction) >> 8) * 0x1p-24
  }
}

/// Numbers as integers of -127...127 times a step, which is their largest magnitude over 127.
public enum SignedIntegers {
  /// The least largest magnitude that is divided: below it the step would be next to nothing, and
  /// all integers are 0.
  public static let least: Float = 0x1p-119

  /// The numbers that the integers of some numbers stand for, by the operations of the generated
  /// code; none is a number if one of them was not finite.
  public static func rounded(_ x: [Float]) -> [Float] {
    // 1.5 * 2^23: the sum has no room for a fraction.
    let magic: Float = 12_582_912
    let largest = x.reduce(0) { max($0, abs($1)) }
    let isDivided = largest >= least
    let step = (isDivided ? largest / 127 : 1) + x.reduce(0) { $0 + $1 * 0 }
    let inverse = isDivided ? 127 / largest : 0
    return x.map { (magic.addingProduct($0, inverse) - magic) * step }
  }
}

extension Attention {
  /// The most tokens and columns of a head that sums of products of 8-bit integers have room for,
  /// also where their sum is found from its rounded product with a scale (`sdot`).
  public static let mostQuantized = 1 << 15

  /// Throws unless operands may be rounded to integers.
  func requireQuantizable(_ operands: [TensorType]) throws(Diagnostic) {
    let (tokens, columns) = (operands[1].shape[0] / windows, operands[0].shape[1] / heads)
    try require(
      "C11",
      !hasWeights && tokens <= Self.mostQuantized && columns <= Self.mostQuantized,
      "quantized: expected no weights and at most \(Self.mostQuantized) tokens and columns of a "
        + "head, found \(tokens) and \(columns)")
  }
}
