import CVitSystem
import Synchronization

/// What `vit_model *` points to: the weights and how to split work.
///
/// Immutable but for the count of its users, so any number of contexts share it.
struct Model: ~Copyable {
  /// The handle itself and each context.
  let users = Atomic<Int>(1)
  let weights: Weights
  /// The place of the code that runs among a program's instruction sets.
  let isa: Int32
  /// Tasks that a run is split into.
  let tasks: Int32
  /// Tasks that work on one image, at most: as many as the caller asks for, or no more than pay.
  var imageTasks: Int32
  let processors: Int32
  let parallelFor: vit_parallel_for?
  let parallelForContext: UnsafeMutableRawPointer?
  /// `true` iff contexts measure the time of each step.
  let measuresSteps: Bool

  init(
    _ program: UnsafePointer<vit_program>, weights: Weights, isa: Int32, options: Options
  ) {
    let processors = availableProcessors()
    self.weights = weights
    self.isa = isa
    self.processors = processors
    tasks = options.threads == 0 ? processors : options.threads
    imageTasks = options.threads == 0 ? min(tasks, program.profitableThreads) : tasks
    parallelFor = options.parallelFor
    parallelForContext = options.parallelForContext
    measuresSteps = options.measuresSteps
  }

  /// Checks the machine and the options, finds the weights, makes the model.
  static func create(
    _ program: UnsafePointer<vit_program>, _ options: UnsafePointer<vit_options>?,
    _ result: UnsafeMutablePointer<OpaquePointer?>
  ) -> vit_status {
    let status = Options.check(options, program)
    guard status == VIT_OK else { return status }
    let taken = Options(options)
    var chosen: Int32?
    let choice = InstructionSet.choose(
      program, named: taken.isa, isUsed: true, into: &chosen)
    guard choice == VIT_OK, let isa = chosen else { return choice }

    var found: Weights?
    let loaded = Weights.load(program, path: taken.weightsPath, into: &found)
    guard loaded == VIT_OK, let weights = found else { return loaded }
    guard let memory = malloc(numericCast(MemoryLayout<Model>.size)) else {
      weights.release()
      return fail(program, VIT_OUT_OF_MEMORY, "no memory for the model")
    }
    let model = memory.bindMemory(to: Model.self, capacity: 1)
    model.initialize(
      to: Model(program, weights: weights, isa: isa, options: taken))
    result.pointee = OpaquePointer(model)
    return VIT_OK
  }
}

extension UnsafeMutablePointer where Pointee == Model {
  /// One more user.
  func retain() { pointee.users.wrappingAdd(1, ordering: .relaxed) }

  /// One user less; the last one frees the model.
  func release() {
    guard pointee.users.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else {
      return
    }
    pointee.weights.release()
    free(self)
  }
}
