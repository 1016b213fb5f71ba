/// A `module.modulemap`, by which Swift and Clang import compiled models: one module for each model
/// in the folder.
struct ModuleMap {
  /// What tells vitc's module maps from others.
  static let title = "// Written by vitc: one module for each compiled model here."
  /// Words of the language of module maps, which name a module in quotes only.
  private static let keywords: Set<String> = [
    "config_macros", "conflict", "exclude", "explicit", "export", "export_as", "extern",
    "framework", "header", "link", "module", "private", "requires", "textual", "umbrella", "use",
  ]
  private var modules: [(name: String, lines: [String])] = []

  /// Takes over the modules of a map that vitc wrote; any other is replaced.
  init(existing: String?) {
    guard let existing, existing.hasPrefix(ModuleMap.title) else { return }
    for line in existing.split(separator: "\n").dropFirst() {
      if line.hasPrefix("module ") {
        let name = line.dropFirst(7).prefix { $0 != " " }
        modules.append((name.filter { $0 != "\"" }, [String(line)]))
      } else if !modules.isEmpty {
        modules[modules.count - 1].lines.append(String(line))
      }
    }
  }

  /// The text with one more module, or with that of the same name replaced.
  func adding(name: String, library: String?, needsMath: Bool) -> String {
    let quoted = ModuleMap.keywords.contains(name) ? "\"\(name)\"" : name
    var lines = ["module \(quoted) {", "  header \"\(name).h\""]
    // `link` names a library without "lib" and its suffix; others must be named by the user, as
    // those whose names the map cannot hold.
    if let library, library.hasPrefix("lib"), let dot = library.lastIndex(of: "."),
      !library.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
    {
      let name = library[..<dot].dropFirst(3).replacing("\\", with: "\\\\")
        .replacing("\"", with: "\\\"")
      lines.append("  link \"\(name)\"")
      if needsMath && library.hasSuffix(".a") { lines.append("  link \"m\"") }
    }
    lines += ["  export *", "}"]
    var all = modules.filter { $0.name != name }
    all.append((name, lines))
    all.sort { $0.name < $1.name }
    return ModuleMap.title + "\n" + all.flatMap(\.lines).joined(separator: "\n") + "\n"
  }
}
