import COpenBLAS
import Parallel
import Synchronization

/// Returns `body` of 0 to `count - 1`, computed on all processors; OpenBLAS does not share out what
/// is shared out already.
func concurrentMap<T: Sendable>(_ count: Int, _ body: @Sendable (Int) -> T) -> [T] {
  let threads = vitc_blas_threads()
  vitc_blas_set_threads(1)
  defer { vitc_blas_set_threads(threads) }
  let results = Mutex<[T?]>(Array(repeating: nil, count: count))
  Parallel.forEach(count) { index in
    let result = body(index)
    results.withLock { $0[index] = result }
  }
  return results.withLock { $0.compactMap(\.self) }
}
