import Diagnostics
import Foundation
import Testing

@testable import Files

/// Texts in files without names, sorted and in order; lines of files; walks through large folders.
@Suite struct StoredTextsTests {
  private func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/vitc-stored-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  private func texts(_ count: Int) -> [String] {
    let signs = ["", "a", "\n", "\0", "ä", "\u{301}", "🦆", "zz"]
    return (0..<count).map { index in
      let number = index &* 2_654_435_761 % 1013
      return signs[number % 8] + String(number) + signs[index % 8]
    }
  }

  private func all(_ next: () throws(Diagnostic) -> String?) throws -> [String] {
    var found: [String] = []
    while let text = try next() { found.append(text) }
    return found
  }

  /// Every size of what is kept in memory: one text, some, all.
  @Test(arguments: [1, 40, 1000, 1 << 18])
  func textsComeBackInOrder(memory: Int) throws {
    try withFolder { folder in
      let space = ScratchSpace(beside: folder + "/out.npy", memoryBytes: memory)
      let stored = StoredTexts(space)
      let texts = texts(700) + [String(repeating: "x", count: 100_000)]
      for (index, text) in texts.enumerated() {
        try stored.append(text)
        #expect(stored.count == index + 1)
        // What is read between does not disturb what is added.
        if index % 233 == 0 {
          let reader = try stored.reader()
          #expect(try all(reader.next) == Array(texts[...index]))
        }
      }
      let (one, other) = (try stored.reader(), try stored.reader())
      #expect(try one.next() == texts[0])
      #expect(try all(other.next) == texts)
      #expect(try all(one.next) == Array(texts[1...]))
      // Nothing can be seen of it, also before it ends.
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      withExtendedLifetime(stored) {}
    }
  }

  /// With one text a part 1300 parts make parts of parts.
  @Test(arguments: [1, 300, 1 << 18])
  func textsAreSorted(memory: Int) throws {
    let space = ScratchSpace(memoryBytes: memory)
    let texts = texts(1300)
    var (strings, bytes) = (TextSorter(space, by: .strings), TextSorter(space, by: .bytes))
    #expect(strings.isEmpty && bytes.isEmpty)
    for text in texts {
      try strings.append(text)
      try bytes.append(text)
    }
    #expect(!strings.isEmpty && !bytes.isEmpty)
    let sorted = try strings.sorted()
    #expect(try all(sorted.next) == texts.sorted())
    let byBytes = try bytes.sorted()
    #expect(
      try all(byBytes.next).map { Array($0.utf8) }
        == texts.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
  }

  /// Two spellings of one name are two names, in one order however they come.
  @Test func equalStringsComeByTheirBytes() throws {
    let (composed, apart) = ("\u{E4}", "a\u{308}")
    for texts in [[composed, apart], [apart, composed]] {
      var sorter = TextSorter(ScratchSpace(memoryBytes: 1), by: .strings)
      for text in texts { try sorter.append(text) }
      let sorted = try sorter.sorted()
      #expect(
        try all(sorted.next).map { Array($0.utf8) } == [Array(apart.utf8), Array(composed.utf8)])
    }
  }

  @Test func temporaryFolderIsTheFallback() throws {
    let space = ScratchSpace(beside: "/proc/none/out.npy", memoryBytes: 1)
    try StoredTexts(space).append("a")
  }

  @Test func placesThatCannotBeWrittenAreTold() throws {
    let space = ScratchSpace(folders: ["/proc/none"], memoryBytes: 1)
    let error = #expect(throws: Diagnostic.self) { try StoredTexts(space).append("a") }
    #expect(error?.message.hasPrefix("cannot make a temporary file") == true, "\(error as Any)")
  }

  @Test func linesOfFiles() throws {
    try withFolder { folder in
      let path = folder + "/lines"
      let long = String(repeating: "y", count: 200_000)
      try Data("\u{FEFF}a\r\n\nb\n\(long)\nc".utf8).write(to: URL(fileURLWithPath: path))
      var found: [String] = []
      try FileLines(path).forEachText { found.append($0) }
      #expect(found == ["a", "b", long, "c"])
      let lines = try FileLines(path)
      var places: [Int] = []
      while try lines.next() != nil { places.append(lines.offset) }
      #expect(places == [6, 7, 9, 200_010, 200_011])
      #expect(!lines.isEnded)
      try Data([UInt8](repeating: 65, count: FileLines.mostBytes + 100_000)).write(
        to: URL(fileURLWithPath: path))
      let error = #expect(throws: Diagnostic.self) { try FileLines(path).forEachText { _ in } }
      #expect(error?.message == "has a line of more than 1048576 bytes, which is no text")
      try Data([0xFF, 0x0A]).write(to: URL(fileURLWithPath: path))
      let wrong = #expect(throws: Diagnostic.self) { try FileLines(path).forEachText { _ in } }
      #expect(wrong?.message == "is not a text in UTF-8")
    }
  }

  /// Names that are not UTF-8, hidden folders, links, names of joining marks.
  @Test(arguments: [1, 1 << 18])
  func walksTellWhatTheyLeaveOut(memory: Int) throws {
    try withFolder { folder in
      for name in ["b", ".git", "b/.cache", "\u{301}d"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      }
      for name in ["\u{301}x", ".hidden", "b/1", ".git/2", "b/.cache/3", "\u{301}d/4"] {
        try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      let bytes: [UInt8] = Array(folder.utf8) + [0x2F, 0x62, 0x2F, 0xFF, 0]
      let made = bytes.withUnsafeBufferPointer { buffer in
        buffer.withMemoryRebound(to: CChar.self) { creat($0.baseAddress!, 0o600) }
      }
      #expect(made >= 0)
      close(made)
      var found: [String] = []
      try FolderWalk.visit(folder, ScratchSpace(memoryBytes: memory)) { entry in
        switch entry {
        case .file(let path): found.append("file \(path)")
        case .unusable(let path): found.append("unusable \(path)")
        case .hidden(let path): found.append("hidden \(path)")
        case .fault(let fault): found.append("fault \(fault)")
        }
      }
      let expected = [
        "file /.hidden", "file /\u{301}x", "hidden /.git", "file /b/1", "unusable /b/\\xFF",
        "hidden /b/.cache", "file /\u{301}d/4",
      ]
      #expect(
        found.map { $0.replacing(folder, with: "").unicodeScalars.map(\.value) }
          == expected.map { $0.unicodeScalars.map(\.value) }, "\(found)")
    }
  }
}
