import Codegen
import Compiler
import Foundation
import IR
import Passes
import Testing

/// Numbers below 2^-126: generated code neither takes them for zero nor makes zeros of them,
/// whatever the state of the thread that calls it.
@Suite struct SubnormalTests {
  /// Weights `w2` and results `y` that are subnormal, and `w3`, which makes large numbers of them.
  ///
  /// All products and sums are exact.
  private static let graph = """
    graph @small imported {
      %images: f32[3,2,2] = input {shape = [3, 2, 2]}
      %w1: f32[8,3,2,2] = weight {tensor = "w1", shape = [8, 3, 2, 2]}
      %b1: f32[8] = weight {tensor = "b1", shape = [8]}
      %x: f32[1,8] = patch_embed %images, %w1, %b1
      %w2: f32[8,8] = weight {tensor = "w2", shape = [8, 8]}
      %y: f32[1,8] = linear %x, %w2
      %w3: f32[4,8] = weight {tensor = "w3", shape = [4, 8]}
      %z: f32[1,4] = linear %y, %w3
      return %y as "features", %z as "logits"
    }
    """

  private static func power(_ exponent: Int) -> Float {
    Float(sign: .plus, exponent: exponent, significand: 1)
  }

  /// `(row + 1) * (column + 1 or 1) * scale`, rows of 8.
  private static func products(_ columns: Int, _ scale: Float) -> [Float] {
    (0..<(columns == 8 ? 64 : 32)).map { index in
      let row = Float(index / 8 + 1)
      let column = Float(index % columns + 1)
      return row * column * scale
    }
  }

  private static func weight(_ name: String) -> Tensor {
    switch name {
    case "w1": Tensor(shape: [8, 3, 2, 2], values: Array(repeating: 0.25, count: 96))
    case "b1": Tensor(shape: [8], values: Array(repeating: 1, count: 8))
    case "w2": Tensor(shape: [8, 8], values: products(8, power(-140)))
    default: Tensor(shape: [4, 8], values: products(1, power(100)))
    }
  }

  @Test(arguments: Target.runnableForFloats) func theyAreNumbersInEveryState(target: Target) throws
  {
    let bench = try Workbench()
    let graph = try PassManager(Pipeline.passes(for: .f32)).run(GraphParser.parse(Self.graph)).graph
    var build = Build(graph, for: [target], name: "small", model: "small") { Self.weight($0) }
    build.placement = .embedded
    _ = try build.write(to: bench.path("libsmall.so"))
    try Self.program.write(toFile: bench.path("main.c"), atomically: false, encoding: .utf8)
    try bench.tool([
      "clang", "-O1", "-Wall", "-Wextra", "-Werror", "-I", ".", "main.c", "libsmall.so", "-o",
      "main", "-Wl,-rpath,$ORIGIN",
    ])
    // x is 12 * 0.25 + 1 = 4.
    let y = (1...8).map { Float(4 * 36 * $0) * Self.power(-140) }
    let z = (1...4).map { Float(4 * 36 * 36 * $0) * Self.power(-40) }
    #expect(y.allSatisfy { $0.isSubnormal })
    let bits = (y + z).map { String($0.bitPattern, radix: 16) }.joined(separator: " ") + "\n"
    let text = try bench.tool(["./main"])
    let lines = Set(text.split(separator: "\n").map { $0 + "\n" })
    #expect(lines == [Substring(bits)])
  }

  private static let program = #"""
    #include "small.h"
    #include <stdio.h>
    #include <string.h>

    #if defined(__x86_64__)
    /* To nearest; flush to zero; subnormals are zero; both; both and upward. */
    static const unsigned states[] = {0x1f80, 0x9f80, 0x1fc0, 0x9fc0, 0xdfc0};
    static void set(unsigned state) { __asm__ volatile("ldmxcsr %0" : : "m"(state)); }
    #else
    static const unsigned states[] = {0, 1u << 24, 5u << 22};
    static void set(unsigned state) {
      __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)state));
    }
    #endif

    int main(void) {
      for (int i = 0; i < (int)(sizeof states / sizeof *states); ++i)
        for (int threads = 1; threads <= 3; ++threads) {
          small_options options;
          memset(&options, 0, sizeof options);
          options.size = sizeof options;
          options.threads = threads;
          small_model *model;
          small_context *context;
          float image[SMALL_IMAGE_COUNT], y[8], z[4];
          void *places[] = {y, z};
          for (int k = 0; k < SMALL_IMAGE_COUNT; ++k) image[k] = 1;
          set(states[i]);
          small_status status = small_create(&options, &model);
          if (status == SMALL_OK) status = small_context_create(model, &context);
          if (status == SMALL_OK) status = small_run_all(context, image, 1, places);
          set(states[0]);
          if (status != SMALL_OK) return puts(small_last_error()), 1;
          unsigned bits[12];
          memcpy(bits, y, sizeof y);
          memcpy(bits + 8, z, sizeof z);
          for (int k = 0; k < 12; ++k) printf(k < 11 ? "%x " : "%x\n", bits[k]);
          small_context_destroy(context);
          small_destroy(model);
        }
      return 0;
    }
    """#
}
