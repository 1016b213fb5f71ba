import IR

/// Turns a planned graph into one module: a function for each operation that does something, and
/// the tables and exported functions of the compiled model.
public enum CodeGenerator {
  /// What is made of the module.
  public enum Artifact: String, Hashable, Sendable, CaseIterable {
    /// A relocatable ELF object.
    case object
    /// Assembly text.
    case assembly
    /// LLVM's text form, after the passes.
    case llvm
  }

  /// A generated module.
  public struct Output: Sendable {
    /// The object, or the text in UTF-8.
    public let bytes: [UInt8]
    /// The scratch memory of one task in bytes, as the module tells the runtime.
    public let scratchBytes: Int
    /// The names of the nodes whose phases run, in order.
    public let phases: [String]
  }

  /// The symbol, hidden, that the embedded weights must have; see `ProgramInfo.weightsFileName`.
  public static let weightsSymbol = "vit_weights_blob"

  /// The nodes of a planned graph that something is executed for, in order: the phases of the
  /// compiled model.
  public static func phases(of graph: Graph) -> [Node] { graph.nodes.filter(hasPhase) }

  /// `true` iff something is executed for a node of a planned graph: operations on weights alone
  /// are evaluated when the weights are written, and views do nothing.
  static func hasPhase(_ node: Node) -> Bool {
    switch node.placement?.space {
    case nil, .weights, .image: false
    case .arena, .output: !node.op.isView
    }
  }

  /// Generates code.
  ///
  /// Equal arguments give equal bytes.
  ///
  /// - Parameters:
  ///   - graph: in the planned form, verified.
  ///   - target: the instruction set.
  ///   - program: what the model says about itself.
  ///   - artifact: what to make of it.
  /// - Throws: a value without a place, an operation that cannot run, a failure of LLVM.
  public static func generate(
    _ graph: Graph, for target: Target, program: ProgramInfo, as artifact: Artifact = .object
  ) throws(Diagnostic) -> Output {
    guard graph.form == .planned else {
      throw Diagnostic(
        "code is generated from the planned form, found the \(graph.form.rawValue) form")
    }
    let machine = try TargetMachine(target)
    let module = Module(name: program.name, target: target)
    let builder = module.builder
    var phases = PhaseEmitter(builder: builder, graph: graph)
    for value in graph.values { try phases.emit(value) }
    try ProgramEmitter(builder: builder, graph: graph, program: program).emit(
      phases: phases.functions, scratchBytes: phases.scratchBytes)
    try machine.optimize(module)
    let bytes: [UInt8]
    switch artifact {
    case .object: bytes = try machine.object(of: module)
    case .assembly: bytes = Array(try machine.assembly(of: module).utf8)
    case .llvm: bytes = Array(module.text.utf8)
    }
    return Output(bytes: bytes, scratchBytes: phases.scratchBytes, phases: phases.names)
  }
}
