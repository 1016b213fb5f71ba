import Foundation
import Testing

/// Random models against PyTorch, which is asked of a Python that has it.
///
///     VITC_SLOW=1 VITC_PEERS=python3 swift test -c release --filter PeerTests
///
/// `VITC_SEEDS=n` runs so many; `VITC_SEED=n` runs the model of one seed, which a failure names.
@Suite struct PeerTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test(
    .enabled(
      if: environment["VITC_SLOW"] == "1" && environment["VITC_PEERS"] != nil,
      "VITC_SLOW=1 and VITC_PEERS, a Python with torch, timm and transformers, are not set"))
  func randomModelsAgreeWithPyTorch() throws {
    let python = try #require(Self.environment["VITC_PEERS"])
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let vitc = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    let script =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path + "/Scripts/differential.py"
    let seeds =
      if let seed = Self.environment["VITC_SEED"] { ["--first", seed, "--count", "1"] } else {
        ["--count", Self.environment["VITC_SEEDS"] ?? "100"]
      }
    let found = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      [python, script, "--vitc", vitc.path, "--target", "portable"] + seeds)
    print(found.output, terminator: "")
    #expect(found.code == 0, "\(found.output)\(found.errors)")
  }
}
