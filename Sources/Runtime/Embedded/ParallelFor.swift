import CSystem

/// One call of the caller's parallel-for: whole images, or one phase of one image.
private struct Call {
  let context: UnsafeMutablePointer<Context>
  /// For whole images: how many each task runs; -1 for a phase.
  var images: Int
  var image = 0
  var phase = 0
}

extension UnsafeMutablePointer where Pointee == Context {
  /// Runs the job through the caller's parallel-for, whose return is the barrier.
  func runThrough(
    _ parallelFor: vit_parallel_for, _ parallelForContext: UnsafeMutableRawPointer?
  ) {
    let tasks = pointee.layout.tasks
    // A single task too gets a call for each phase, so that a caller can tell them apart.
    let whole = tasks > 1 ? pointee.job.count / Int(tasks) : 0
    var call = Call(context: self, images: whole)
    if whole > 0 { parallelFor(parallelForContext, tasks, runShare, &call) }
    call.images = -1
    call.image = whole &* Int(tasks)
    while call.image < pointee.job.count {
      for phase in 0..<Int(pointee.program.pointee.phase_count) {
        call.phase = phase
        parallelFor(parallelForContext, tasks, runShare, &call)
      }
      call.image &+= 1
    }
  }
}

/// Does share `task` of one call.
private func runShare(_ argument: UnsafeMutableRawPointer?, _ task: Int32) {
  guard let argument else { return }
  let call = argument.assumingMemoryBound(to: Call.self).pointee
  let context = call.context
  let tasks = context.pointee.layout.tasks
  guard task >= 0, task < tasks else { return }
  if call.images >= 0 {
    context.runWhole(task: task, images: call.images)
  } else {
    var frame = context.frame(task: task, slot: 0, image: call.image)
    context.pointee.phases?[call.phase]?(&frame, task, tasks)
  }
}
