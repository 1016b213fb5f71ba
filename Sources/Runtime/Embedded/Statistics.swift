import CVitSystem

/// What a context counts of its runs, on the thread that calls them: no other thread writes here
/// but, through the caller's own parallel-for, the one that does task 0 while the caller waits.
struct Statistics {
  /// Runs that were completed.
  var runs: UInt64 = 0
  /// Their images.
  var images: UInt64 = 0
  /// What they took, by the clock of the system.
  var nanoseconds: UInt64 = 0
  /// Of each step, the time of task 0, waiting for the others included; `nil`: not wanted.
  let steps: UnsafeMutablePointer<UInt64>?

  /// Makes room for the times of `count` steps if they are wanted; `nil` where there is no memory.
  init?(_ count: Int32, areStepsWanted: Bool) {
    guard areStepsWanted, count > 0 else {
      steps = nil
      return
    }
    guard let memory = calloc(numericCast(count), 8) else { return nil }
    steps = memory.bindMemory(to: UInt64.self, capacity: Int(count))
  }

  /// Gives the room back.
  func release() { free(steps) }

  /// Counts a run that began at `start`.
  mutating func add(images count: Int, since start: UInt64) {
    runs &+= 1
    images &+= UInt64(count)
    nanoseconds &+= vit_nanoseconds() &- start
  }
}

/// The times of steps, one after the other, on one thread; costs a test for each where they are not
/// wanted.
struct StepClock {
  private let times: UnsafeMutablePointer<UInt64>?
  private var last: UInt64 = 0

  /// Begins; `nil` measures nothing.
  init(_ times: UnsafeMutablePointer<UInt64>?) {
    self.times = times
    if times != nil { last = vit_nanoseconds() }
  }

  /// Ends a step.
  @inline(__always)
  mutating func end(_ step: Int) {
    guard let times else { return }
    let now = vit_nanoseconds()
    times[step] &+= now &- last
    last = now
  }
}

extension UnsafeMutablePointer where Pointee == Context {
  /// Where the times of a program's steps are added: those of the first size are kept.
  func stepTimes(of program: UnsafePointer<vit_program>) -> UnsafeMutablePointer<UInt64>? {
    program == pointee.program ? pointee.statistics.steps : nil
  }

  /// Hands out what was counted.
  func write(_ result: UnsafeMutablePointer<vit_context_stats>?) -> vit_status {
    let program = pointee.program
    guard let result else { return fail(program, VIT_INVALID_ARGUMENT, "stats is null") }
    let size = result.pointee.size
    guard size >= MemoryLayout<vit_context_stats>.size, size <= Options.mostBytes else {
      var error = ErrorText(program)
      error.append("stats.size is ")
      error.append(bytes: size)
      error.append(", expected sizeof of the stats struct, ")
      error.append(MemoryLayout<vit_context_stats>.size)
      return VIT_INVALID_ARGUMENT
    }
    guard result.pointee.step_capacity >= 0 else {
      return fail(program, VIT_INVALID_ARGUMENT, "stats.step_capacity is negative")
    }
    let statistics = pointee.statistics
    result.pointee.runs = statistics.runs
    result.pointee.images = statistics.images
    result.pointee.nanoseconds = statistics.nanoseconds
    let count = statistics.steps == nil ? 0 : program.pointee.step_count
    result.pointee.step_count = count
    if let times = statistics.steps, let places = result.pointee.step_nanoseconds {
      for step in 0..<Int(min(count, result.pointee.step_capacity)) { places[step] = times[step] }
    }
    return VIT_OK
  }
}
