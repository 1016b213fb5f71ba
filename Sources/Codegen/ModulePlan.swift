import Diagnostics
import IR
import Parallel
import Synchronization

/// The modules that a program is generated in, each in an LLVM context of its own.
///
/// Code of an instruction set is apart from what is said about the model, its name, its weights'
/// hash, its record: so the next model of the same architecture has the same code.
struct ModulePlan: Sendable {
  let graph: Graph
  let targets: [Target]
  let program: ProgramInfo
  let artifact: CodeGenerator.Artifact

  /// Makes the objects: the program's, then that of each target, taken from the store where it has
  /// them.
  ///
  /// Every module is emitted before any is compiled, since what members of a ``CodeFamily`` have in
  /// common is seen in what was emitted.
  func objects(store: (any ObjectStore)?) throws(Diagnostic) -> [[UInt8]] {
    let families = CodeFamily.all(of: targets)
    let keys = store == nil ? targets.map { _ in nil } : try self.keys(families)
    let known = targets.indices.map { position in
      keys[position].flatMap { store?.object(of: $0) }
    }

    // The modules that are not known, and those that they take functions from.
    let needed = Set(
      families.flatMap { family in
        family.members.filter { known[$0] == nil }
          .flatMap { family.earlier(than: $0, targets) + [$0] }
      })
    let modules = try Self.each(targets.count) { (position) throws(Diagnostic) in
      needed.contains(position) ? try CodeModule(self, position) : nil
    }
    for family in families where family.members.count > 1 {
      let texts = TextNumbers()
      var code: [Int: ModuleCode] = [:]
      for position in family.members { code[position] = modules[position]?.code(texts) }
      for position in family.members where known[position] == nil {
        modules[position]?.share(
          as: CodeFamily.suffix(targets[position]),
          taking: family.taken(by: position, targets, code))
      }
    }
    return try Self.each(1 + targets.count) { (part) throws(Diagnostic) in
      guard part > 0 else { return try programObject() }
      if let known = known[part - 1] { return known }
      guard let module = modules[part - 1] else {
        preconditionFailure("a module that is not known was emitted")
      }
      let object = try module.emitted(by: self)
      if let key = keys[part - 1] { store?.keep(object, of: key) }
      return object
    }
  }

  /// The key of each target's module.
  private func keys(_ families: [CodeFamily]) throws(Diagnostic) -> [ModuleKey?] {
    let texts = try Self.each(targets.count) { (position) throws(Diagnostic) in
      StepTexts(try self.steps(position), for: targets[position])
    }
    return targets.indices.map { position in
      families.first { $0.members.contains(position) }.map { family in
        ModuleKey(
          texts[position], at: position, isShared: family.members.count > 1,
          after: family.earlier(than: position, targets).map { texts[$0] })
      }
    }
  }

  /// Makes the text of each target's module; the program is in the first one.
  func texts() throws(Diagnostic) -> [[UInt8]] {
    try Self.each(targets.count) { (position) throws(Diagnostic) in
      try CodeModule(self, position).emitted(by: self)
    }
  }

  /// The module of a target's code, in an LLVM context of its own: one thread at a time uses it.
  private final class CodeModule: @unchecked Sendable {
    /// `nil` once it was emitted: not all modules need be in memory until the last one is compiled.
    private var module: Module?

    init(_ plan: ModulePlan, _ position: Int) throws(Diagnostic) {
      let target = plan.targets[position]
      let module = Module(name: target.name, target: target)
      try plan.emitCode(module.builder, position)
      self.module = consume module
    }

    func code(_ texts: TextNumbers) -> ModuleCode { module?.code(texts) ?? ModuleCode() }

    func share(as suffix: String, taking taken: [String: String]) {
      module?.share(as: suffix, taking: taken)
    }

    func emitted(by plan: ModulePlan) throws(Diagnostic) -> [UInt8] {
      guard let module = module.take() else { preconditionFailure("a module is emitted once") }
      return try plan.emit(module)
    }
  }

  /// Makes something of every number below `count` on several threads, the last first: the best
  /// target has the largest tiles and takes longest.
  private static func each<Made: Sendable>(
    _ count: Int, _ make: @Sendable (Int) throws(Diagnostic) -> Made
  ) throws(Diagnostic) -> [Made] {
    let results = Mutex<[Result<Made, Diagnostic>?]>(Array(repeating: nil, count: count))
    Parallel.forEach(count) { iteration in
      let position = count - 1 - iteration
      let result = Result { () throws(Diagnostic) in try make(position) }
      results.withLock { $0[position] = result }
    }
    var made: [Made] = []
    for case .some(let result) in results.withLock({ $0 }) { made.append(try result.get()) }
    return made
  }

  /// The steps of each size on a target.
  private func steps(_ position: Int) throws(Diagnostic) -> [[Step]] {
    try program.sizes(graph).map { (size) throws(Diagnostic) in
      try Step.all(size.graph, for: targets[position])
    }
  }

  /// Emits the code of a target: a function of its steps, and of nothing else where it becomes an
  /// object.
  ///
  /// Kernels that are equal are one function, whatever size asks for them.
  private func emitCode(_ builder: Builder, _ position: Int) throws(Diagnostic) {
    var isas: [Value] = []
    for (number, steps) in try steps(position).enumerated() {
      var emitter = StepEmitter(
        builder: builder, prefix: number == 0 ? "step" : "size\(number)_step")
      for step in steps { emitter.emit(step) }
      isas.append(
        builder.isa(
          position, size: number, steps: emitter.functions, scratchBytes: emitter.scratchBytes))
    }
    if position == 0, artifact != .object { try emitProgram(builder, first: isas) }
  }

  /// Makes the object of the tables and the exported functions.
  private func programObject() throws(Diagnostic) -> [UInt8] {
    // Named after nothing that says more than the program does.
    let module = Module(name: "program", target: targets[0])
    try emitProgram(module.builder)
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
