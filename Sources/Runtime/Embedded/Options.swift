import CVitSystem

/// `vit_options` with defaults in place of the fields that the caller's version did not have.
struct Options {
  /// 0: all processors available.
  var threads: Int32 = 0
  var parallelFor: vit_parallel_for?
  var parallelForContext: UnsafeMutableRawPointer?
  var weightsPath: UnsafePointer<CChar>?
  var isa: UnsafePointer<CChar>?
  var measuresSteps = false

  /// More threads than any run is split into profitably; also bounds the arenas of a context.
  static var mostThreads: Int32 { 1024 }
  /// A `size` beyond this is an uninitialized field, not a later version.
  static var mostBytes: Int { 4096 }

  /// Takes over those fields that lie within the caller's `size`; `nil` is all defaults.
  init(_ options: UnsafePointer<vit_options>?) {
    guard let options else { return }
    let size = options.pointee.size
    // Offsets of vit_options.
    if size >= 12 { threads = options.pointee.threads }
    if size >= 24 { parallelFor = options.pointee.parallel_for }
    if size >= 32 { parallelForContext = options.pointee.parallel_for_context }
    if size >= 40 { weightsPath = options.pointee.weights_path }
    if size >= 48 { isa = options.pointee.isa }
    if size >= 52 { measuresSteps = options.pointee.step_times != 0 }
  }

  /// Returns `VIT_OK`, or writes what is wrong.
  static func check(
    _ options: UnsafePointer<vit_options>?, _ program: UnsafePointer<vit_program>
  ) -> vit_status {
    guard let options else { return VIT_OK }
    // `size_t` comes as `Int`: what is 2^63 or more is negative here.
    let size = options.pointee.size
    guard size >= MemoryLayout<Int>.size, size <= mostBytes else {
      var error = ErrorText(program)
      error.append("options.size is ")
      error.append(bytes: size)
      error.append(", expected sizeof of the options struct, ")
      error.append(MemoryLayout<vit_options>.size)
      return VIT_INVALID_ARGUMENT
    }
    let threads = Options(options).threads
    guard threads >= 0, threads <= mostThreads else {
      var error = ErrorText(program)
      error.append("options.threads is ")
      error.append(Int(threads))
      error.append(", expected 0 (all processors) to ")
      error.append(Int(mostThreads))
      return VIT_INVALID_ARGUMENT
    }
    return VIT_OK
  }
}

/// The number of processors that the calling thread may use: those of its affinity mask, or fewer
/// where a quota leaves it less of their time.
func availableProcessors() -> Int32 {
  min(affineProcessors(), Quota.processors() ?? Options.mostThreads)
}

/// The number of processors that the calling thread may run on; 1 if the kernel does not tell.
private func affineProcessors() -> Int32 {
  withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { mask in
    guard let words = mask.baseAddress,
      sched_getaffinity(0, mask.count, words) == 0
    else { return 1 }
    var count = 0
    for i in 0..<mask.count { count &+= mask[i].nonzeroBitCount }
    return max(1, min(Int32(truncatingIfNeeded: count), Options.mostThreads))
  }
}
