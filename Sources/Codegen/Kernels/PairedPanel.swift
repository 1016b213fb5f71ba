/// Part of a panel in private memory with its groups in pairs, for a matmul of many rows: the
/// columns of one tile, ``Arrangement/paired``.
///
/// It is made once for all rows of a task. In the tile's loop each register of pairs would cost a
/// shuffle, which the multipliers of Arm's processors do themselves: with 8 rows and 8 columns a
/// fifth of their time for the right operand, and another for the left one.
struct PairedPanel: Kernel {
  enum Parameter: KernelParameter {
    /// Where the tile's columns begin in the panel, and where they go.
    case panel, paired
    var isUnaliased: Bool { true }
  }

  /// The rows of the panel, in groups.
  var depth: Int

  /// The memory that it takes on a target.
  static func bytes(depth: Int, _ target: Target) -> Int {
    Arrangement.paired.paddedGroups(depth) * target.tileColumns * 4
  }

  var title: String { "pair_panel_\(depth)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (lanes, columns) = (b.target.lanes, b.target.tileColumns)
    let words = b.vector(lanes, of: b.i32)
    b.inSteps(of: 4, count: depth) { first, count, _ in
      let panel = b.element(p[.panel], b.multiply(first, b.constant(Tile.panelWidth)))
      let paired = b.element(p[.paired], b.multiply(first, b.constant(columns)))
      for k in stride(from: 0, to: count, by: 2) {
        for vector in 0..<b.target.tileVectors {
          let groups = (k..<k + 2).map { row in
            guard row < count else { return b.integers(0, lanes) }
            let place = b.offset(panel, bytes: (row * Tile.panelWidth + vector * lanes) * 4)
            return b.load(words, place, alignment: lanes * 4)
          }
          for (half, pairs) in b.interleave(groups[0], groups[1]).enumerated() {
            let place = k * columns + (2 * vector + half) * lanes
            b.store(pairs, b.offset(paired, bytes: place * 4), alignment: lanes * 4)
          }
        }
      }
      return []
    }
  }
}

extension Builder {
  /// The lanes of two vectors in turns: the first half of them, and the second.
  func interleave(_ one: Value, _ other: Value) -> [Value] {
    let lanes = lanes(of: one)
    return (0..<2).map { half in
      shuffle(
        one, with: other, (0..<lanes).map { half * lanes / 2 + $0 / 2 + $0 % 2 * lanes })
    }
  }
}
