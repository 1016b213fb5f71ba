import Diagnostics

/// The linker, for reports.
public enum LinkerPath {
  /// The path of the one that links libraries for this machine; `nil` where none is found.
  public static var host: String? { try? Tools.linker(for: .host).path }

  /// What the linker for an architecture says of its version, such as `LLD 19.1.7`; `nil` where
  /// none is found, or it says nothing.
  public static func version(for architecture: Architecture) -> String? {
    guard let path = try? Tools.linker(for: architecture).path,
      let text = try? Command.output(path, ["--version"]),
      let line = text.split(separator: "\n").first
    else { return nil }
    // "Debian LLD 19.1.7 (compatible with GNU linkers)", "GNU ld (GNU Binutils for Debian) 2.40"
    return String(line).replacing(" (compatible with GNU linkers)", with: "")
  }
}
