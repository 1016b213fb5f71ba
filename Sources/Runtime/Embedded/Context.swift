import CVitSystem
import Synchronization

/// What the calling thread hands to the tasks of a run.
struct Job {
  /// What runs the images; of a mixed run `nil`.
  var program: UnsafePointer<vit_program>?
  var images: UnsafePointer<Float>?
  var count = 0
  /// `run`: the place of the first output.
  var first: UnsafeMutableRawPointer?
  /// `run_all`: the places of all outputs, each may be null.
  var all: UnsafePointer<UnsafeMutableRawPointer?>?
  /// Pictures that are preprocessed instead of images that are run.
  var pictures: PictureBatch?
  /// `run_mixed`: the images, each with its size and places; `nil` for any other run.
  var mixed: UnsafePointer<vit_sized_image>?
  /// The tasks that have a share in it; the threads of all others sleep through it.
  var tasks: Int32 = 1
  /// Ends the pool's threads instead.
  var stop = false
}

/// What `vit_context *` points to: the memory and the threads of one run at a time.
///
/// It is at the start of one anonymous mapping that holds everything else too, so that creating
/// a context is one request to the kernel which either succeeds or leaves nothing behind. Pages
/// appear when they are first touched: the arenas of tasks that never run an image of their own
/// cost nothing.
struct Context: ~Copyable {
  /// 1 during a run.
  let busy = Atomic<UInt32>(0)
  /// That of the first size.
  let program: UnsafePointer<vit_program>
  let model: UnsafeMutablePointer<Model>
  /// During a run through the caller's own parallel-for, the thread that called it, else 0.
  let runner = Atomic<UInt>(0)
  /// Where on that thread's stack the run and its mark are: see `wasLeft`.
  var frame = 0
  var mark = 0
  /// Of a mixed run, the next image that a task by itself takes.
  let next = Atomic<Int>(0)
  let layout: ContextLayout
  let patience: Patience
  /// Threads belong to the process that made them; a child after `fork` has none.
  let process: Int32
  /// Where all tasks meet.
  let meeting: Meeting
  var job = Job()
  /// Of pictures that were preprocessed together, the first that failed; else `Int.max`.
  let failedPicture = Atomic<Int>(Int.max)
  var statistics: Statistics
  /// Threads started: one less than tasks, or 0 with the caller's own parallel-for.
  var workers: Int32 = 0
}

/// The size of a huge page on x86-64, and on AArch64 with pages of 4 KiB.
private let hugePageBytes = 2 << 20

/// Where the parts of a context lie in its mapping.
struct ContextLayout {
  let crew: Crew
  let outputs: Int
  /// Offsets from the mapping's start.
  let meeting: Int
  /// One turnstile for each group of tasks.
  let starts: Int
  /// One meeting for each team of a round with several.
  let teams: Int
  /// For each task, how many pieces of its share have been taken: what `vit_frame.pieces` is.
  let pieces: Int
  let workers: Int
  let tables: Int
  let slots: Int
  /// The part of each slot that is asked to lie in huge pages: its arena, if that fills one.
  ///
  /// Not the scratch memory, which all tasks touch: a huge page for each of many tasks would be
  /// more memory than it is worth.
  let hugeBytes: Int
  /// One task's own: its arena, outputs nobody asked for, scratch; offsets from the slot's start.
  let dumps: Int
  let scratch: Int
  let slotBytes: Int
  /// The mapping's size.
  let bytes: Int

  /// Lays out the memory for images of any of a program's sizes: that of the size which needs most.
  ///
  /// Returns `nil` if the sum exceeds the address space.
  init?(_ program: UnsafePointer<vit_program>, isa: Int32, crew: Crew) {
    guard let description = program.pointee.description else { return nil }
    self.crew = crew
    let tasks = crew.tasks
    outputs = Int(description.pointee.output_count)
    var (arenaBytes, scratchBytes): (UInt64, UInt64) = (0, 0)
    var dumpBytes = Extent()
    for index in 0..<program.sizeCount {
      let program = program.size(index)
      arenaBytes = max(arenaBytes, program.pointee.arena_bytes)
      scratchBytes = max(
        scratchBytes, InstructionSet.isa(program, isa)?.pointee.scratch_bytes ?? 0)
      let extent = program.outputsExtent
      guard !extent.overflows else { return nil }
      if extent.end > dumpBytes.end { dumpBytes = extent }
    }

    var at = Extent()
    _ = at.add(UInt64(MemoryLayout<Context>.size))
    meeting = at.add(UInt64(Meeting.bytes))
    starts = at.add(UInt64(cacheLineBytes &* Int(crew.groups)))
    teams = at.add(UInt64(Meeting.bytes &* Round.mostTeams(tasks: tasks)))
    pieces = at.add(UInt64(Int(VIT_PIECES_BYTES) &* Int(tasks)))
    workers = at.add(UInt64(MemoryLayout<Worker>.stride &* Int(tasks)))
    tables = at.add(UInt64(8 &* outputs &* Int(tasks)))
    // With extents of whole huge pages Linux aligns the mapping to them too.
    let isHuge = arenaBytes >= UInt64(hugePageBytes)
    let pageBytes = isHuge ? hugePageBytes : 4096
    slots = at.align(pageBytes)

    var slot = Extent()
    _ = slot.add(arenaBytes)
    hugeBytes = isHuge ? slot.end & ~(hugePageBytes &- 1) : 0
    _ = slot.align(4096)
    dumps = slot.add(UInt64(dumpBytes.end))
    scratch = slot.align(4096)
    _ = slot.add(scratchBytes)
    slotBytes = slot.align(pageBytes)
    _ = at.add(UInt64(slotBytes).multipliedOrMax(UInt64(tasks)))
    bytes = at.end
    guard !at.overflows, !slot.overflows else { return nil }
  }
}

extension vit_tensor {
  /// The size for one image, or the largest number where that would not fit.
  var bytes: UInt64 { UInt64(vit_element_bytes(dtype)).multipliedOrMax(elements) }
}

extension UInt64 {
  /// The product, or the largest value where it would not fit.
  func multipliedOrMax(_ other: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}

/// Lays parts one after the other, each at a multiple of two cache lines.
struct Extent {
  private(set) var end = 0
  private(set) var overflows = false

  /// Returns where `bytes` more go.
  mutating func add(_ bytes: UInt64) -> Int {
    let start = end
    // 2^46 is beyond what Linux maps; staying below it, no sum here can overflow.
    guard bytes < 1 << 46, end < 1 << 46 else {
      overflows = true
      return start
    }
    end &+= Int(bytes)
    _ = align(cacheLineBytes)
    return start
  }

  /// Rounds the end up to a multiple of `bytes`, a power of two, and returns it.
  mutating func align(_ bytes: Int) -> Int {
    end = (end &+ bytes &- 1) & ~(bytes &- 1)
    return end
  }
}

extension Context {
  /// Maps the memory, starts the threads.
  static func create(
    _ program: UnsafePointer<vit_program>, _ model: UnsafeMutablePointer<Model>,
    _ result: UnsafeMutablePointer<OpaquePointer?>
  ) -> vit_status {
    let crew = Crew(tasks: model.pointee.tasks, perImage: model.pointee.imageTasks)
    let tasks = crew.tasks
    guard let layout = ContextLayout(program, isa: model.pointee.isa, crew: crew),
      let memory = mmap(
        nil, numericCast(layout.bytes), VIT_PROT_READ | VIT_PROT_WRITE,
        VIT_MAP_PRIVATE | VIT_MAP_ANONYMOUS, -1, 0), Int(bitPattern: memory) != -1
    else {
      var error = ErrorText(program)
      error.append("no memory for a context of ")
      error.append(Int(tasks))
      error.append(" tasks with ")
      var most: UInt64 = 0
      for index in 0..<program.sizeCount {
        most = max(most, program.size(index).pointee.arena_bytes)
      }
      error.append(most)
      error.append(" bytes of activations each")
      return VIT_OUT_OF_MEMORY
    }
    if layout.hugeBytes > 0 {
      for task in 0..<Int(tasks) {
        // Advice only; a system without huge pages does no harm.
        _ = madvise(
          memory + layout.slots + task &* layout.slotBytes, numericCast(layout.hugeBytes),
          VIT_MADV_HUGEPAGE)
      }
    }
    guard
      let statistics = Statistics(
        program.pointee.step_count, areStepsWanted: model.pointee.measuresSteps)
    else {
      _ = munmap(memory, numericCast(layout.bytes))
      return fail(program, VIT_OUT_OF_MEMORY, "no memory for the times of steps")
    }
    for group in 0..<Int(crew.groups) {
      (memory + layout.starts + group &* cacheLineBytes)
        .bindMemory(to: Turnstile.self, capacity: 1).initialize(to: Turnstile())
    }
    for team in 0..<Round.mostTeams(tasks: tasks) {
      _ = Meeting(at: memory + layout.teams + team &* Meeting.bytes)
    }
    for task in 0..<Int(tasks) {
      (memory + layout.pieces + task &* Int(VIT_PIECES_BYTES))
        .bindMemory(to: PieceCounter.self, capacity: 1).initialize(to: PieceCounter())
    }
    let context = memory.bindMemory(to: Context.self, capacity: 1)
    context.initialize(
      to: Context(
        program: program, model: model, layout: layout,
        patience: Patience(tasks: tasks, processors: model.pointee.processors),
        process: getpid(), meeting: Meeting(at: memory + layout.meeting),
        statistics: statistics))
    if model.pointee.parallelFor == nil {
      let failure = context.startWorkers()
      guard failure == 0 else {
        context.stopWorkers()
        statistics.release()
        _ = munmap(memory, numericCast(layout.bytes))
        var error = ErrorText(program)
        error.append("the system refused to start thread ")
        error.append(Int(tasks &- 1))
        error.append(" of the pool (errno ")
        error.append(Int(failure))
        error.append(")")
        return VIT_NO_THREADS
      }
    }
    model.retain()
    result.pointee = OpaquePointer(context)
    return VIT_OK
  }
}

extension UnsafeMutablePointer where Pointee == Context {
  /// Ends the threads and gives back the memory.
  func destroy() {
    // Threads do not survive a fork: in the child there is nothing to join.
    if pointee.workers == 0 || pointee.process == getpid() { stopWorkers() }
    pointee.model.release()
    pointee.statistics.release()
    _ = munmap(self, numericCast(pointee.layout.bytes))
  }

  private var base: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) }

  /// Opens when there is a job for a group of tasks.
  func start(_ group: Int32) -> UnsafeMutablePointer<Turnstile> {
    (base + pointee.layout.starts + Int(group) &* cacheLineBytes)
      .assumingMemoryBound(to: Turnstile.self)
  }

  /// Wakes the threads of tasks below `tasks`, which are those of whole groups.
  func wake(_ tasks: Int32) {
    for group in 0...pointee.layout.crew.group(of: tasks &- 1) { start(group).open() }
  }

  /// Where the tasks of a team meet between steps, in a round of several teams.
  func meeting(ofTeam team: Int32) -> Meeting {
    Meeting(in: base + pointee.layout.teams + Int(team) &* Meeting.bytes)
  }

  /// The activations of task `task`.
  func arena(_ task: Int32) -> UnsafeMutablePointer<CChar> {
    (base + pointee.layout.slots + Int(task) &* pointee.layout.slotBytes)
      .assumingMemoryBound(to: CChar.self)
  }

  /// The scratch memory of task `task`.
  func scratch(_ task: Int32) -> UnsafeMutablePointer<CChar> {
    arena(task) + pointee.layout.scratch
  }

  /// The place for an output that the caller did not ask for.
  func dump(
    _ task: Int32, output: Int, of program: UnsafePointer<vit_program>
  ) -> UnsafeMutableRawPointer {
    var at = UnsafeMutableRawPointer(arena(task)) + pointee.layout.dumps
    if let description = program.pointee.description {
      for i in 0..<output {
        var extent = Extent()
        _ = extent.add(description.pointee.outputs[i].bytes)
        at += extent.end
      }
    }
    return at
  }

  /// The table of output places that task `task` fills for each image.
  func table(_ task: Int32) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    (base + pointee.layout.tables)
      .assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
      + Int(task) &* pointee.layout.outputs
  }

  /// The counter of the pieces of task `task`; those of the tasks after it follow.
  func pieceCounter(_ task: Int32) -> UnsafeMutablePointer<PieceCounter> {
    (base + pointee.layout.pieces + Int(task) &* Int(VIT_PIECES_BYTES))
      .assumingMemoryBound(to: PieceCounter.self)
  }

  /// The pool's threads; entry 0, the caller's, is not used.
  var workerList: UnsafeMutablePointer<Worker> {
    (base + pointee.layout.workers).assumingMemoryBound(to: Worker.self)
  }
}
