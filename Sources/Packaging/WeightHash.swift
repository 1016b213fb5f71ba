import CXXHash

/// The XXH3-128 hash of packed weights, by which a library knows its weights file.
public struct WeightHash: Hashable, Sendable, CustomStringConvertible {
  /// The low 64 bits.
  public var low: UInt64
  /// The high 64 bits.
  public var high: UInt64

  /// Creates a hash from its halves.
  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// Hashes bytes.
  public init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(low: hash.low64, high: hash.high64)
  }

  /// 32 hexadecimal digits, the high half first: xxHash's canonical text (`xxh128sum`).
  public var description: String {
    [high, low].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Hashes bytes that come in pieces.
  public struct Stream: ~Copyable {
    private let state: OpaquePointer?

    /// Starts a hash.
    public init() {
      state = XXH3_createState()
      XXH3_128bits_reset(state)
    }

    deinit { XXH3_freeState(state) }

    /// Adds the next piece.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
      XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
    }

    /// The hash of all pieces so far.
    public var hash: WeightHash {
      let hash = XXH3_128bits_digest(state)
      return WeightHash(low: hash.low64, high: hash.high64)
    }
  }
}
