import Foundation
import Testing

@testable import VitRuntime

/// Which of a model's instruction sets runs: the fixture has three, and no processor runs those
/// from
/// `UNSUPPORTED` on.
@Suite struct InstructionSetTests {
  private func error(_ body: () throws -> Void) -> VitError? {
    #expect(throws: VitError.self, performing: body)
  }

  @Test func theRichestThatRuns() throws {
    let folder = try Folder()
    let model = try VitModel(path: Fixture.build(defines: ["UNSUPPORTED=3"], in: folder)[0])
    #expect(model.isa == "toy-v2")
    #expect(model.description.isas == ["toy-v1", "toy-v2", "toy-v3"])
    #expect(try VitModel(path: Fixture.library()).isa == "toy-v3")
  }

  @Test(arguments: ["v1", "toy-v1"]) func theOneAskedFor(name: String) throws {
    let model = try VitModel(path: Fixture.library(), options: VitOptions(isa: name))
    #expect(model.isa == "toy-v1")
    let images = Fixture.images(1)
    #expect(try model.makeContext().run(images: images) == Fixture.expected(images).logits)
  }

  @Test func theOneAskedForDoesNotRun() throws {
    let folder = try Folder()
    let path = try Fixture.build(defines: ["UNSUPPORTED=3"], in: folder)[0]
    let error = error { _ = try VitModel(path: path, options: VitOptions(isa: "v3")) }
    #expect(error?.status == .unsupportedCPU)
    #expect(
      error?.message == "this processor or kernel does not run the instruction set that "
        + "options.isa asks for: toy-v3 needs psychic, telepathy kept by the kernel")
  }

  @Test(arguments: ["", "v9", "toy", "toy-v11", "1"]) func unknownNames(name: String) throws {
    let path = try Fixture.library()
    let error = error { _ = try VitModel(path: path, options: VitOptions(isa: name)) }
    #expect(error?.status == .invalidArgument)
    #expect(
      error?.message == "options.isa is '\(name)', expected one of the model's instruction sets: "
        + "toy-v1, toy-v2, toy-v3")
  }

  /// In a program of its own: the environment belongs to all tests.
  @Test func theEnvironment() throws {
    let folder = try Folder()
    _ = try Fixture.build(defines: ["UNSUPPORTED=3"], in: folder)
    try Data(
      #"""
      #include <stdio.h>
      #include "toy.h"
      int main(int count, char **arguments) {
        toy_options options = {.size = sizeof options, .isa = count > 1 ? arguments[1] : NULL};
        toy_model *model;
        if (toy_create(&options, &model) != TOY_OK) return puts(toy_last_error()), 1;
        const char *isa = toy_isa(NULL);
        printf("%s %s\n", toy_isa(model), isa ? isa : "none");
        toy_destroy(model);
        return 0;
      }
      """#.utf8
    ).write(to: URL(fileURLWithPath: folder("isa.c")))
    let build = try shell(
      [
        "clang", "-Wall", "-Wextra", "-Werror", "isa.c", "-o", "isa", "-L.", "-ltoy",
        "-Wl,-rpath,$ORIGIN",
      ], in: folder.path)
    #expect(build.status == 0, "\(build.text)")
    func run(_ variable: String, _ arguments: String...) throws -> String {
      try shell(["VITC_ISA=\(variable)", "./isa"] + arguments, in: folder.path).text
    }
    #expect(try run("") == "toy-v2 toy-v2\n")
    #expect(try run("v1") == "toy-v1 toy-v1\n")
    // The option counts more.
    #expect(try run("v1", "toy-v2") == "toy-v2 toy-v1\n")
    #expect(
      try run("v3") == "this processor or kernel does not run the instruction set that VITC_ISA "
        + "asks for: toy-v3 needs psychic, telepathy kept by the kernel\n")
    #expect(try run("v3", "v2") == "toy-v2 none\n")
    #expect(
      try run("nonsense") == "VITC_ISA is 'nonsense', expected one of the model's instruction "
        + "sets: toy-v1, toy-v2, toy-v3\n")
  }

  /// Structs only grow at their ends, and each says its size.
  @Test func modelsOfTheFirstVersion() throws {
    let folder = try Folder()
    let model = try VitModel(path: Fixture.build(defines: ["FIRST_ABI"], in: folder)[0])
    #expect(model.isa == "" && model.description.isas == [])
    let error = error { _ = try model.selftest() }
    #expect(error?.message == "the model was compiled by a version of vitc without self-tests")
    let images = Fixture.images(1)
    #expect(try model.makeContext().run(images: images) == Fixture.expected(images).logits)
  }
}
