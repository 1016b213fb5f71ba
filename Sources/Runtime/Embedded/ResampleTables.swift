/// The taps of one axis, in memory of `ResampleAxis.tableBytes`: weights of 4 bytes each.
struct ResampleTables<Weight> {
  private let bounds: UnsafeMutablePointer<Int32>
  private let values: UnsafeMutablePointer<Weight>
  private let widest: Int

  init(_ memory: UnsafeMutableRawPointer, _ axis: ResampleAxis) {
    bounds = memory.bindMemory(to: Int32.self, capacity: 2 &* axis.visible)
    values = (memory + 8 &* axis.visible).bindMemory(
      to: Weight.self, capacity: axis.visible &* axis.widest)
    widest = axis.widest
  }

  func set(_ i: Int, first: Int, count: Int) {
    bounds[2 &* i] = Int32(truncatingIfNeeded: first)
    bounds[2 &* i &+ 1] = Int32(truncatingIfNeeded: count)
  }

  func first(_ i: Int) -> Int { Int(bounds[2 &* i]) }
  func count(_ i: Int) -> Int { Int(bounds[2 &* i &+ 1]) }
  func weights(_ i: Int) -> UnsafeMutablePointer<Weight> { values + i &* widest }

  /// The inputs that any of the first `count` outputs is made of.
  func inputs(_ count: Int) -> Range<Int> {
    var start = Int.max
    var end = 0
    for i in 0..<count {
      start = min(start, first(i))
      end = max(end, first(i) &+ self.count(i))
    }
    return start < end ? start..<end : 0..<0
  }
}
