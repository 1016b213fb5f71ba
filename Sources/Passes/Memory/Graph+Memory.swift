import IR

extension Graph {
  /// The size of the activations of one image in the planned form, a multiple of 64 bytes.
  public var arenaBytes: Int { extentBytes { $0 == .arena } }

  /// The size of the packed weights in the planned form, a multiple of 64 bytes.
  public var weightsBytes: Int { extentBytes { $0 == .weights } }

  private func extentBytes(_ isWanted: (Placement.Space) -> Bool) -> Int {
    var end = 0
    for result in nodes.lazy.flatMap(\.results) {
      guard let placement = result.placement, isWanted(placement.space) else { continue }
      end = max(end, placement.offsetBytes + placement.extentBytes(of: result.type))
    }
    return ArenaPacking.aligned(end)
  }
}
