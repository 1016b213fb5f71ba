import CVitABI
import Dispatch
import Fuzzing
import SeededRandom
import RuntimeForTests
import Synchronization
import Testing

/// The embedded runtime's pools, barriers and counts, compiled as ordinary Swift: what
/// ThreadSanitizer and AddressSanitizer see of it (`make test-tsan`, `make test-asan`).
@Suite struct PoolTests {
  /// The result of `SmallProgram` for an image.
  private static func expected(_ image: ArraySlice<Float>) -> Float {
    let n = SmallProgram.count
    let products = image.enumerated().map { $1 * Float($0) }
    // In the steps' order: any other rounds otherwise.
    return (0..<n).reduce(0) { $0 + (products[$1] + products[n - 1 - $1]) }
  }

  private static let most = 5

  private static let images = (0..<most * SmallProgram.count).map { Float($0 * 7 % 11) - 5 }

  private static let results = (0..<most).map { image in
    expected(images[image * SmallProgram.count..<(image + 1) * SmallProgram.count])
  }

  /// Makes a context, runs a few batches, ends it; counts what went wrong.
  private static func useContext(
    _ small: SmallProgram, _ model: OpaquePointer?, _ random: inout SplitMix64
  ) -> Int {
    var context: OpaquePointer?
    guard vit_rt_context_create(small.program, model, &context) == VIT_OK else { return 1 }
    defer { vit_rt_context_destroy(context) }
    var faults = 0
    for _ in 0..<Int.random(in: 0..<6, using: &random) {
      let count = Int.random(in: 1...most, using: &random)
      var sums = [Float](repeating: .nan, count: count)
      let status = vit_rt_run(small.program, context, images, count, &sums)
      if status != VIT_OK || sums != Array(results.prefix(count)) { faults += 1 }
    }
    return faults
  }

  @Test(arguments: [1, 2, 3, 5] as [Int32], [false, true])
  func `threads share a model, each with contexts of its own`(tasks: Int32, ownPool: Bool) {
    let small = SmallProgram()
    var options = vit_options()
    options.size = MemoryLayout<vit_options>.size
    options.threads = tasks
    if ownPool {
      options.parallel_for = { _, count, task, argument in
        nonisolated(unsafe) let argument = argument
        DispatchQueue.concurrentPerform(iterations: Int(count)) { task?(argument, Int32($0)) }
      }
    }
    var made: OpaquePointer?
    #expect(vit_rt_create(small.program, &options, &made) == VIT_OK)
    nonisolated(unsafe) let (model, program) = (made, small)
    let faults = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      var random = SplitMix64(seed: UInt64(index))
      var found = 0
      for _ in 0..<25 { found += Self.useContext(program, model, &random) }
      faults.withLock { $0 += found }
    }
    vit_rt_destroy(made)
    #expect(faults.withLock { $0 } == 0)
  }

  @Test func `a model lives as long as its last context`() {
    let small = SmallProgram()
    var (model, context): (OpaquePointer?, OpaquePointer?)
    #expect(vit_rt_create(small.program, nil, &model) == VIT_OK)
    #expect(vit_rt_context_create(small.program, model, &context) == VIT_OK)
    vit_rt_destroy(model)
    var sum: Float = .nan
    #expect(vit_rt_run(small.program, context, Self.images, 1, &sum) == VIT_OK)
    #expect(sum == Self.results[0])
    vit_rt_context_destroy(context)
  }
}
