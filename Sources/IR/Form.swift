/// A stage of compilation: a promise about what a graph contains.
///
/// Each operation says in which forms it may be; the verifier holds a graph to its form.
public enum Form: String, Hashable, Sendable, CaseIterable, Comparable {
  /// What the model says, in the textbook's operations.
  case imported
  /// Few, large operations: fused linear layers and attentions with everything around them fused
  /// in.
  case fused
  /// Weights packed, every value placed in memory; code generation reads this form only.
  case planned

  /// Forms are ordered as compilation passes through them.
  public static func < (a: Form, b: Form) -> Bool { a.rank < b.rank }

  private var rank: Int {
    switch self {
    case .imported: 0
    case .fused: 1
    case .planned: 2
    }
  }
}
