import CVitABI
import Foundation
import Testing

@testable import VitRuntime

/// What contexts count.
@Suite struct StatsTests {
  @Test(arguments: [1, 2, 3], [false, true])
  func runsImagesAndTime(threads: Int, isOwn: Bool) throws {
    var options = VitOptions(threads: threads, measuresSteps: true)
    if isOwn {
      options.parallelFor = { count, task in for index in 0..<count { task(index) } }
    }
    let measured = try VitModel(path: Fixture.library(), options: options).makeContext()
    let zero = try measured.stats()
    #expect(zero.runs == 0 && zero.images == 0 && zero.nanoseconds == 0)
    #expect(zero.steps.map { $0.nanoseconds } == [0, 0, 0])
    let start = ContinuousClock.now
    for count in [1, 2, 7] {
      let images = Fixture.images(count)
      // The same bits as without.
      #expect(
        try measured.run(images: images, count: count) == Fixture.expected(images).logits)
    }
    let elapsed = ContinuousClock.now - start
    // A run that is refused is none.
    #expect(throws: VitError.self) { try measured.run(images: [], count: 0) }
    let found = try measured.stats()
    #expect(found.runs == 3 && found.images == 10)
    #expect(found.nanoseconds > 0)
    #expect(Duration.nanoseconds(Int64(found.nanoseconds)) <= elapsed)
    // Steps follow each other within runs.
    let sum = found.steps.reduce(0) { $0 + $1.nanoseconds }
    #expect(sum > 0 && sum <= found.nanoseconds)
    #expect(found.steps.map { $0.name } == ["step 0", "step 1", "step 2"])
    // Each context for itself.
    #expect(try measured.model.makeContext().stats().runs == 0)
  }

  @Test func stepsOnlyWhereTheyAreWanted() throws {
    let context = try VitModel(path: Fixture.library(), options: VitOptions(threads: 2))
      .makeContext()
    _ = try context.run(images: Fixture.images(5), count: 5)
    let found = try context.stats()
    #expect(found.runs == 1 && found.images == 5 && found.steps.isEmpty)
  }

  @Test func wrongStructsAreNamed() throws {
    let model = try VitModel(
      path: Fixture.library(), options: VitOptions(threads: 1, measuresSteps: true))
    let context = try model.makeContext()
    _ = try context.run(images: Fixture.images(1))
    let function = try #require(model.entry.pointee.context_stats)
    func text(_ status: vit_status) -> String {
      status == VIT_OK ? "" : model.entry.pointee.last_error().map { String(cString: $0) } ?? ""
    }
    var raw = vit_context_stats()
    #expect(
      text(function(context.handle, &raw))
        == "stats.size is 0, expected sizeof of the stats struct, 48")
    raw.size = MemoryLayout<vit_context_stats>.size
    raw.step_capacity = -1
    #expect(text(function(context.handle, &raw)) == "stats.step_capacity is negative")
    #expect(text(function(context.handle, nil)) == "stats is null")
    #expect(text(function(nil, &raw)) == "context is null")
    // No more is written than there is room for.
    var times: [UInt64] = [7, 7, 7]
    raw.step_capacity = 2
    let status = times.withUnsafeMutableBufferPointer { times in
      raw.step_nanoseconds = times.baseAddress
      return function(context.handle, &raw)
    }
    #expect(status == VIT_OK && raw.step_count == 3)
    #expect(times[2] == 7 && times[0] != 7)
  }
}
