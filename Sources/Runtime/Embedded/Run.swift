import CVitSystem
import Synchronization

extension UnsafeMutablePointer where Pointee == Context {
  /// Checks the images of a job, which have one size, and runs them.
  func run(_ job: Job) -> vit_status {
    let program = job.program ?? pointee.program
    let inputElements = program.inputElements
    let readsTokens = program.pointee.token_limit > 0
    guard let images = job.images else {
      return fail(program, VIT_INVALID_ARGUMENT, readsTokens ? "ids is null" : "images is null")
    }
    guard job.count != 0 else {
      return fail(
        program, VIT_INVALID_ARGUMENT,
        readsTokens
          ? "count is 0, expected at least one text" : "count is 0, expected at least one image")
    }
    // Beyond this, the addresses of the last image would not exist; `size_t` comes as `Int`.
    guard job.count > 0, job.count <= (1 << 46) / max(1, inputElements) else {
      var error = ErrorText(program)
      error.append("count is ")
      error.append(bytes: job.count)
      error.append(", which is more than memory can hold")
      return VIT_INVALID_ARGUMENT
    }
    guard Int(bitPattern: images) & 3 == 0 else {
      return fail(
        program, VIT_INVALID_ARGUMENT,
        readsTokens ? "ids is not aligned to 4 bytes" : "images is not aligned to 4 bytes")
    }
    if readsTokens {
      let status = Tokens.check(
        program, images, count: job.count, length: inputElements)
      guard status == VIT_OK else { return status }
    }
    return share(job)
  }

  /// Has the tasks do a job whose arguments are checked, and returns when it is done.
  ///
  /// No allocation, no lock, no file.
  func share(_ job: Job) -> vit_status {
    let program = pointee.program
    if pointee.workers > 0 && pointee.process != getpid() {
      return fail(
        program, VIT_INVALID_ARGUMENT,
        "the context was created before fork(), its threads are not in this process")
    }
    let entered = pointee.busy.compareExchange(
      expected: 0, desired: 1, ordering: .acquiringAndReleasing
    ).exchanged
    let frame = Int(vit_frame_address())
    guard entered || wasLeft(frame: frame) else {
      return fail(
        program, VIT_INVALID_ARGUMENT,
        "the context is in a run already; use one context for each thread")
    }
    if !entered { closePieces() }
    let begin = vit_nanoseconds()
    if job.pictures != nil { pointee.failedPicture.store(Int.max, ordering: .relaxed) }
    pointee.job = job
    let tasks = pointee.layout.crew.tasks(for: job.count)
    pointee.job.tasks = tasks
    pointee.next.store(0, ordering: .relaxed)
    if pointee.model.pointee.parallelFor != nil {
      pointee.frame = frame
      runThroughParallelFor()
    } else {
      if pointee.workers > 0 { wake(tasks) }
      let state = vit_float_enter()
      work(task: 0)
      vit_float_leave(state)
    }
    if job.pictures == nil { pointee.statistics.add(images: job.count, since: begin) }
    end()
    return VIT_OK
  }

  /// Makes the context free for the next run.
  func end() {
    pointee.runner.store(0, ordering: .relaxed)
    pointee.busy.store(0, ordering: .releasing)
  }

  /// What task `task` does in a run of the pool, on a thread in the default floating-point state.
  func work(task: Int32) {
    let tasks = pointee.job.tasks
    let polls = pointee.patience.step
    if let pictures = pointee.job.pictures {
      writePictures(pictures, task: task)
      if tasks > 1 { pointee.meeting.pass(count: tasks, polls: polls) }
      return
    }
    // After the last meeting the caller may already prepare the next job, so nothing of this one
    // may be read then: what the loops test is taken now.
    let count = pointee.job.count
    // Images that every task runs by itself, so that no barrier is needed: as many for each as
    // there are; the remainder is run by teams of tasks.
    let whole = count / Int(tasks)
    runWhole(task: task, images: whole)
    // A team uses the arena of its first task, which must be through with its own images.
    if tasks > 1 && whole > 0 { pointee.meeting.pass(count: tasks, polls: polls) }
    var image = whole &* Int(tasks)
    while image < count {
      let round = pointee.layout.crew.round(left: count &- image)
      run(round, from: image, task: task, of: tasks)
      image &+= Int(round.teams)
    }
  }

  /// Runs whole images in the task's own arena: `images` from `task * images` on, or its share of
  /// as many for each task of a mixed run.
  func runWhole(task: Int32, images: Int) {
    if pointee.job.mixed != nil {
      return runMixed(task: task, below: images &* Int(pointee.job.tasks))
    }
    for i in 0..<images { runWhole(task: task, image: Int(task) &* images &+ i) }
  }

  /// Runs one image in the task's own arena.
  func runWhole(task: Int32, image: Int) {
    let program = program(of: image)
    var frame = frame(task: task, slot: task, image: image, program)
    let functions = steps(of: program)
    var clock = StepClock(task == 0 ? stepTimes(of: program) : nil)
    for step in 0..<Int(program.pointee.step_count) {
      functions?[step]?(&frame, 0, 1)
      clock.end(step)
    }
  }

  /// What runs an image of the job.
  func program(of image: Int) -> UnsafePointer<vit_program> {
    if let mixed = pointee.job.mixed { return pointee.program.size(Int(mixed[image].size)) }
    return pointee.job.program ?? pointee.program
  }

  /// The code of a program for the model's instruction set, `step_count` of it.
  func steps(of program: UnsafePointer<vit_program>) -> UnsafePointer<vit_step?>? {
    InstructionSet.isa(program, pointee.model.pointee.isa)?.pointee.steps
  }

  /// The frame of one image for one task, in the arena of `slot`.
  func frame(
    task: Int32, slot: Int32, image: Int, _ program: UnsafePointer<vit_program>
  ) -> vit_frame {
    let table = table(task)
    let job = pointee.job
    // Of a mixed run each image has places of its own.
    let places = job.mixed.map { $0[image].outputs } ?? job.all
    let place = job.mixed == nil ? image : 0
    for output in 0..<pointee.layout.outputs {
      let start = places.map { $0[output] } ?? (output == 0 ? job.first : nil)
      if let start, let description = program.pointee.description {
        table[output] =
          start + place &* Int(truncatingIfNeeded: description.pointee.outputs[output].bytes)
      } else {
        table[output] = dump(slot, output: output, of: program)
      }
    }
    let images = job.mixed.map { $0[image].image } ?? job.images
    return vit_frame(
      weights: pointee.model.pointee.weights.bytes, arena: arena(slot), scratch: scratch(task),
      image: images.map { $0 + place &* program.inputElements }, outputs: UnsafePointer(table),
      pieces: nil, spare: 0)
  }
}
