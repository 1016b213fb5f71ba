import IR
import Synchronization

/// An ``ErrorEstimate`` in the making, of weights that are computed for something else, such as to
/// be packed: nothing is read or computed twice.
///
/// Of a rotated stream's layers it sees the rotated weights: what their outputs are of rows after a
/// norm, and how large they are, is the same, and the rounding is that of the integers that are
/// stored.
public final class RunningEstimate: Sendable {
  /// Layers whose constants are to be handed over one after the other, each by the value of its
  /// fused linear layer.
  ///
  /// Groups may be handed over side by side.
  public let groups: [[Value]]
  private let graph: Graph
  private let normed: Set<Value>
  private let spreads: Mutex<SpreadTable>
  private let errors = Mutex<[Value: Double]>([:])

  /// - Parameter graph: one that `use-int8` has lowered, its weights packed or not.
  public init(_ graph: Graph) {
    let constants = graph.constants()
    let linears = graph.firstResults.filter { value in
      guard !constants[value.index], case .fusedLinear = graph[value].op else { return false }
      return constants[graph[value].operands[1].index]
    }
    let norms = SpreadTable(graph)
    let normed = Set(
      linears.filter {
        ErrorEstimate.prologue(graph[$0].node)?.epsilon != nil
          || norms.spread(of: graph[$0].operands[0]) != nil
      })
    // A layer comes after those that make its rows.
    var groups: [Value: [Value]] = [:]
    var group: [Value: Value] = [:]
    for layer in linears {
      guard !normed.contains(layer) else {
        (groups[layer], group[layer]) = ([layer], layer)
        continue
      }
      guard graph[graph[layer].operands[1]].type.element == .s8 else { continue }
      let sources = Self.sources(of: graph[layer].operands[0], in: graph, among: normed)
      let roots = Set(sources.compactMap { group[$0] }).sorted { $0.index < $1.index }
      guard let first = roots.first else { continue }
      for other in roots.dropFirst() {
        let moved = groups.removeValue(forKey: other) ?? []
        groups[first, default: []] += moved
        for layer in moved { group[layer] = first }
      }
      groups[first, default: []].append(layer)
    }
    self.groups = groups.values.map { $0.sorted { $0.index < $1.index } }
      .sorted { $0[0].index < $1[0].index }
    self.graph = graph
    self.normed = normed
    spreads = Mutex(norms)
  }

  /// The layers of a set that a value is made of without a layer in between.
  private static func sources(
    of value: Value, in graph: Graph, among layers: Set<Value>
  ) -> [Value] {
    var (seen, pending, found) = (Set([value]), [value], [Value]())
    while let next = pending.popLast() {
      if case .fusedLinear = graph[next].op {
        if layers.contains(next.sibling(0)) { found.append(next.sibling(0)) }
        continue
      }
      for operand in graph[next].operands where seen.insert(operand).inserted {
        pending.append(operand)
      }
    }
    return found
  }

  /// The constants of a layer, in the order in which ``observe(_:_:)`` takes them.
  public func constants(of layer: Value) -> [Value] { LinearWeight.Constants(graph, layer).all }

  /// Takes the constants of a layer; from any thread, after those of the layers before it in its
  /// group.
  public func observe(_ layer: Value, _ tensors: [Tensor]) {
    let node = graph[layer].node
    let weight = LinearWeight(node, tensors)
    let source = node.operands[0]
    if normed.contains(layer) {
      let outputs = weight.outputs(.normal(graph[source].type.shape[1]))
      spreads.withLock { $0.set(layer, outputs) }
    } else if let rows = spreads.withLock(\.self).spread(of: source) {
      let error = weight.error(rows)
      errors.withLock { $0[layer] = error }
    }
  }

  /// The estimate of all layers that were handed over.
  public var estimate: ErrorEstimate {
    let known = errors.withLock(\.self).sorted { $0.key.index < $1.key.index }
    return ErrorEstimate(layers: known.map { .init(name: graph[$0.key].name, error: $0.value) })
  }
}
