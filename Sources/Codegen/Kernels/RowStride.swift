/// How far rows of private memory lie apart.
enum RowStride {
  /// Groups of 32 bits in a cache line.
  private static let line = 16
  /// Groups in a page of 4 KB: rows so far apart compete for the same sets of the cache.
  private static let page = 1024

  /// The distance, in groups, of rows of so many: whole cache lines, one of them padding, and never
  /// a multiple of a page.
  static func padded(_ groups: Int) -> Int {
    let padded = (groups + line - 1) / line * line + line
    return padded % page == 0 ? padded + line : padded
  }
}
