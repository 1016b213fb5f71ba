import Dispatch
import Evaluation
import Glibc
import IR
import Synchronization

/// Evaluates the constants of a planned graph into the memory of the packed weights.
///
/// Each constant is computed by itself, from the checkpoint's tensors to the packed panel, on one
/// of a few threads, and its pages are handed back to the file at once: memory stays near the size
/// of the largest tensors, whatever the size of the model.
struct WeightPacker {
  private let graph: Graph
  private let weights: Evaluator.WeightReader

  init(_ graph: Graph, weights: @escaping Evaluator.WeightReader) {
    self.graph = graph
    self.weights = weights
  }

  /// Writes every placed constant; `progress` hears the bytes done so far, from any thread.
  ///
  /// - Throws: the first failure in the order of the graph.
  func pack(
    into region: UnsafeMutableRawBufferPointer, progress: @escaping @Sendable (Int) -> Void
  ) throws(Diagnostic) {
    let graph = graph
    let constants = graph.constants()
    let placed = graph.values.filter { constants[$0.index] && graph[$0].placement != nil }
    let done = Mutex(0)
    let failures = Mutex<[Int: Diagnostic]>([:])
    let evaluator = Evaluator(graph, weights: weights)
    // Tensors do not overlap, so threads write apart.
    nonisolated(unsafe) let (destination, shared) = (region, evaluator)
    DispatchQueue.concurrentPerform(iterations: placed.count) { position in
      guard failures.withLock(\.isEmpty), let placement = graph[placed[position]].placement else {
        return
      }
      do throws(Diagnostic) {
        let tensor = try shared.constant(placed[position])
        WeightPacker.copy(tensor, to: placement, in: destination)
        let bytes = done.withLock { total in
          total += tensor.values.count * 4
          return total
        }
        progress(bytes)
      } catch {
        failures.withLock { $0[position] = error }
      }
    }
    if let first = failures.withLock({ $0.min { $0.key < $1.key }?.value }) { throw first }
  }

  private static func copy(
    _ tensor: Tensor, to placement: Placement, in region: UnsafeMutableRawBufferPointer
  ) {
    guard let base = region.baseAddress else { return }
    let start = base + placement.offsetBytes
    tensor.values.withUnsafeBytes { values in
      guard let source = values.baseAddress else { return }
      let rowBytes = tensor.columns * 4
      if placement.rowStride == tensor.columns {
        memcpy(start, source, values.count)
      } else {
        for row in 0..<tensor.rows {
          memcpy(start + row * placement.rowStride * 4, source + row * rowBytes, rowBytes)
        }
      }
    }
    release(start, bytes: placement.extentBytes(of: tensor.type))
  }

  /// Takes whole pages out of this process's memory; the file keeps them.
  private static func release(_ start: UnsafeMutableRawPointer, bytes: Int) {
    let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (Int(bitPattern: start) + pageBytes - 1) / pageBytes * pageBytes
    let end = (Int(bitPattern: start) + bytes) / pageBytes * pageBytes
    guard end > first, let address = UnsafeMutableRawPointer(bitPattern: first) else { return }
    madvise(address, end - first, MADV_DONTNEED)
  }
}
