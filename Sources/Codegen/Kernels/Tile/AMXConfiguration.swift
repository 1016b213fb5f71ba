/// The shapes of AMX's eight tiles, as `ldtilecfg` reads them: one configuration serves all blocks
/// of a task.
///
/// 64 bytes: the palette, 15 of zeros, for each tile the bytes of a row in 16 bits, 16 of zeros,
/// for each the number of rows in 8 bits, 8 of zeros (Intel SDM, volume 2A, LDTILECFG). A tile of
/// left operands has a row for each row of sums and a word for each step of the depth, one of right
/// operands a row for each step and a word for each column: what a panel is. An instruction wants
/// shapes that fit exactly, so what is left of the depth after whole tiles has tiles of its own.
struct AMXConfiguration {
  /// Rows of a tile, at most, and words in a row.
  static let extent = 16
  private static let tiles = 8

  private var rows = Array(repeating: 0, count: tiles)
  private var words = Array(repeating: 0, count: tiles)

  /// The tiles of a product.
  mutating func add(_ product: AMXProduct) {
    for tile in product.sums.joined() { set(tile, rows: product.rows, words: Self.extent) }
    let steps = [product.rounds > 0 ? Self.extent : 0, product.depth % Self.extent]
    for (operands, steps) in zip([product.whole, product.last], steps) where steps > 0 {
      for tile in operands.left { set(tile, rows: product.rows, words: steps) }
      for tile in operands.right { set(tile, rows: steps, words: Self.extent) }
    }
  }

  private mutating func set(_ tile: Int, rows: Int, words: Int) {
    precondition(
      self.rows[tile] == 0 || (self.rows[tile], self.words[tile]) == (rows, words),
      "a tile has one shape")
    (self.rows[tile], self.words[tile]) = (rows, words)
  }

  /// The 64 bytes as words.
  var data: [UInt32] {
    var bytes = Array(repeating: UInt8(0), count: 64)
    bytes[0] = 1  // The only palette that there is.
    for tile in 0..<Self.tiles {
      bytes[16 + 2 * tile] = UInt8(4 * words[tile])
      bytes[48 + tile] = UInt8(rows[tile])
    }
    return stride(from: 0, to: 64, by: 4).map { first in
      bytes[first..<first + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
  }
}
