import CVitSystem

/// PIL's resize filters (Pillow's Resample.c), by PIL's codes.
struct Filter {
  let code: Int32

  /// Nearest, which is not a convolution.
  static var nearest: Int32 { 0 }
  /// The codes that exist: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
  static var codes: ClosedRange<Int32> { 0...5 }

  /// Half the filter's width, in pixels of the coarser image.
  var support: Double {
    switch code {
    case 1: 3
    case 3: 2
    case 4: 0.5
    default: 1
    }
  }

  /// The weight at distance `x`.
  func weight(_ x: Double) -> Double {
    switch code {
    case 1: x >= -3 && x < 3 ? Filter.sinc(x) * Filter.sinc(x / 3) : 0
    case 2: max(0, 1 - x.magnitude)
    case 3: Filter.bicubic(x.magnitude)
    case 4: x > -0.5 && x <= 0.5 ? 1 : 0
    default: Filter.hamming(x.magnitude)
    }
  }

  /// Keys' cubic with a = -0.5.
  private static func bicubic(_ x: Double) -> Double {
    let a = -0.5
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }

  /// A sinc under a Hamming window.
  private static func hamming(_ x: Double) -> Double {
    if x == 0 { return 1 }
    if x >= 1 { return 0 }
    return sinc(x) * (0.54 + 0.46 * sinPi(x + 0.5))
  }

  /// sin(πx) / πx.
  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sinPi(x) / (x * Double.pi)
  }

  /// sin(πx) for |x| < 2^31, without libm: reduced to |x| ≤ 1/2, where the Taylor series through
  /// x^23 is exact to the last bits of a double.
  private static func sinPi(_ x: Double) -> Double {
    let nearest = Int(x >= 0 ? x + 0.5 : x - 0.5)
    let angle = (x - Double(nearest)) * Double.pi
    let square = angle * angle
    var term = angle
    var sum = angle
    var n = 1.0
    while n < 22 {
      term *= -square / ((n + 1) * (n + 2))
      sum += term
      n += 2
    }
    return nearest & 1 == 0 ? sum : -sum
  }
}
