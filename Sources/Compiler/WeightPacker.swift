import Calibration
import Diagnostics
import Evaluation
import IR
import Parallel
import Synchronization

/// Evaluates the constants of a planned graph and writes them to their places in the packed
/// weights.
///
/// Constants that read the same matrices, such as a layer's packed weight and the bias that a
/// norm's shift gave it, are one job: the matrix is read once. Each job goes from the checkpoint's
/// tensors to the file on one of a few threads, so memory stays near the size of the largest
/// tensors, whatever the size of the model.
struct WeightPacker {
  private let graph: Graph
  private let values: Set<Value>?
  private let evaluator: Evaluator
  private let estimate: RunningEstimate?
  /// The layers that the estimate is of, by their weights.
  private let layers: [Value: Value]

  /// - Parameters:
  ///   - values: the constants to write; `nil`: all that have a place.
  ///   - estimate: sees the weights of its layers before they are rounded.
  init(
    _ graph: Graph, only values: Set<Value>? = nil, weights: @escaping Evaluator.WeightReader,
    estimate: RunningEstimate? = nil
  ) {
    self.graph = graph
    self.values = values
    evaluator = Evaluator(graph, weights: weights)
    self.estimate = estimate
    var layers: [Value: Value] = [:]
    for layer in (estimate?.groups ?? []).joined() { layers[graph[layer].operands[1]] = layer }
    self.layers = layers
  }

  /// What a constant is computed for.
  private enum Purpose {
    /// This one is written from it.
    case write(Value)
    /// It is the last of those that the estimate takes of a layer.
    case observe(Value)
    /// It is one of those before.
    case keep
  }

  /// Writes the constants.
  ///
  /// - Parameters:
  ///   - progress: hears the bytes done so far, from any thread.
  ///   - write: writes bytes at an offset of the packed weights, from any thread.
  /// - Throws: the failure of the job that begins first in the graph.
  func pack(
    progress: @escaping @Sendable (Int) -> Void = { _ in },
    write: @escaping @Sendable (UnsafeRawBufferPointer, Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let graph = self.graph
    let jobs = self.jobs()
    let done = Mutex(0)
    let failures = Mutex<[Int: Diagnostic]>([:])
    // Readers of weights may be called from any thread.
    nonisolated(unsafe) let packer = self
    Parallel.forEach(jobs.count) { position in
      let job = jobs[position]
      guard failures.withLock(\.isEmpty) else { return }
      do throws(Diagnostic) {
        let wanted = packer.wanted(job)
        // Values are handed out in order.
        var next = 0
        var observed: [Tensor] = []
        try packer.evaluator.constants(wanted.map(\.value)) { (_, tensor) throws(Diagnostic) in
          defer { next += 1 }
          switch wanted[next].purpose {
          case .keep:
            observed.append(tensor)
          case .observe(let layer):
            packer.estimate?.observe(layer, observed + [tensor])
            observed = []
          case .write(let value):
            try packer.store(value, tensor, write)
            let bytes = done.withLock { total in
              total += graph[value].type.sizeBytes
              return total
            }
            progress(bytes)
          }
        }
      } catch {
        failures.withLock { $0[job[0].index] = error }
      }
    }
    if let first = failures.withLock({ $0.min { $0.key < $1.key }?.value }) { throw first }
  }

  /// What is computed for a job, in order: before the weight of a layer that the estimate is of,
  /// what it takes of the layer.
  private func wanted(_ job: [Value]) -> [(value: Value, purpose: Purpose)] {
    job.flatMap { value -> [(Value, Purpose)] in
      let own = [(source(value), Purpose.write(value))]
      guard let estimate, let layer = layers[value] else { return own }
      let constants = estimate.constants(of: layer)
      return constants.enumerated().map {
        ($0.element, $0.offset + 1 == constants.count ? .observe(layer) : .keep)
      } + own
    }
  }

  /// The placed constants, those that share a matrix of the checkpoint together; the largest jobs
  /// first, so that all threads end at about the same time.
  private func jobs() -> [[Value]] {
    let constants = graph.constants()
    let placed = graph.values.filter {
      constants[$0.index] && graph[$0].placement != nil && values?.contains($0) ?? true
    }
    // A union-find over the placed constants, by position.
    var parents = Array(placed.indices)
    func root(_ position: Int) -> Int {
      var position = position
      while parents[position] != position { position = parents[position] }
      return position
    }
    var readers: [Value: Int] = [:]
    for (position, value) in placed.enumerated() {
      for matrix in matrices(under: value) {
        if let reader = readers[matrix] {
          let (a, b) = (root(reader), root(position))
          parents[max(a, b)] = min(a, b)
        } else {
          readers[matrix] = position
        }
      }
    }
    // The estimate takes the layers of a group one after the other.
    let positions = Dictionary(uniqueKeysWithValues: placed.enumerated().map { ($1, $0) })
    for group in estimate?.groups ?? [] {
      let members = group.compactMap { positions[graph[$0].operands[1]] }
      for (one, other) in zip(members, members.dropFirst()) {
        let (a, b) = (root(one), root(other))
        parents[max(a, b)] = min(a, b)
      }
    }
    var jobs: [Int: [Value]] = [:]
    for (position, value) in placed.enumerated() { jobs[root(position), default: []].append(value) }
    let sizes = jobs.mapValues { $0.reduce(0) { $0 + graph[$1].type.count } }
    return jobs.sorted {
      (sizes[$0.key, default: 0], $1.key) > (sizes[$1.key, default: 0], $0.key)
    }.map(\.value)
  }

  /// The weights of rank 2 and more that a constant is computed from.
  private func matrices(under value: Value) -> [Value] {
    var seen: Set<Value> = [value]
    var pending = [value]
    var matrices: [Value] = []
    while let next = pending.popLast() {
      if case .weight = graph[next].op, graph[next].type.rank > 1 { matrices.append(next) }
      for operand in graph[next].operands where seen.insert(operand).inserted {
        pending.append(operand)
      }
    }
    return matrices
  }

  /// What a constant is written from: panels of integers from the weight that is quantized, since
  /// their bytes are made of it at once, all others from themselves.
  private func source(_ value: Value) -> Value {
    quantizedWeight(value)?.weight ?? value
  }

  /// The weight that a value is the panels of integers of, and their width; `nil`: it is no such.
  private func quantizedWeight(_ value: Value) -> (weight: Value, width: Int)? {
    guard case .pack(let pack) = graph[value].op,
      case .quantize = graph[graph[value].operands[0]].op,
      graph[graph[value].operands[0]].placement == nil
    else { return nil }
    return (graph[graph[value].operands[0]].operands[0], pack.width)
  }

  /// Writes a constant, of which `tensor` is the source.
  private func store(
    _ value: Value, _ tensor: Tensor,
    _ write: (UnsafeRawBufferPointer, Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    guard let placement = graph[value].placement else { return }
    guard let (_, width) = quantizedWeight(value) else {
      return try Self.write(tensor, to: placement, write)
    }
    // withUnsafeBytes does not carry the error's type.
    let result = IntegerPanels.bytes(of: tensor, width: width).withUnsafeBytes {
      bytes -> Result<Void, Diagnostic> in
      Result { () throws(Diagnostic) in try write(bytes, placement.offsetBytes) }
    }
    try result.get()
  }

  private static func write(
    _ tensor: Tensor, to placement: Placement,
    _ write: (UnsafeRawBufferPointer, Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    // withUnsafeBytes does not carry the error's type.
    let size = tensor.element.sizeBytes
    let result = tensor.withStoredBytes { values -> Result<Void, Diagnostic> in
      Result { () throws(Diagnostic) in
        guard placement.rowStride != tensor.columns else {
          return try write(values, placement.offsetBytes)
        }
        let rowBytes = tensor.columns * size
        for row in 0..<tensor.rows {
          try write(
            UnsafeRawBufferPointer(rebasing: values[row * rowBytes..<(row + 1) * rowBytes]),
            placement.offsetBytes + row * placement.rowStride * size)
        }
      }
    }
    try result.get()
  }
}
