import Diagnostics
import Glibc

/// What an attention of 8-bit integers multiplies: the operands of one window as the integers stand
/// for them.
///
/// - A row of queries of a head becomes bytes as that of a fused linear layer of integers does
///   (``QuantizedRow``).
/// - A row of keys of a head becomes integers as a row of a weight does (``Quantize``).
/// - A column of values has its mean over the tokens of the window subtracted, and becomes integers
///   as a row of keys does. The mean is added to the result: weights sum to 1.
/// - A power, which is at most 1, becomes `round(255 p + d) / 255`, where `d` is a number between
///   -1/2 and 1/2 of the token (``Dither``). Of hundreds of tokens most have powers of less than
///   half a 255th, which together are no small part of the sum: rounded to the nearest they would
///   all be zero, rounded so some of them stand for the others.
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
      let floats = row.map { Float($0) }
      let integers = QuantizedRow(floats[...])
      return floats.map { S(integers.step * integers.integer($0) + integers.lowest) }
    }
    keys = Self.rows(of: attention.part(window, of: operands[1]), by: headDim) {
      Self.dequantized($0)
    }
    var values = attention.part(window, of: operands[2])
    var means: [S] = []
    for column in 0..<values.columns {
      let places = stride(from: column, to: values.values.count, by: values.columns)
      let mean = places.reduce(S(0)) { $0 + values.values[$1] } / S(values.rows)
      means.append(mean)
      let column = Self.dequantized(places.map { values.values[$0] - mean })
      for (place, value) in zip(places, column) { values.values[place] = value }
    }
    (self.values, self.means) = (values, means)
  }

  /// Rounds each run of `count` elements.
  private static func rows(
    of x: DenseTensor<S>, by count: Int, _ rounded: ([S]) -> [S]
  ) -> DenseTensor<S> {
    var result = x
    for start in stride(from: 0, to: x.values.count, by: count) {
      result.values.replaceSubrange(
        start..<start + count, with: rounded(Array(x.values[start..<start + count])))
    }
    return result
  }

  /// The numbers that the integers of some numbers stand for (``Quantize``).
  ///
  /// None is a number if one of them was not finite.
  private static func dequantized(_ x: [S]) -> [S] {
    let scale = Quantize.scale(of: x[...])
    let poison = x.reduce(S(0)) { $0 + $1 * 0 }
    return x.map { Quantize.rounded($0 / scale) * scale + poison }
  }

  /// The weights: rounded powers over the sum of those that were not rounded.
  ///
  /// - Parameter scores: `[heads, queries, tokens]`, exponents to base e.
  public func weights(of scores: DenseTensor<S>) -> DenseTensor<S> {
    var weights = scores
    let tokens = scores.shape[2]
    for start in stride(from: 0, to: scores.values.count, by: tokens) {
      let row = start..<start + tokens
      let largest = scores.values[row].max() ?? 0
      var total = S(0)
      for i in row {
        let power = S(Glibc.exp(Double(scores.values[i] - largest)))
        total += power
        weights.values[i] = Self.rounded(power, of: i - start)
      }
      for i in row { weights.values[i] /= total }
    }
    return weights
  }

  /// A power of a token as its byte stands for it.
  public static func rounded(_ power: S, of token: Int) -> S {
    Quantize.rounded(power * 255 + S(Dither.shift(token))) / 255
  }

  /// The result, given what weights make of the values less their means.
  public func addingMeans(to result: DenseTensor<S>) -> DenseTensor<S> {
    var result = result
    for i in result.values.indices { result.values[i] += means[i % means.count] }
    return result
  }
}

/// The dither of powers: what is added to that of a token before it is rounded to an integer.
public enum Dither {
  /// What is added to 255 times a power: the fraction of `(token + 1) / phi`, phi the golden
  /// ratio, between -1/2 and 1/2.
  ///
  /// Multiples of the golden ratio lie as evenly as can be however many there are, and repeat with
  /// no row of an image.
  public static func shift(_ token: Int) -> Float {
    // 2^32 / phi; the upper 24 bits are a float's.
    let fraction = UInt32(truncatingIfNeeded: token + 1) &* 2_654_435_769
    return Float(Int32(bitPattern: fraction) >> 8) * 0x1p-24
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
      !hasWeights && !isCausal && tokens <= Self.mostQuantized && columns <= Self.mostQuantized,
      "quantized: expected no weights, not causal, and at most \(Self.mostQuantized) tokens and "
        + "columns of a head, found \(tokens) and \(columns)")
  }
}
