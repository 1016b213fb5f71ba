import Diagnostics
import IR

/// Turns a planned graph into code: for each instruction set a module with a function for each
/// operation that does something, and one with the tables and the exported functions of the
/// compiled model; as text, these are in the first of the others.
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

  /// The generated modules.
  public struct Output: Sendable {
    /// The program's object, then that of each target; or the text of each target, in UTF-8.
    public let modules: [[UInt8]]
    /// The names of the nodes whose steps run, in order; of the first size.
    public let steps: [String]
  }

  /// The symbol, hidden, that the embedded weights must have; see `ProgramInfo.weightsFileName`.
  public static let weightsSymbol = "vit_weights_blob"

  /// The nodes of a planned graph that something is executed for, in order: the steps of the
  /// compiled model.
  public static func steps(of graph: Graph) -> [Node] { graph.nodes.filter(hasStep) }

  /// `true` iff something is executed for a node of a planned graph: operations on weights alone
  /// are evaluated when the weights are written, and views do nothing.
  static func hasStep(_ node: Node) -> Bool {
    switch node.placement?.space {
    case nil, .weights, .image: false
    case .arena, .output: !node.op.isView
    }
  }

  /// Generates code.
  ///
  /// Equal arguments give equal bytes, whatever the store has.
  ///
  /// - Parameters:
  ///   - graph: in the planned form, verified; of a model for several sizes that of the first.
  ///   - targets: the instruction sets, of one architecture, from the baseline to the best.
  ///   - program: what the model says about itself.
  ///   - artifact: what to make of it.
  ///   - store: has objects that were generated before.
  /// - Throws: a value without a place, an operation that cannot run, a failure of LLVM.
  public static func generate(
    _ graph: Graph, for targets: [Target], program: ProgramInfo, as artifact: Artifact = .object,
    store: (any ObjectStore)? = nil
  ) throws(Diagnostic) -> Output {
    for graph in program.sizes(graph).map(\.graph) where graph.form != .planned {
      throw Diagnostic(
        "code is generated from the planned form, found the \(graph.form.rawValue) form")
    }
    let plan = ModulePlan(graph: graph, targets: targets, program: program, artifact: artifact)
    let modules = artifact == .object ? try plan.objects(store: store) : try plan.texts()
    return Output(modules: modules, steps: steps(of: graph).map(\.name))
  }
}
