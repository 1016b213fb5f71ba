import IR

/// The one-dimensional transforms of Winograd's convolution, on values of any number of lanes.
///
/// The factors are those of `WinogradTile`; what two rows of a matrix share is computed once.
struct WinogradTransform {
  let tile: WinogradTile

  /// Emits `B^T d` for the points' number of values: 14 operations for a tile of 4, 4 for one of 2.
  func input(_ b: Builder, _ d: [Value]) -> [Value] {
    let lanes = b.lanes(of: d[0])
    func times(_ factor: Float, _ x: Value, plus y: Value) -> Value {
      b.multiplyAdd(b.floats(factor, lanes), x, y)
    }
    switch tile {
    case .two:
      return [
        b.subtractFloat(d[0], d[2]), b.addFloat(d[1], d[2]), b.subtractFloat(d[2], d[1]),
        b.subtractFloat(d[3], d[1]),
      ]
    case .four:
      let even = b.subtractFloat(d[4], d[2])
      let odd = b.subtractFloat(d[3], d[1])
      let sum = times(1.5, d[3], plus: even)
      let difference = times(1.5, d[2], plus: odd)
      return [
        b.subtractFloat(times(1.5, odd, plus: even), b.subtractFloat(d[2], d[0])),
        b.addFloat(sum, difference), b.subtractFloat(sum, difference),
        times(2, odd, plus: even), times(-0.5, odd, plus: even),
        b.subtractFloat(times(1.5, even, plus: b.subtractFloat(d[5], d[3])), odd),
      ]
    }
  }

  /// Emits `A^T m`, the first `count` results: 12 operations for all of a tile of 4, 4 for 2.
  func output(_ b: Builder, _ m: [Value], count: Int) -> [Value] {
    let lanes = b.lanes(of: m[0])
    func times(_ factor: Float, _ x: Value, plus y: Value) -> Value {
      b.multiplyAdd(b.floats(factor, lanes), x, y)
    }
    let sum = b.addFloat(m[1], m[2])
    let difference = b.subtractFloat(m[1], m[2])
    return (0..<count).map { index in
      switch (tile, index) {
      case (.two, 0): b.addFloat(m[0], sum)
      case (.two, _): b.addFloat(difference, m[3])
      case (.four, 0): b.addFloat(b.addFloat(m[0], sum), b.addFloat(m[3], m[4]))
      case (.four, 1): times(-2, m[4], plus: times(0.5, m[3], plus: difference))
      case (.four, 2): times(4, m[4], plus: times(0.25, m[3], plus: sum))
      case (.four, _):
        b.addFloat(times(-8, m[4], plus: times(0.125, m[3], plus: difference)), m[5])
      }
    }
  }
}
