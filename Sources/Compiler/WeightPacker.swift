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
  private let weights: Evaluator.WeightReader

  /// - Parameter values: the constants to write; `nil`: all that have a place.
  init(
    _ graph: Graph, only values: Set<Value>? = nil, weights: @escaping Evaluator.WeightReader
  ) {
    self.graph = graph
    self.values = values
    self.weights = weights
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
    nonisolated(unsafe) let evaluator = Evaluator(graph, weights: weights)
    Parallel.forEach(jobs.count) { position in
      let job = jobs[position]
      guard failures.withLock(\.isEmpty) else { return }
      do throws(Diagnostic) {
        try evaluator.constants(job) { (value, tensor) throws(Diagnostic) in
          guard let placement = graph[value].placement else { return }
          try WeightPacker.write(tensor, to: placement, write)
          let bytes = done.withLock { total in
            total += tensor.type.sizeBytes
            return total
          }
          progress(bytes)
        }
      } catch {
        failures.withLock { $0[job[0].index] = error }
      }
    }
    if let first = failures.withLock({ $0.min { $0.key < $1.key }?.value }) { throw first }
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
