import Compiler
import Foundation
import Testing

/// C++ exceptions that the caller's parallel_for throws pass through compiled models, linked either
/// way; the runtime's own tests try more ways out.
@Suite struct ExceptionTests {
  @Test(arguments: [CompileRequest.Emission.library, .static, .object])
  func `an exception passes through and leaves the context usable`(
    emission: CompileRequest.Emission
  ) throws {
    let bench = try Workbench()
    let path = bench.path(emission == .library ? "libmodel.so" : "model.\(emission.rawValue)")
    _ = try bench.compile(Repository.path("examples/digits/model")) {
      $0.emission = emission
      $0.name = "model"
      $0.output = path
    }
    try Data(Self.program.utf8).write(to: bench.folder.appendingPathComponent("main.cpp"))
    _ = try bench.tool([
      "clang++", "-O1", "-Wall", "-Werror", "-I", ".", "main.cpp", path, "-o", "main",
      "-Wl,-rpath,$ORIGIN", "-lm", "-lpthread", "-ldl",
    ])
    #expect(try bench.run(["./main"], withErrors: true).text == "caught 1 caught 2 same\n")
  }

  static let program = #"""
    #include "model.h"
    #include <cstdio>
    #include <cstring>
    #include <stdexcept>
    #include <thread>

    static int calls;
    static void parallel_for(void *limit, int32_t n, void (*task)(void *, int32_t), void *a) {
      if (++calls == *(int *)limit) throw std::runtime_error("limit");
      for (int32_t i = 0; i < n; ++i) task(a, i);
    }
    static float images[2 * MODEL_IMAGE_COUNT], before[20], after[20];
    int main() {
      int limit = 0;
      model_options options{};
      options.size = sizeof options;
      options.threads = 2;
      options.parallel_for = parallel_for;
      options.parallel_for_context = &limit;
      model_model *model;
      model_context *context;
      for (float &x : images) x = (float)((&x - images) % 7);
      if (model_create(&options, &model) || model_context_create(model, &context)) return 1;
      if (model_run(context, images, 2, before)) return 2;
      void *places[] = {after};
      for (int i = 1; i <= 2; ++i) {
        calls = 0;
        limit = i;
        try {
          if (i == 1) model_run(context, images, 1, after);
          else model_run_all(context, images, 1, places);
          std::puts("not thrown");
        } catch (std::exception &) { std::printf("caught %d ", i); }
      }
      limit = -1;
      std::thread([&] {
        if (model_run(context, images, 2, after)) std::puts(model_last_error());
      }).join();
      std::puts(std::memcmp(before, after, sizeof before) == 0 ? "same" : "other");
      model_context_destroy(context);
      model_destroy(model);
    }
    """#
}
