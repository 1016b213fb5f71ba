/// The linker, for reports.
public enum LinkerPath {
  /// The path of the one that links libraries for this machine; `nil` where none is found.
  public static var host: String? { try? Tools.linker(for: .host).path }
}
