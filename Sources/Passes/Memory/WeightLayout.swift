import IR

/// The order of constants in the weights.
enum WeightLayout {
  /// Returns the placements of the constants that are read at run time, by value index.
  ///
  /// First the panels of all contractions and convolutions in the order of execution, without
  /// gaps, so that "the next panel" is the next address across operations too; behind them
  /// everything else in that order.
  static func placements(_ graph: Graph) -> [Placement?] {
    let constants = graph.constants()
    var placements: [Placement?] = Array(repeating: nil, count: graph.nodes.count)
    var end = 0
    func place(_ value: Value) {
      guard constants[value.index], placements[value.index] == nil else { return }
      let type = graph[value].type
      placements[value.index] = Placement(
        .weights, offsetBytes: end, rowStride: type.shape.last ?? 1)
      end = ArenaPacking.aligned(end + type.sizeBytes)
    }
    let executed = graph.nodes.indices.filter { !constants[$0] }.map { graph.nodes[$0] }
    for node in executed {
      if case .contraction = node.op { place(node.operands[1]) }
      if case .convolution = node.op { place(node.operands[1]) }
    }
    for node in executed { node.operands.forEach(place) }
    return placements
  }
}
