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

  #if arch(x86_64)
    /// Registers that the kernel keeps for processes that ask are asked for once, when a model is
    /// made that wants them: a program whose own `syscall` stands before libc's says how often, and
    /// whether they are granted.
    @Test func registersThatAreAskedFor() throws {
      let folder = try Folder()
      _ = try Fixture.build(defines: ["GRANTED=3"], in: folder)
      try Data(
        #"""
        #include <stdarg.h>
        #include <stdint.h>
        #include <stdio.h>
        #include "toy.h"
        static int asked, granted, supported;
        long syscall(long number, ...) {
          long a[6];
          va_list list;
          va_start(list, number);
          for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
          va_end(list);
          if (number == 158 && a[0] == 0x1023 && a[1] == 18) return asked++, granted ? 0 : -1;
          if (number == 158 && a[0] == 0x1021) {
            *(uint64_t *)a[1] = (uint64_t)supported << 18;
            return 0;
          }
          register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
          long result;
          __asm__ volatile("syscall"
                           : "=a"(result)
                           : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8),
                             "r"(r9)
                           : "rcx", "r11", "memory");
          return result < 0 ? -1 : result;
        }
        static void say(const char *isa, toy_options *options) {
          toy_model *model;
          asked = 0;
          options->isa = isa;
          if (toy_create(options, &model) != TOY_OK) {
            printf("%s, asked %d\n", toy_last_error(), asked);
            return;
          }
          toy_context *context;
          static float image[4096], logits[4096];
          if (toy_context_create(model, &context) == TOY_OK) {
            toy_run(context, image, 1, logits);
            toy_context_destroy(context);
          }
          printf("%s, asked %d\n", toy_isa(model), asked);
          toy_destroy(model);
        }
        int main(void) {
          toy_options options = {.size = sizeof options, .threads = 2};
          for (granted = 0; granted < 2; granted++) {
            say(NULL, &options);
            say("v1", &options);
            say("v3", &options);
          }
          asked = 0;
          for (supported = 0; supported < 2; supported++) printf("%s\n", toy_isa(NULL));
          printf("asked %d\n", asked);
          return 0;
        }
        """#.utf8
      ).write(to: URL(fileURLWithPath: folder("ask.c")))
      let build = try shell(
        [
          "clang", "-Wall", "-Wextra", "-Werror", "-rdynamic", "ask.c", "-o", "ask", "-L.", "-ltoy",
          "-Wl,-rpath,$ORIGIN",
        ], in: folder.path)
      #expect(build.status == 0, "\(build.text)")
      #expect(
        try shell(["./ask"], in: folder.path).text == """
          toy-v2, asked 1
          toy-v1, asked 0
          this processor or kernel does not run the instruction set that options.isa asks for: \
          toy-v3 needs foresight granted by the kernel, asked 1
          toy-v3, asked 1
          toy-v1, asked 0
          toy-v3, asked 1
          toy-v2
          toy-v3
          asked 0

          """)
    }
  #endif

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
