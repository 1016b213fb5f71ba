import CVitABI
import Glibc
import RuntimeForTests
import Synchronization

/// A compiled model by hand, of any number of steps, which takes down how it is called.
///
///     values[s, i] = 2 values[s-1, i] + values[s-1, N-1-i]      s < steps, i < N
///     calls[s, t]  = the number of tasks of the call for task t of step s, once for each call
///
/// `values[-1]` is the image, and `values` is not a number before a run. A step reads what other
/// tasks of the step before left in the arena.
final class TeamProgram {
  /// Elements of the image, of which there are more than tasks.
  static let elements = 25
  /// Tasks that have a place.
  static let mostTasks = 8
  /// The most steps that there are functions for.
  static let mostSteps = 5

  let program: UnsafeMutablePointer<vit_program>
  let stepCount: Int
  private let description: UnsafeMutablePointer<vit_description>
  private let outputs: UnsafeMutablePointer<vit_tensor>
  private let steps: UnsafeMutablePointer<vit_step?>
  private let isa: UnsafeMutablePointer<vit_isa>
  private let isas: UnsafeMutablePointer<UnsafePointer<vit_isa>?>
  private let weights: UnsafeMutablePointer<Float>
  private let further: UnsafeMutablePointer<UnsafePointer<vit_program>?>
  /// What `further` points to.
  private let others: [TeamProgram]

  init(steps stepCount: Int, others: [TeamProgram] = []) {
    self.stepCount = stepCount
    self.others = others
    description = .allocate(capacity: 1)
    description.initialize(to: vit_description())
    outputs = .allocate(capacity: 2)
    outputs.initialize(repeating: vit_tensor(), count: 2)
    outputs[0].elements = UInt64(stepCount * Self.elements)
    outputs[1].elements = UInt64(stepCount * Self.mostTasks)
    description.pointee.output_count = 2
    description.pointee.outputs = UnsafePointer(outputs)
    description.pointee.input.elements = UInt64(Self.elements)
    steps = .allocate(capacity: Self.mostSteps)
    let functions: [vit_step] = [
      { advance($0, 0, $1, $2) }, { advance($0, 1, $1, $2) }, { advance($0, 2, $1, $2) },
      { advance($0, 3, $1, $2) }, { advance($0, 4, $1, $2) },
    ]
    for (index, function) in functions.enumerated() { steps[index] = function }
    weights = .allocate(capacity: 16)
    weights.initialize(repeating: 0, count: 16)
    isa = .allocate(capacity: 1)
    isa.initialize(to: vit_isa())
    isa.pointee.steps = UnsafePointer(steps)
    isas = .allocate(capacity: 1)
    isas.initialize(to: UnsafePointer(isa))
    further = .allocate(capacity: max(1, others.count))
    for (index, other) in others.enumerated() { further[index] = UnsafePointer(other.program) }
    program = .allocate(capacity: 1)
    program.initialize(to: vit_program())
    program.pointee.size = MemoryLayout<vit_program>.size
    program.pointee.description = UnsafePointer(description)
    program.pointee.weights = UnsafeRawPointer(weights).assumingMemoryBound(to: CChar.self)
    program.pointee.weights_bytes = 64
    program.pointee.arena_bytes = UInt64(2 * 4 * Self.elements)
    program.pointee.step_count = Int32(stepCount)
    program.pointee.isa_count = 1
    program.pointee.isas = UnsafePointer(isas)
    program.pointee.further_count = Int32(others.count)
    program.pointee.further = UnsafePointer(further)
  }

  deinit {
    program.deallocate()
    further.deallocate()
    weights.deallocate()
    steps.deallocate()
    isa.deallocate()
    isas.deallocate()
    outputs.deallocate()
    description.deallocate()
  }

  /// The values of an image.
  func expected(_ image: ArraySlice<Float>) -> [Float] {
    var (last, all) = (Array(image), [Float]())
    for _ in 0..<stepCount {
      last = last.indices.map { 2 * last[$0] + last[last.count - 1 - $0] }
      all += last
    }
    return all
  }

  /// The calls of an image that a team of `size` tasks runs.
  func calls(team size: Int) -> [Float] {
    (0..<stepCount).flatMap { _ in
      (0..<Self.mostTasks).map { $0 < size ? Float(size) : 0 }
    }
  }
}

private func advance(
  _ frame: UnsafePointer<vit_frame>?, _ step: Int, _ task: Int32, _ count: Int32
) {
  let n = TeamProgram.elements
  let share = (n * Int(task) / Int(count))..<(n * Int(task + 1) / Int(count))
  guard let frame = frame?.pointee, let image = frame.image,
    let values = frame.outputs[0]?.assumingMemoryBound(to: Float.self),
    let calls = frame.outputs[1]?.assumingMemoryBound(to: Float.self)
  else { return }
  if frame.spare == 0 { calls[step * TeamProgram.mostTasks + Int(task)] += Float(count) }
  frame.arena.withMemoryRebound(to: Float.self, capacity: 2 * n) { arena in
    let from = step == 0 ? image : UnsafePointer(arena + (step - 1) % 2 * n)
    let to = arena + step % 2 * n
    forPieces(frame, task, of: share.count) { piece in
      let i = share.lowerBound + piece
      to[i] = 2 * from[i] + from[n - 1 - i]
      // Were a piece done twice, it would show.
      values[step * n + i] = values[step * n + i].isNaN ? to[i] : .infinity
    }
  }
}

/// What generated code does to find its pieces.
private func forPieces(
  _ frame: vit_frame, _ task: Int32, of total: Int, _ body: (Int) -> Void
) {
  guard let counters = frame.pieces else { return (0..<total).forEach(body) }
  let counter = UnsafeMutableRawPointer(counters + Int(task) * Int(VIT_PIECES_BYTES))
    .assumingMemoryBound(to: Counter.self)
  while Int(counter.pointee.taken.load(ordering: .relaxed)) + Int(frame.spare) < total {
    let piece = Int(counter.pointee.taken.wrappingAdd(1, ordering: .relaxed).oldValue)
    guard piece < total else { return }
    body(piece)
    // Some are slower than others, who then help.
    if frame.spare == 0 && task % 2 == 0 { sched_yield() }
  }
}

private struct Counter: ~Copyable {
  let taken: Atomic<UInt32>
}
