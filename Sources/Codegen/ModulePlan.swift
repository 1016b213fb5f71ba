import Diagnostics
import IR

/// The modules that a program is generated in, each in an LLVM context of its own.
///
/// Code of an instruction set is apart from what is said about the model, its name, its weights'
/// hash, its record: so the next model of the same architecture has the same code.
struct ModulePlan: Sendable {
  let graph: Graph
  let targets: [Target]
  let program: ProgramInfo
  let artifact: CodeGenerator.Artifact

  /// What is a module.
  enum Part: Hashable, Sendable {
    /// The tables and the exported functions.
    case program
    /// The steps for the target at this position; as text, the program is in the first one.
    case code(Int)
  }

  /// The modules, in order.
  var parts: [Part] {
    (artifact == .object ? [Part.program] : []) + targets.indices.map { .code($0) }
  }

  /// Makes a module; or takes its object from the store.
  func module(_ part: Part, store: (any ObjectStore)?) throws(Diagnostic) -> [UInt8] {
    switch part {
    case .program:
      // Named after nothing that says more than the program does.
      let module = Module(name: "program", target: targets[0])
      try emitProgram(module.builder)
      return try emit(module)
    case .code(let position):
      let target = targets[position]
      let steps = try program.sizes(graph).map { (size) throws(Diagnostic) in
        try Step.all(size.graph, for: target)
      }
      guard artifact == .object, let store else { return try code(position, steps) }
      let key = ModuleKey(target, at: position, of: steps)
      if let known = store.object(of: key) { return known }
      let object = try code(position, steps)
      store.keep(object, of: key)
      return object
    }
  }

  /// Generates the code of a target: a function of what ``ModuleKey`` says, and of nothing else
  /// where it becomes an object.
  ///
  /// - Parameter sizes: the steps of each size. Kernels that are equal are one function, whatever
  ///   size asks for them.
  private func code(_ position: Int, _ sizes: [[Step]]) throws(Diagnostic) -> [UInt8] {
    let module = Module(name: targets[position].name, target: targets[position])
    let builder = module.builder
    var isas: [Value] = []
    for (number, steps) in sizes.enumerated() {
      var emitter = StepEmitter(
        builder: builder, prefix: number == 0 ? "step" : "size\(number)_step")
      for step in steps { emitter.emit(step) }
      isas.append(
        builder.isa(
          position, size: number, steps: emitter.functions, scratchBytes: emitter.scratchBytes))
    }
    if position == 0, artifact != .object { try emitProgram(builder, first: isas) }
    return try emit(module)
  }

  /// Emits the program into a module, which has the records of the first target's code, one for
  /// each size, or, where none are given, leaves them to another.
  private func emitProgram(_ builder: Builder, first: [Value] = []) throws(Diagnostic) {
    let parts = try program.sizes(graph).enumerated().map {
      (number, size) throws(Diagnostic) in
      ProgramEmitter.Part(
        size: size,
        isas: targets.indices.map { position in
          position == 0 && number < first.count
            ? first[number] : builder.declareISA(position, size: number)
        }, steps: CodeGenerator.steps(of: size.graph).count,
        profitableThreads: try CodeGenerator.profitableThreads(of: size.graph))
    }
    try ProgramEmitter(builder: builder, parts: parts, program: program, targets: targets).emit()
  }

  private func emit(_ module: borrowing Module) throws(Diagnostic) -> [UInt8] {
    let machine = try TargetMachine(module.builder.target)
    try machine.optimize(module)
    switch artifact {
    case .object: return try machine.object(of: module)
    case .assembly: return Array(try machine.assembly(of: module).utf8)
    case .llvm: return Array(module.text.utf8)
    }
  }
}
