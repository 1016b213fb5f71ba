import Foundation
import Packaging
import Testing

@testable import VitRuntime

/// Compiled models with other versions of libc than this machine's.
@Suite struct LibcTests {
  /// A library with self-test values, for `floats.c`, which runs it in every way.
  private func library(in folder: Folder) throws -> String {
    let outputs = SelfTestTests.outputs
    return try Fixture.build(
      selfTestValues: [SelfTestValues(of: outputs.logits), SelfTestValues(of: outputs.tokens)],
      in: folder)[0]
  }

  static let hasMusl =
    Architecture.host == .x86_64 && (try? shell(["musl-gcc", "--version"]).status) == 0

  /// musl's loader takes glibc's names of libc for itself.
  @Test(
    .enabled(if: hasMusl, "musl-tools is not installed: run 'make test-deps'"),
    arguments: ["floats", "forked"])
  func musl(program: String) throws {
    let folder = try Folder()
    let built = try shell([
      "musl-gcc", "-O1", "-I", Fixture.headers, "\(Fixture.fixtures)/\(program).c", "-o",
      folder(program),
    ])
    try #require(built.status == 0, "\(built.text)")
    try #require(try shell(["readelf", "-lW", folder(program)]).text.contains("ld-musl"))
    let result = try shell([folder(program), try library(in: folder)])
    #expect(result.text == "")
    #expect(result.status == 0)
  }

  /// All that a container needs: one static program below 5 MB, without a loader or a libc beside.
  @Test(.enabled(if: hasMusl, "musl-tools is not installed: run 'make test-deps'"))
  func staticMusl() throws {
    let folder = try Folder()
    _ = try Fixture.build(file: "libtoy.a", kind: .static, in: folder)
    try Data(
      """
      #include "toy.h"
      int main(void) {
        static float image[TOY_IMAGE_COUNT], logits[TOY_LOGITS_COUNT];
        toy_model *model;
        toy_context *context;
        for (int i = 0; i < TOY_IMAGE_COUNT; i++) image[i] = 1;
        toy_options options = {.size = sizeof options, .threads = 3};
        if (toy_create(&options, &model) != TOY_OK) return 1;
        if (toy_context_create(model, &context) != TOY_OK) return 2;
        if (toy_run(context, image, 1, logits) != TOY_OK) return 3;
        toy_context_destroy(context);
        toy_destroy(model);
        return logits[0] != 0 ? 0 : 4;
      }

      """.utf8
    ).write(to: URL(fileURLWithPath: folder("app.c")))
    let built = try shell([
      "musl-gcc", "-static", "-O1", "-I", folder.path, folder("app.c"), folder("libtoy.a"), "-o",
      folder("app"),
    ])
    try #require(built.status == 0, "\(built.text)")
    #expect(!(try shell(["readelf", "-lW", folder("app")]).text.contains("INTERP")))
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder("app"))).count < 5 << 20)
    #expect(try shell([folder("app")]).status == 0)
  }

  /// The folder of glibc 2.31's libraries; `nil` where they cannot be had.
  static let oldLibraries: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    let folder = root + "/.build/debian-11"
    guard Architecture.host == .x86_64,
      (try? shell([root + "/Scripts/old-libc", folder]).status) == 0
    else { return nil }
    return folder + "/lib/x86_64-linux-gnu"
  }()

  /// Where threads and `dladdr` are libraries of their own, a model brings them into programs that
  /// are linked with neither.
  @Test(
    .enabled(
      if: oldLibraries != nil, "Debian 11's libc6 cannot be had: see what Scripts/old-libc says"))
  func glibc231() throws {
    let libraries = try #require(Self.oldLibraries)
    let folder = try Folder()
    /// Runs a fixture program, linked with the old libc's `needed` and started by its loader.
    func run(
      _ program: String, needed: [String], model: [String] = [], arguments: [String]
    ) throws -> (status: Int32, text: String) {
      let built = try shell(
        [
          "clang", "-O1", "-I", Fixture.headers, "\(Fixture.fixtures)/\(program).c",
          Fixture.fixtures + "/start.c", "-o", folder(program), "-nostartfiles", "-nodefaultlibs",
          "-Wl,--allow-shlib-undefined",
        ] + model + needed.map { "\(libraries)/\($0)" })
      try #require(built.status == 0, "\(built.text)")
      return try shell(
        [
          libraries + "/ld-linux-x86-64.so.2", "--library-path", "\(libraries):\(folder.path)",
          folder(program),
        ] + arguments)
    }
    let all = try run(
      "floats", needed: ["libc.so.6", "libdl.so.2", "libpthread.so.0"],
      arguments: [try library(in: folder)])
    #expect(all.text == "")
    #expect(all.status == 0)
    let path = try Fixture.build(placement: .file, in: folder)[0]
    let linked = try run("place", needed: ["libc.so.6"], model: [path], arguments: ["-", "/"])
    #expect(linked.text == "")
    #expect(linked.status == 0)
  }
}
