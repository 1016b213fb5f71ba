/// A small deterministic random generator, the only one of vitc: the same seed gives the same
/// numbers everywhere.
///
/// SplitMix64 of Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"
/// (doi:10.1145/2714064.2660195). `vit_selftest_pixel` in `vit_abi.h` is the same in C.
@frozen
public struct SplitMix64: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  /// What the state grows by for each number: 2^64 over the golden ratio, made odd.
  @inlinable public static var increment: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  /// Creates a generator; the same seed gives the same numbers.
  @inlinable
  public init(seed: UInt64) { state = seed }

  /// Creates a generator whose seed is a name: the FNV-1a hash of its UTF-8.
  @inlinable
  public init(name: String) { self.init(seed: SplitMix64.hash(name)) }

  /// The next 64 bits.
  @inlinable
  public mutating func next() -> UInt64 {
    state &+= SplitMix64.increment
    return SplitMix64.mix(state)
  }

  /// The next number in [0, 1): 53 bits of it.
  @inlinable
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// The bits that a state gives: the generator's finalizer.
  @inlinable
  public static func mix(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// One of 2^24 evenly spaced numbers in [-1, 1), exact in `f32`: the upper bits of 64.
  @inlinable
  public static func signed(_ bits: UInt64) -> Float {
    Float(Int32(truncatingIfNeeded: bits >> 40)) * 0x1p-23 - 1
  }

  /// The FNV-1a hash, 64 bits, of a text's UTF-8.
  @inlinable
  public static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
