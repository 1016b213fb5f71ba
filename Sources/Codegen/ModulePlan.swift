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
      let steps = try Step.all(graph, for: target)
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
  private func code(_ position: Int, _ steps: [Step]) throws(Diagnostic) -> [UInt8] {
    let module = Module(name: targets[position].name, target: targets[position])
    let builder = module.builder
    var emitter = StepEmitter(builder: builder)
    for step in steps { emitter.emit(step) }
    let isa = builder.isa(
      position, steps: emitter.functions, scratchBytes: emitter.scratchBytes)
    if position == 0, artifact != .object { try emitProgram(builder, first: isa) }
    return try emit(module)
  }

  /// Emits the program into a module, which has the record of the first target's code or, where
  /// none is given, leaves it to another.
  private func emitProgram(_ builder: Builder, first: Value? = nil) throws(Diagnostic) {
    let isas = targets.indices.map { position in
      position == 0 ? first ?? builder.declareISA(0) : builder.declareISA(position)
    }
    try ProgramEmitter(builder: builder, graph: graph, program: program, targets: targets)
      .emit(isas: isas, steps: CodeGenerator.steps(of: graph).count)
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
