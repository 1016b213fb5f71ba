import CVersion
import Diagnostics

/// The linker, for reports.
public enum LinkerPath {
  /// The path of the one that links libraries for this machine, or the version of the one that is a
  /// part of vitc; `nil` where none is found.
  public static var host: String? {
    guard let linker = try? Tools.linker(for: .host) else { return nil }
    return linker.isBuiltIn ? builtIn.map { "\($0) inside vitc" } : linker.path
  }

  /// What the linker for an architecture says of its version, such as `LLD 19.1.7`; `nil` where
  /// none is found, or it says nothing.
  public static func version(for architecture: Architecture) -> String? {
    guard let linker = try? Tools.linker(for: architecture) else { return nil }
    if linker.isBuiltIn { return builtIn }
    guard let text = try? Command.output(linker.path, ["--version"]),
      let line = text.split(separator: "\n").first
    else { return nil }
    // "Debian LLD 19.1.7 (compatible with GNU linkers)", "GNU ld (GNU Binutils for Debian) 2.40"
    return String(line).replacing(" (compatible with GNU linkers)", with: "")
  }

  private static var builtIn: String? { vitc_linker().map { String(cString: $0) } }
}
