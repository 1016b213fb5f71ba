import Diagnostics
import Glibc

/// What a model may see of a checkpoint: its tensors without the prefix of a wrapper, and without
/// those that the user wants ignored.
enum TensorSelection {
  /// Returns the checkpoint as the model is to see it.
  ///
  /// - Parameter patterns: of tensors to ignore, as shells have them, for whole names with or
  ///   without the prefix.
  /// - Throws: a pattern that matches nothing.
  static func selected(
    from checkpoint: any Checkpoint, ignoring patterns: [String]
  ) throws(Diagnostic) -> any Checkpoint {
    var unused = patterns
    let first = ignoring(checkpoint, patterns, &unused)
    switch WrapperPrefix.find(in: first.names) {
    case .none, .ambiguous:
      try check(unused, checkpoint)
      return first
    case .stripped(let prefix, let stored):
      let renamed = RenamedCheckpoint(
        first, stored: stored, notes: ["names of tensors are read without '\(prefix)'"])
      let second = ignoring(renamed, patterns, &unused)
      try check(unused, checkpoint)
      return second
    }
  }

  private static func ignoring(
    _ checkpoint: any Checkpoint, _ patterns: [String], _ unused: inout [String]
  ) -> any Checkpoint {
    guard !patterns.isEmpty else { return checkpoint }
    var kept: [String: String] = [:]
    for name in checkpoint.names {
      let matching = patterns.filter { fnmatch($0, name, 0) == 0 }
      unused.removeAll { matching.contains($0) }
      if matching.isEmpty { kept[name] = name }
    }
    let count = checkpoint.names.count - kept.count
    guard count > 0 else { return checkpoint }
    return RenamedCheckpoint(
      checkpoint, stored: kept, notes: ["--ignore leaves out \(count) of the tensors"])
  }

  private static func check(
    _ unused: [String], _ checkpoint: any Checkpoint
  ) throws(Diagnostic) {
    guard let pattern = unused.first else { return }
    throw Diagnostic(
      "no tensor of the checkpoint matches '\(pattern)'", at: .argument("--ignore"),
      hint: Suggestion.hint(for: pattern, in: checkpoint.names)
        ?? "'*' is any text, '?' any character, as in 'ema.*'")
  }
}
