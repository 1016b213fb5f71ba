/// Which fused linear layers one level of Strassen's algorithm can compute, and how their depth is
/// divided.
public enum StrassenShape {
  /// The most steps of the depth in half a chunk.
  ///
  /// Seven panels of it, and the next four, stay in a cache of 1 MB. Halves of 512 took 1.3 % less
  /// time than of 256 in ViT-L/16 (depths 1024 and 4096, Zen 4), and as much as of 384 in ViT-B/16
  /// (depth 3072); of 544 4 % less than of 272 in so400m (depth 4352, Zen 3).
  private static let longestHalf = 544

  /// The number of chunks that the depth is divided into, each of two halves of whole cache lines.
  ///
  /// - Returns: the smallest number that keeps halves short, or 0 where the depth does not divide.
  public static func chunks(depth: Int) -> Int {
    guard depth > 0, depth % 32 == 0 else { return 0 }
    return (1...depth / 32).first {
      depth % (32 * $0) == 0 && depth / (2 * $0) <= longestHalf
    } ?? 0
  }

  /// `true` iff the columns form pairs of panels and the depth divides.
  public static func allows(rows: Int, columns: Int, depth: Int) -> Bool {
    rows >= 2 && columns > 0 && columns % (2 * Pack.standardWidth) == 0 && chunks(depth: depth) > 0
  }
}
