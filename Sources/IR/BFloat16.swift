/// The numbers whose binary32 has 16 zero bits at its end: sign, 8 bits of exponent, 7 of fraction.
public enum BFloat16 {
  /// The bits of the nearest such number, of two the even one.
  ///
  /// Beyond the largest lies infinity, as in IEEE 754; what is not a number stays so.
  public static func bits(of x: Float) -> UInt16 {
    let bits = x.bitPattern
    // Of what is not a number a quiet one, whatever the fraction: rounding could carry it to an
    // infinity. Both are computed, so that loops are vector code.
    let rounded = (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
    return UInt16(truncatingIfNeeded: x.isNaN ? bits >> 16 | 0x40 : rounded)
  }

  /// The number of these bits.
  public static func value(of bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The nearest such number, of two the even one.
  public static func rounded(_ x: Float) -> Float { value(of: bits(of: x)) }
}
