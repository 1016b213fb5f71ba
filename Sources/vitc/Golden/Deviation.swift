/// How far an output is from its golden, over all images.
///
/// Each image is measured for itself, so that one with small values cannot hide behind others.
struct Deviation {
  /// Where the error is largest.
  struct Place: Hashable {
    /// The image, from 0.
    var image = 0
    /// The element of that image's output, row-major, from 0.
    var element = 0
    /// What was found there.
    var found: Float = 0
    /// What was expected there.
    var expected: Float = 0
  }

  /// The largest max|y - y0| / rms(y0) of an image; infinite where y is not finite, or where y0 is
  /// zero throughout and y is not.
  private(set) var error = 0.0
  /// The largest ‖y - y0‖ / ‖y0‖ of an image.
  private(set) var relativeL2 = 0.0
  /// The smallest y·y0 / (‖y‖ ‖y0‖) of an image.
  private(set) var cosine = 1.0
  /// Where `error` comes from.
  private(set) var place = Place()

  /// Measures.
  ///
  /// - Parameters:
  ///   - found: y, `count` images of equal size.
  ///   - expected: y0, as many values.
  ///   - count: The number of images; at least 1.
  init(found: [Float], expected: [Float], count: Int) {
    let size = found.count / count
    for image in 0..<count { measure(image, size, found, expected) }
  }

  private mutating func measure(_ image: Int, _ size: Int, _ found: [Float], _ expected: [Float]) {
    var largest = -1.0
    var worst = Place()
    var difference2 = 0.0
    var found2 = 0.0
    var expected2 = 0.0
    var product = 0.0
    for element in 0..<size {
      let y = Double(found[image * size + element])
      let y0 = Double(expected[image * size + element])
      let distance = y.isFinite && y0.isFinite ? abs(y - y0) : .infinity
      if distance > largest {
        largest = distance
        worst = Place(
          image: image, element: element, found: found[image * size + element],
          expected: expected[image * size + element])
      }
      difference2 += (y - y0) * (y - y0)
      found2 += y * y
      expected2 += y0 * y0
      product += y * y0
    }
    let root = (expected2 / Double(size)).squareRoot()
    let imageError = Self.ratio(largest, root)
    if image == 0 || imageError > error {
      error = imageError
      place = worst
    }
    relativeL2 = max(relativeL2, Self.ratio(difference2.squareRoot(), expected2.squareRoot()))
    cosine = min(cosine, Self.cosine(product, found2, expected2))
  }

  /// a / b, where 0 / 0 is 0 and what is not a number is infinite.
  private static func ratio(_ a: Double, _ b: Double) -> Double {
    if a == 0, b == 0 { return 0 }
    let value = a / b
    return value.isNaN ? .infinity : value
  }

  /// Two zero vectors count as equal, one zero vector as orthogonal, and what is not finite as
  /// opposite.
  private static func cosine(_ product: Double, _ a2: Double, _ b2: Double) -> Double {
    guard product.isFinite, a2.isFinite, b2.isFinite else { return -1 }
    if a2 == 0, b2 == 0 { return 1 }
    if a2 == 0 || b2 == 0 { return 0 }
    return product / (a2.squareRoot() * b2.squareRoot())
  }

  /// `true` iff the deviation is within the limits.
  func isWithin(_ limits: GoldenFile.Limits) -> Bool {
    error <= limits.tolerance && cosine >= limits.cosine
  }
}
