import Foundation
import Testing

/// What vitc writes depends on the model, the options and its version: not on where it is called,
/// nor on the number of threads, the locale or the time zone, nor on what OpenBLAS makes of the
/// processor.
@Suite struct ReproducibilityTests {
  private static let model =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits/model"

  /// Compiles in a folder of its own and returns all files that are left, by name.
  private func files(_ options: [String], environment: [String]) throws -> [String: Data] {
    let folder = try Folder()
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    let result = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      environment + [program.path, "compile", Self.model] + options, in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    var files: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      files[name] = try Data(contentsOf: URL(fileURLWithPath: folder(name)))
    }
    return files
  }

  @Test(arguments: [
    ["-o", "libdigits.so"], ["-o", "libdigits.so", "--weights-file"],
    ["-o", "libdigits.a", "--emit", "static"], ["-o", "digits.o", "--emit", "object"],
    ["-o", "libdigits.so", "--target", "neon"],
  ])
  func sameBytesFromAnywhere(options: [String]) throws {
    let here = try files(options, environment: ["LC_ALL=C", "TZ=UTC"])
    #expect(here.count >= 3)
    // OpenBLAS takes its kernels for a processor without AVX.
    let there = try files(
      options,
      environment: [
        "OPENBLAS_CORETYPE=Nehalem", "OPENBLAS_NUM_THREADS=1", "LC_ALL=C.UTF-8", "TZ=Asia/Tokyo",
        "HOME=/",
      ])
    #expect(here.keys.sorted() == there.keys.sorted())
    for (name, bytes) in here { #expect(there[name] == bytes, "\(name)") }
  }
}
