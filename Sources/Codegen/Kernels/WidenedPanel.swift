import IR

/// Part of a panel with its elements widened, in private memory, for a matmul of many rows: the
/// columns of one tile, `[depth][parts][tile columns]` words, as the format multiplies them.
///
/// The shifts that widen an element are then made once for each row of the panel instead of once
/// for each tile of rows, in the registers that the tile's sums want. A tile of f32's height reads
/// it, with the loop of f32. Cost: a load and two stores for each vector of the panel, what four
/// multiply-adds of the product take; so it pays for some rows and more
/// (``Target/leastArrangedRows``).
struct WidenedPanel: Kernel {
  enum Parameter: KernelParameter {
    /// Where the tile's columns begin in the panel, and where they go.
    case panel, wide
    var isUnaliased: Bool { true }
  }

  /// The type of the panel.
  var element: ElementType
  /// The rows of the panel, in groups.
  var depth: Int

  /// The memory that it takes on a target.
  static func bytes(_ element: ElementType, depth: Int, _ target: Target) -> Int {
    depth * element.format.parts(on: target) * target.tileColumns * 4
  }

  var title: String { "widen_panel_\(depth)_\(element.rawValue)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (lanes, columns) = (b.target.lanes, b.target.tileColumns)
    let format = element.format
    let parts = format.parts(on: b.target)
    let words = b.vector(lanes, of: b.i32)
    func widen(_ k: Value, count: Int) {
      let panel = b.element(p[.panel], b.multiply(k, b.constant(Tile.panelWidth)))
      let wide = b.element(p[.wide], b.multiply(k, b.constant(parts * columns)))
      for row in 0..<count {
        for vector in 0..<b.target.tileVectors {
          let place = b.offset(panel, bytes: (row * Tile.panelWidth + vector * lanes) * 4)
          let groups = b.load(words, place, alignment: lanes * 4)
          for (index, part) in format.right(b, groups).enumerated() {
            let element = (row * parts + index) * columns + vector * lanes
            b.store(
              b.bitcast(part, to: words), b.offset(wide, bytes: element * 4), alignment: lanes * 4)
          }
        }
      }
    }
    b.inSteps(of: 4, count: depth) { k, count, _ in
      widen(k, count: count)
      return []
    }
  }
}
