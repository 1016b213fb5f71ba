import Foundation

/// Doc comments of the package's own sources, as Markdown.
enum DocComments {
  /// The root of the package.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The lines of every Swift file below `folder`, by path.
  static func sources(_ folder: String) throws -> [(path: String, lines: [String])] {
    let base = root.appending(path: folder)
    let paths = FileManager.default.enumerator(atPath: base.path)?.allObjects ?? []
    return try paths.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map {
      let text = try String(contentsOf: base.appending(path: $0), encoding: .utf8)
      return ("\(folder)/\($0)", text.components(separatedBy: "\n"))
    }
  }

  /// The doc comment that ends just above line `index`, without its slashes.
  static func above(_ index: Int, in lines: [String]) -> [String] {
    let above = lines[..<index].reversed().prefix { isDoc($0) }.reversed()
    return above.map { line in
      let text = line.drop { $0 == " " }.dropFirst(3)
      return String(text.hasPrefix(" ") ? text.dropFirst() : text)
    }
  }

  /// Markdown of a doc comment: indented code is put between fences.
  static func markdown(_ lines: [String]) -> String {
    var result: [String] = []
    var isCode = false
    for line in lines {
      let indented = line.hasPrefix("    ")
      if indented != isCode {
        if indented {
          if result.last?.isEmpty == false { result.append("") }
          result.append("```")
        } else {
          result.append("```")
          if !line.isEmpty { result.append("") }
        }
        isCode = indented
      }
      result.append(indented ? String(line.dropFirst(4)) : line)
    }
    if isCode { result.append("```") }
    return result.joined(separator: "\n")
  }

  private static func isDoc(_ line: String) -> Bool {
    line.drop { $0 == " " }.hasPrefix("///")
  }
}
