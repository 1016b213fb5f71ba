import CVitABI
import Dispatch
import Testing

@testable import RuntimeForTests

/// How the images of a batch are shared out among tasks, and that no bit depends on it; under
/// ThreadSanitizer as well (`make test-tsan`).
@Suite struct TeamTests {
  /// The tasks that run each image of a batch: whole images first, then rounds of teams.
  ///
  /// - Parameter perImage: the tasks that work on one image, at most.
  private static func teams(count: Int, tasks all: Int, perImage: Int? = nil) -> [Int] {
    let perImage = perImage ?? all
    // Of few images some tasks have none; each image of a task by itself is a whole one.
    let whole = perImage == 1 ? count : count / all * all
    var sizes = [Int](repeating: 1, count: whole)
    while sizes.count < count {
      let left = count - sizes.count
      let tasks = perImage * min(left, all / perImage)
      let teams = (1...left).last { tasks % $0 == 0 } ?? 1
      sizes += [Int](repeating: tasks / teams, count: teams)
    }
    return sizes
  }

  private static func images(_ count: Int) -> [Float] {
    (0..<count * TeamProgram.elements).map { Float($0 * 7 % 31) - 15 }
  }

  /// A model with one context, and how often its parallel-for was called.
  private final class Made {
    let first: TeamProgram
    private(set) var model: OpaquePointer?
    private(set) var context: OpaquePointer?
    private let calls = UnsafeMutablePointer<Int>.allocate(capacity: 1)

    init(
      _ first: TeamProgram, tasks: Int, isOwn: Bool, measuresSteps: Bool = false,
      perImage: Int? = nil
    ) {
      self.first = first
      calls.initialize(to: 0)
      var options = vit_options()
      options.size = MemoryLayout<vit_options>.size
      options.threads = Int32(tasks)
      options.step_times = measuresSteps ? 1 : 0
      if isOwn {
        options.parallel_for_context = UnsafeMutableRawPointer(calls)
        options.parallel_for = { calls, count, task, argument in
          calls?.assumingMemoryBound(to: Int.self).pointee += 1
          nonisolated(unsafe) let argument = argument
          DispatchQueue.concurrentPerform(iterations: Int(count)) { task?(argument, Int32($0)) }
        }
      }
      #expect(vit_rt_create(first.program, &options, &model) == VIT_OK)
      // What is asked for is taken as it is; by default as many processors are there as there are.
      if let perImage, let model {
        UnsafeMutablePointer<Model>(model).pointee.imageTasks = Int32(perImage)
      }
      #expect(vit_rt_context_create(first.program, model, &context) == VIT_OK)
    }

    deinit {
      vit_rt_context_destroy(context)
      vit_rt_destroy(model)
      calls.deallocate()
    }

    /// The calls since this was last asked.
    func takeCalls() -> Int {
      defer { calls.pointee = 0 }
      return calls.pointee
    }
  }

  /// Calls of a parallel-for: one for all whole images, and one for each step of a round.
  private static func calls(_ sizes: [Int], steps: [Int], tasks: Int) -> Int {
    let whole = tasks > 1 ? sizes.count / tasks * tasks : 0
    var (calls, image) = (whole > 0 ? 1 : 0, whole)
    while image < sizes.count {
      let teams = tasks / sizes[image]
      calls += steps[image..<image + teams].max() ?? 0
      image += teams
    }
    return calls
  }

  @Test(arguments: [1, 2, 3, 4, 6, 8], [false, true])
  func `teams divide a batch, and change no bit`(tasks: Int, isOwn: Bool) {
    let made = Made(TeamProgram(steps: 3), tasks: tasks, isOwn: isOwn)
    let first = made.first
    let length = 3 * TeamProgram.elements
    for count in 1...2 * tasks + 1 {
      let images = Self.images(count)
      let sizes = Self.teams(count: count, tasks: tasks)
      var values = [Float](repeating: .nan, count: count * length)
      var calls = [Float](repeating: 0, count: count * 3 * TeamProgram.mostTasks)
      let status = values.withUnsafeMutableBytes { values in
        calls.withUnsafeMutableBytes { calls in
          vit_rt_run_all(
            first.program, made.context, images, count, [values.baseAddress, calls.baseAddress])
        }
      }
      #expect(status == VIT_OK)
      let wanted = (0..<count).flatMap {
        first.expected(images[$0 * TeamProgram.elements..<($0 + 1) * TeamProgram.elements])
      }
      #expect(values == wanted, "\(count) images")
      #expect(calls == sizes.flatMap { first.calls(team: $0) }, "\(count) images")
      if isOwn {
        let steps = [Int](repeating: 3, count: count)
        #expect(made.takeCalls() == Self.calls(sizes, steps: steps, tasks: tasks))
      }
      // The first output alone: what nobody asks for lies with the team's arena.
      var alone = [Float](repeating: .nan, count: count * length)
      #expect(vit_rt_run(first.program, made.context, images, count, &alone) == VIT_OK)
      #expect(alone == wanted, "\(count) images")
      _ = made.takeCalls()
    }
  }

  /// Where more tasks than some do not pay for an image, the others run other images, or nothing.
  @Test(
    arguments: [(8, 1), (8, 2), (8, 3), (8, 5), (8, 7), (6, 4), (3, 2), (2, 1)], [false, true])
  func `no image has more tasks than pay`(_ counts: (tasks: Int, perImage: Int), isOwn: Bool) {
    let (tasks, perImage) = counts
    let made = Made(TeamProgram(steps: 3), tasks: tasks, isOwn: isOwn, perImage: perImage)
    for count in 1...2 * tasks + 1 {
      let images = Self.images(count)
      let wanted = Self.teams(count: count, tasks: tasks, perImage: perImage)
      #expect(wanted.allSatisfy { $0 <= perImage } && wanted.count == count)
      let found = run(
        mixed: made, Array(repeating: made.first, count: count),
        numbers: Array(repeating: 0, count: count), images: images, teams: wanted)
      #expect(found == [], "\(count) images")
    }
  }

  /// The number in the program is what the default goes by, and no other.
  @Test func `the default has no more tasks than pay`() {
    let others = [TeamProgram(steps: 5)]
    let first = TeamProgram(steps: 3, others: others)
    func perImage(_ threads: Int32, _ numbers: Int32...) -> Int32 {
      first.program.pointee.profitable_threads = numbers[0]
      others[0].program.pointee.profitable_threads = numbers[1]
      var options = vit_options()
      options.size = MemoryLayout<vit_options>.size
      options.threads = threads
      var model: OpaquePointer?
      #expect(vit_rt_create(first.program, &options, &model) == VIT_OK)
      defer { vit_rt_destroy(model) }
      return model.map { UnsafeMutablePointer<Model>($0).pointee.imageTasks } ?? 0
    }
    let all = availableProcessors()
    #expect(perImage(0, 1, 1) == 1)
    #expect(perImage(0, 1, all) == all)
    #expect(perImage(0, 1000, 1) == all)
    // Nothing is known.
    #expect(perImage(0, 1, 0) == all && perImage(0, 0, 0) == all)
    // Asked for.
    #expect(perImage(7, 1, 1) == 7)
  }

  /// Images of several sizes: teams are through with their images at different times.
  @Test(arguments: [1, 2, 3, 4, 6, 8], [false, true])
  func `teams run images of several sizes`(tasks: Int, isOwn: Bool) {
    let others = [TeamProgram(steps: 5), TeamProgram(steps: 0), TeamProgram(steps: 1)]
    let programs = [TeamProgram(steps: 3, others: others)] + others
    let made = Made(programs[0], tasks: tasks, isOwn: isOwn)
    for count in 1...2 * tasks + 1 {
      for shift in 0..<3 {
        // Every size comes first in some round.
        let numbers = (0..<count).map { ($0 * 3 + shift) % programs.count }
        let images = Self.images(count)
        let sizes = Self.teams(count: count, tasks: tasks)
        let faults = run(
          mixed: made, numbers.map { programs[$0] }, numbers: numbers, images: images,
          teams: sizes)
        #expect(faults == [], "\(count) images, sizes \(numbers)")
        if isOwn {
          let steps = numbers.map { programs[$0].stepCount }
          // Whole images of a mixed run are taken by whoever is free, teams are as always.
          #expect(made.takeCalls() == Self.calls(sizes, steps: steps, tasks: tasks))
        }
      }
    }
  }

  /// Runs a batch, and returns the images that have other values or other calls than they should.
  private func run(
    mixed made: Made, _ programs: [TeamProgram], numbers: [Int], images: [Float], teams: [Int]
  ) -> [Int] {
    let (n, most) = (TeamProgram.elements, TeamProgram.mostSteps)
    let places = programs.map { _ in
      let values = UnsafeMutablePointer<Float>.allocate(capacity: most * n)
      values.initialize(repeating: .nan, count: most * n)
      let calls = UnsafeMutablePointer<Float>.allocate(capacity: most * TeamProgram.mostTasks)
      calls.initialize(repeating: 0, count: most * TeamProgram.mostTasks)
      return (values, calls)
    }
    let tables = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(
      capacity: 2 * programs.count)
    for (index, place) in places.enumerated() {
      (tables + 2 * index).initialize(to: place.0)
      (tables + 2 * index + 1).initialize(to: place.1)
    }
    defer {
      tables.deallocate()
      for place in places {
        place.0.deallocate()
        place.1.deallocate()
      }
    }
    let status = images.withUnsafeBufferPointer { images in
      let records = numbers.enumerated().map { index, size in
        vit_sized_image(
          image: images.baseAddress.map { $0 + index * n }, outputs: tables + 2 * index,
          size: Int32(size), reserved: 0)
      }
      return vit_rt_run_mixed(made.first.program, made.context, records, records.count)
    }
    guard status == VIT_OK else { return Array(programs.indices) }
    return programs.indices.filter { index in
      let steps = programs[index].stepCount
      let values = (0..<steps * n).map { places[index].0[$0] }
      let calls = (0..<steps * TeamProgram.mostTasks).map { places[index].1[$0] }
      return values != programs[index].expected(images[index * n..<(index + 1) * n])
        || calls != programs[index].calls(team: teams[index])
    }
  }

  /// Each step has a time of its own, whatever the calling thread had a share in.
  @Test(arguments: [1, 4, 6], [false, true])
  func `steps of teams are timed`(tasks: Int, isOwn: Bool) {
    let made = Made(TeamProgram(steps: 3), tasks: tasks, isOwn: isOwn, measuresSteps: true)
    var runs: UInt64 = 0
    var last: UInt64 = 0
    for count in 1...2 * tasks + 1 {
      let images = Self.images(count)
      var values = [Float](repeating: .nan, count: count * 3 * TeamProgram.elements)
      #expect(vit_rt_run(made.first.program, made.context, images, count, &values) == VIT_OK)
      runs += 1
      var times: [UInt64] = [0, 0, 0, 7]
      var stats = vit_context_stats()
      stats.size = MemoryLayout<vit_context_stats>.size
      stats.step_capacity = 4
      let status = times.withUnsafeMutableBufferPointer { times in
        stats.step_nanoseconds = times.baseAddress
        return vit_rt_context_stats(made.first.program, made.context, &stats)
      }
      let sum = times.prefix(3).reduce(0, +)
      #expect(status == VIT_OK && stats.runs == runs && stats.step_count == 3 && times[3] == 7)
      #expect(times.prefix(3).allSatisfy { $0 > 0 } && sum <= stats.nanoseconds)
      // Every batch adds to them: whole images, teams, or both.
      #expect(sum > last)
      last = sum
    }
  }
}
