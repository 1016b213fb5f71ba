import IR

/// The order of constants in the weights.
enum WeightLayout {
  /// Returns the placements of the constants that are read at run time.
  ///
  /// First the panels of all operations that stream them, in the order of execution, without
  /// gaps, so that "the next panel" is the next address across operations too; after them
  /// everything else in that order.
  static func placements(_ graph: Graph) -> ValueTable<Placement?> {
    let constants = graph.constants()
    var placements = ValueTable<Placement?>(graph, repeating: nil)
    var end = 0
    func place(_ value: Value) {
      guard constants[value.index], placements[value] == nil else { return }
      let type = graph[value].type
      placements[value] = Placement(
        .weights, offsetBytes: end, rowStride: type.shape.last ?? 1)
      end = ArenaPacking.aligned(end + type.sizeBytes)
    }
    let executed = graph.nodes.indices.filter { !constants[$0] }.map { graph.nodes[$0] }
    for node in executed {
      if let panels = graph.facts(of: node).work?.panels { place(node.operands[panels]) }
    }
    for node in executed { node.operands.forEach(place) }
    return placements
  }
}
