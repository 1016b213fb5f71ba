import Glibc

/// A `module.modulemap`, by which Swift and Clang import compiled models: one module for each model
/// in the folder.
struct ModuleMap {
  /// What tells vitc's module maps from others.
  private static let title = "// Written by vitc: one module for each compiled model here."
  private var modules: [(name: String, lines: [String])] = []

  /// Takes over the modules of a map that vitc wrote; any other is replaced.
  init(existing: String?) {
    guard let existing, existing.hasPrefix(ModuleMap.title) else { return }
    for line in existing.split(separator: "\n").dropFirst() {
      if line.hasPrefix("module ") {
        modules.append((String(line.dropFirst(7).prefix { $0 != " " }), [String(line)]))
      } else if !modules.isEmpty {
        modules[modules.count - 1].lines.append(String(line))
      }
    }
  }

  /// The text of the file at `path`, or `nil` without one.
  static func read(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      text += buffer[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The text with one more module, or with that of the same name replaced.
  func adding(name: String, library: String?, needsMath: Bool) -> String {
    var lines = ["module \(name) {", "  header \"\(name).h\""]
    // `link` names a library without "lib" and its suffix; others must be named by the user.
    if let library, library.hasPrefix("lib"), let dot = library.lastIndex(of: ".") {
      lines.append("  link \"\(library[..<dot].dropFirst(3))\"")
      if needsMath && library.hasSuffix(".a") { lines.append("  link \"m\"") }
    }
    lines += ["  export *", "}"]
    var all = modules.filter { $0.name != name }
    all.append((name, lines))
    all.sort { $0.name < $1.name }
    return ModuleMap.title + "\n" + all.flatMap(\.lines).joined(separator: "\n") + "\n"
  }
}
