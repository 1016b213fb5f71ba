/// Packs pieces of memory that live at different times into one arena.
///
/// The largest are placed first, each into the smallest gap that fits between those it lives with:
/// the greedy heuristic of Pisarchyk and Lee 2020, arXiv:2001.03288 ("greedy by size"), which is
/// near the lower bound for chains of layers.
enum ArenaPacking {
  /// The alignment of each piece: a cache line.
  static let alignmentBytes = 64

  /// A piece of memory.
  struct Request {
    /// Its size; pieces of no size take no place.
    var sizeBytes: Int
    /// The steps at which it is in use, first and last included.
    var live: ClosedRange<Int>
  }

  /// Returns the offset of each piece; pieces that live at the same time are disjoint.
  static func offsets(of requests: [Request]) -> [Int] {
    var offsets = Array(repeating: 0, count: requests.count)
    var placed: [Int] = []
    let order = requests.indices.sorted {
      (-requests[$0].sizeBytes, requests[$0].live.lowerBound, $0)
        < (-requests[$1].sizeBytes, requests[$1].live.lowerBound, $1)
    }
    for index in order where requests[index].sizeBytes > 0 {
      let size = aligned(requests[index].sizeBytes)
      let neighbours =
        placed
        .filter { requests[$0].live.overlaps(requests[index].live) }
        .map { (start: offsets[$0], end: offsets[$0] + aligned(requests[$0].sizeBytes)) }
        .sorted { $0.start < $1.start }
      var best: (start: Int, slack: Int)?
      var end = 0
      for neighbour in neighbours {
        let slack = neighbour.start - end - size
        if slack >= 0, slack < best?.slack ?? .max { best = (end, slack) }
        end = max(end, neighbour.end)
      }
      offsets[index] = best?.start ?? end
      placed.append(index)
    }
    return offsets
  }

  /// Returns `bytes` rounded up to the alignment.
  static func aligned(_ bytes: Int) -> Int {
    (bytes + alignmentBytes - 1) / alignmentBytes * alignmentBytes
  }
}
