import Files
import Foundation
import Testing

/// SHA-256 against the values of FIPS 180-4's examples and of `sha256sum`.
@Suite struct SHA256Tests {
  @Test(arguments: [false, true])
  func publishedExamples(isPortable: Bool) {
    let examples = [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        String(repeating: "a", count: 1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
    ]
    for (text, digest) in examples {
      #expect(SHA256(of: Array(text.utf8), isPortable: isPortable).description == digest)
    }
  }

  /// Around the ends of blocks both ways agree with each other and with the program.
  @Test func everyLengthAroundBlocks() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/vitc-sha-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for count in [1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, (1 << 20) - 1, (1 << 20) + 1] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 / 251) }
      let path = "\(folder)/\(count)"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
      process.arguments = [path]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let said = String(
        decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      let digest = SHA256(of: bytes)
      #expect(said.hasPrefix("\(digest) "), "\(count)")
      #expect(SHA256(of: bytes, isPortable: true) == digest)
      #expect(try SHA256(file: path) == digest)
    }
  }

  @Test func aFileThatIsNotThereIsNamed() {
    #expect(throws: (any Error).self) { try SHA256(file: "/nowhere/at/all") }
  }
}
