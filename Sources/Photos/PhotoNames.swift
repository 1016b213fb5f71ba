import Diagnostics
import Files

/// The photos that arguments name, with what was found beside them.
public struct PhotoNames: Sendable {
  /// The photos' paths, in the order of the arguments, and in a folder in that of the names.
  public private(set) var paths: [String] = []
  /// Files that are not photos, and why; in the order in which they were found.
  public private(set) var skipped: [(path: String, reason: String)] = []
  /// What should be told, such as a folder that may not be read.
  public private(set) var warnings: [Diagnostic] = []

  /// Takes the arguments as ``PhotoWalk`` does.
  ///
  /// Errors: a folder that cannot be read.
  public init(_ arguments: [String]) throws(Diagnostic) {
    try PhotoWalk.visit(arguments, ScratchSpace()) { (found) throws(Diagnostic) in
      switch found {
      case .photo(let path): paths.append(path)
      case .skipped(let path, let reason): skipped.append((path, reason))
      case .unlistable(let path): skipped.append((path, PhotoWalk.unlistableReason))
      case .unusable(let path): skipped.append((path, PhotoWalk.unusableReason))
      case .warning(let warning): warnings.append(warning)
      }
    }
  }
}
