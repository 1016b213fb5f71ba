import CVitSystem

/// One thread of a context's pool.
struct Worker {
  let context: UnsafeMutablePointer<Context>
  let task: Int32
  var thread: UInt
}

extension UnsafeMutablePointer where Pointee == Context {
  /// Starts `tasks - 1` threads; the thread that calls `run` is task 0.
  ///
  /// Returns 0 or the error number of `pthread_create`, with `workers` telling how many run.
  func startWorkers() -> Int32 {
    withUnsafeTemporaryAllocation(byteCount: 2 * Int(VIT_SIGSET_BYTES), alignment: 8) { sets in
      guard let all = sets.baseAddress else { return 12 }
      // The application's signals are for its own threads: block all but those that a fault, an
      // abort or a profiler raises in the thread itself.
      let old = all + Int(VIT_SIGSET_BYTES)
      for i in 0..<Int(VIT_SIGSET_BYTES) { sets[i] = 0xff }
      let own: (ill: UInt32, trap: UInt32, abrt: UInt32, bus: UInt32, fpe: UInt32, segv: UInt32) =
        (4, 5, 6, 7, 8, 11)
      let (sys, prof): (UInt32, UInt32) = (31, 27)
      var mask: UInt32 = 0
      mask |= 1 &<< (own.ill &- 1) | 1 &<< (own.trap &- 1) | 1 &<< (own.abrt &- 1)
      mask |= 1 &<< (own.bus &- 1) | 1 &<< (own.fpe &- 1) | 1 &<< (own.segv &- 1)
      mask |= 1 &<< (sys &- 1) | 1 &<< (prof &- 1)
      all.storeBytes(of: ~mask, as: UInt32.self)
      _ = pthread_sigmask(VIT_SIG_SETMASK, all, old)
      defer { _ = pthread_sigmask(VIT_SIG_SETMASK, old, nil) }

      for task in 1..<max(1, pointee.layout.crew.tasks) {
        let worker = workerList + Int(task)
        worker.initialize(to: Worker(context: self, task: task, thread: 0))
        var thread: UInt = 0
        let failure = pthread_create(&thread, nil, workerMain, worker)
        guard failure == 0 else { return failure }
        worker.pointee.thread = thread
        pointee.workers &+= 1
      }
      return 0
    }
  }

  /// Ends those threads that run.
  func stopWorkers() {
    guard pointee.workers > 0 else { return }
    pointee.job.stop = true
    wake(pointee.layout.crew.tasks)
    for task in 1...pointee.workers {
      _ = pthread_join(workerList[Int(task)].thread, nil)
    }
    pointee.workers = 0
  }
}

/// A pool thread: sleeps until a job is ready, does its share, again.
private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let worker = argument.assumingMemoryBound(to: Worker.self)
  let context = worker.pointee.context
  let task = worker.pointee.task
  let start = context.start(context.pointee.layout.crew.group(of: task))
  // A thread starts in the state of the one that made it.
  _ = vit_float_enter()
  // The jobs of a group are counted from 0 in the same way by all, so none is missed, however late
  // this starts.
  var turn: UInt32 = 0
  while true {
    start.wait(past: turn, polls: context.pointee.patience.run)
    turn &+= 1
    if context.pointee.job.stop { return nil }
    context.work(task: task)
  }
}
