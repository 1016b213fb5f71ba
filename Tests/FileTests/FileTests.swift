import Foundation
import Testing

@Suite struct FileTests {
  @Test(arguments: FileTest.discover())
  func `case`(_ test: FileTest) throws {
    let text = try String(contentsOf: test.url, encoding: .utf8)
    let observed: String
    do {
      observed = try test.observed(text)
    } catch {
      Issue.record("\(test.name): \(error)")
      return
    }
    guard observed != text else { return }
    if FileTest.isBlessing {
      try observed.write(to: test.url, atomically: true, encoding: .utf8)
    } else {
      Issue.record("\(test.name): \(Self.difference(text, observed))")
    }
  }

  @Test func `there are cases of every command`() {
    let names = FileTest.discover().map(\.name)
    guard ProcessInfo.processInfo.environment["VITC_FILETEST"] == nil else { return }
    for command in FileTest.commands.keys {
      #expect(names.contains { $0.hasPrefix(command + "/") }, "no case of '\(command)'")
    }
  }

  /// Says where two texts part, and shows the second one whole.
  private static func difference(_ expected: String, _ observed: String) -> String {
    let a = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let b = observed.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(a, b).prefix { $0 == $1 }.count
    let (x, y) = (line < a.count ? a[line] : "", line < b.count ? b[line] : "")
    return """
      line \(line + 1) differs (BLESS=1 rewrites the file)
      in the file: \(x)
      observed:    \(y)
      the whole:
      \(observed)
      """
  }
}
