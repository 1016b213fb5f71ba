import CVitSystem
import Synchronization

/// One call of the caller's parallel-for: whole images, or one step of each image of a round.
private struct Call {
  let context: UnsafeMutablePointer<Context>
  /// The tasks that are asked for.
  var tasks: Int32
  /// For whole images: how many each task runs.
  var images: Int
  /// For a step.
  var round: Round?
  /// The first image of the round.
  var image = 0
  var step = 0
}

extension UnsafeMutablePointer where Pointee == Context {
  /// Runs the job through the caller's parallel-for, whose return is the barrier.
  ///
  /// The parallel-for may be left by a C++ exception, which unwinds this function, or by `longjmp`:
  /// nothing here waits to be given back, and what the run holds is freed by `end` or by the next
  /// run.
  func runThroughParallelFor() {
    pointee.runner.store(UInt(pthread_self()), ordering: .relaxed)
    vit_call_marked(&pointee.mark, runMarked, self)
  }

  /// What is below the mark.
  fileprivate func callParallelFor() {
    guard let parallelFor = pointee.model.pointee.parallelFor else { return }
    let parallelForContext = pointee.model.pointee.parallelForContext
    let tasks = pointee.job.tasks
    if pointee.job.pictures != nil {
      var call = Call(context: self, tasks: tasks, images: 0)
      return parallelFor(parallelForContext, tasks, runShare, &call)
    }
    // A single task too gets a call for each step, so that a caller can tell them apart.
    let whole = tasks > 1 ? pointee.job.count / Int(tasks) : 0
    var call = Call(context: self, tasks: tasks, images: whole)
    if whole > 0 { parallelFor(parallelForContext, tasks, runShare, &call) }
    let count = pointee.job.count
    call.image = whole &* Int(tasks)
    while call.image < count {
      let round = pointee.layout.crew.round(left: count &- call.image)
      call.round = round
      call.tasks = round.tasks
      let program = program(of: call.image)
      // Images of several sizes have steps of their own, those with few are through before others.
      var most = program.pointee.step_count
      for team in 1..<max(1, Int(round.teams)) {
        most = max(most, self.program(of: call.image &+ team).pointee.step_count)
      }
      var clock = StepClock(stepTimes(of: program))
      for step in 0..<Int(most) {
        call.step = step
        parallelFor(parallelForContext, round.tasks, runShare, &call)
        if step < Int(program.pointee.step_count) { clock.end(step) }
      }
      call.image &+= Int(round.teams)
    }
  }

  /// Whether the run that the context is in will never return, since its parallel-for was left:
  /// then the caller may run.
  ///
  /// `longjmp` calls nobody on its way, so what is left of a run can only be looked at. The other
  /// case, an error, is a run that the parallel-for itself starts, on the same thread: it lies
  /// deeper on the stack than the first, whose mark is whole.
  func wasLeft(frame: Int) -> Bool {
    guard pointee.model.pointee.parallelFor != nil,
      pointee.runner.load(ordering: .relaxed) == UInt(pthread_self())
    else { return false }
    // The same thread wrote these.
    return UInt(bitPattern: frame) >= UInt(bitPattern: pointee.frame)
      || vit_is_marked(numericCast(pointee.mark)) == 0
  }
}

/// Calls the parallel-for of a context.
private func runMarked(_ argument: UnsafeMutableRawPointer?) {
  guard let argument else { return }
  argument.assumingMemoryBound(to: Context.self).callParallelFor()
}

/// Does share `task` of one call, on any thread, in the default floating-point state.
private func runShare(_ argument: UnsafeMutableRawPointer?, _ task: Int32) {
  guard let argument else { return }
  let call = argument.assumingMemoryBound(to: Call.self).pointee
  let context = call.context
  guard task >= 0, task < call.tasks else { return }
  if let pictures = context.pointee.job.pictures {
    return context.writePictures(pictures, task: task)
  }
  let state = vit_float_enter()
  if let round = call.round {
    context.runStep(call.step, of: round, from: call.image, task: task)
  } else {
    context.runWhole(task: task, images: call.images)
  }
  vit_float_leave(state)
}
