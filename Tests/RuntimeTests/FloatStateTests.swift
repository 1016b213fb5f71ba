import Foundation
import Packaging
import Testing

/// The floating-point state of callers and their threads changes no bit, and is theirs again after
/// each call, flags included.
@Suite struct FloatStateTests {
  /// Builds the fixture and `floats.c` for an architecture, runs them, expects no complaint.
  private func check(_ architecture: Architecture, compiler: [String], emulator: [String]) throws {
    let folder = try Folder()
    let outputs = SelfTestTests.outputs
    let library = try Fixture.build(
      architecture: architecture,
      selfTestValues: [SelfTestValues(of: outputs.logits), SelfTestValues(of: outputs.tokens)],
      in: folder)[0]
    let built = try shell(
      ["clang", "-O1", "-Wall", "-Wextra", "-Werror", "-I", Fixture.headers]
        + [Fixture.fixtures + "/floats.c", "-o", folder("floats")] + compiler)
    try #require(built.status == 0, "\(built.text)")
    let result = try shell(emulator + [folder("floats"), library])
    #expect(result.text == "")
    #expect(result.status == 0)
  }

  @Test func host() throws {
    try check(.host, compiler: ["-lpthread", "-ldl"], emulator: [])
  }

  /// `make test-deps` installs what it takes.
  @Test func arm() throws {
    let libc = "/usr/aarch64-linux-gnu"
    try #require(
      FileManager.default.fileExists(atPath: "\(libc)/lib/crt1.o"),
      "libc6-dev-arm64-cross is not installed: run 'make test-deps'")
    try check(
      .aarch64,
      compiler: [
        "--target=aarch64-linux-gnu", "-fuse-ld=lld", "-nostdlib", "-isystem", "\(libc)/include",
        "-L\(libc)/lib", "\(libc)/lib/crt1.o", "\(libc)/lib/crti.o", "-lc", "\(libc)/lib/crtn.o",
      ], emulator: ["qemu-aarch64", "-L", libc])
  }
}
