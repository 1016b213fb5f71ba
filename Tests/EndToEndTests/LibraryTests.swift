import Foundation
import Packaging
import Testing

/// What a compiled model is to a linker, to memory checkers and to those who count.
@Suite struct LibraryTests {
  private static let digits = Repository.path("examples/digits/model")

  /// All that a compiled model may take from libc, libm and the dynamic linker.
  private static let allowed: Set<String> = [
    "__errno_location", "__tls_get_addr", "calloc", "clock_gettime", "close", "dladdr", "free",
    "getauxval", "getenv", "getpagesize", "getpid", "lseek", "madvise", "malloc", "memcpy",
    "memmove", "memset", "mincore",
    "mmap", "munmap", "open", "posix_memalign", "pread", "pthread_create", "pthread_join",
    "pthread_self", "pthread_sigmask", "read", "sched_getaffinity", "strlen", "syscall",
    // Weak: null in programs without exceptions.
    "__gcc_personality_v0", "_Unwind_Resume",
  ]

  @Test(arguments: ["x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64-neon"])
  func `a library needs libc and exports its prefix, nothing else`(target: String) throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.digits) { $0.target = target }
    let text = try bench.tool(["readelf", "-W", "--dyn-syms", "--dynamic", path])
    let lines = text.split(separator: "\n")
    let symbols = lines.map { $0.split(separator: " ") }.filter {
      $0.count >= 8 && ["GLOBAL", "WEAK"].contains($0[4])
    }
    let undefined = symbols.filter { $0[6] == "UND" }.map { String($0[7]) }
    #expect(undefined.contains("pthread_create"))
    #expect(Set(undefined).subtracting(Self.allowed) == [])
    let defined = symbols.filter { $0[6] != "UND" }.map { String($0[7]) }
    #expect(Set(defined) == Set(ExportedSymbols.names(for: "model")))
    // All of libc: before version 2.34 glibc had threads and dladdr in libraries of their own.
    let needed = lines.filter { $0.contains("(NEEDED)") }
      .compactMap { $0.split(separator: "[").last?.dropLast() }
    #expect(needed == ["libc.so.6", "libpthread.so.0", "libdl.so.2"])
    #expect(!text.contains("TEXTREL"))
  }

  @Test func `ldd finds libc and the loader`() throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.digits)
    let names = try bench.tool(["ldd", path]).split(separator: "\n").map { line in
      line.split { $0 == " " || $0 == "\t" }.first.map(String.init) ?? ""
    }
    let libc: Set = ["libc.so.6", "libpthread.so.0", "libdl.so.2"]
    #expect(names.contains("libc.so.6"))
    #expect(
      names.allSatisfy {
        libc.contains($0) || $0.hasPrefix("linux-vdso") || $0.contains("/ld-")
      }, "\(names)")
  }

  /// A program in C: it hands over buffers at every address that 4 divides, each ending where a
  /// page ends that may not be touched; counts what runs allocate; makes and ends models and
  /// contexts.
  private static let program = #"""
    #define _GNU_SOURCE
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    #include "model.h"

    extern void *__libc_malloc(size_t bytes);
    extern void *__libc_calloc(size_t count, size_t bytes);
    extern void *__libc_realloc(void *memory, size_t bytes);
    extern void *__libc_memalign(size_t alignment, size_t bytes);
    static _Atomic int requests;

    void *malloc(size_t bytes) { ++requests; return __libc_malloc(bytes); }
    void *calloc(size_t count, size_t bytes) { ++requests; return __libc_calloc(count, bytes); }
    void *realloc(void *memory, size_t bytes) { ++requests; return __libc_realloc(memory, bytes); }
    int posix_memalign(void **memory, size_t alignment, size_t bytes) {
      ++requests;
      *memory = __libc_memalign(alignment, bytes);
      return *memory == NULL ? 12 : 0;
    }
    void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
      ++requests;
      return (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
    }

    /* Room for `bytes` bytes with a forbidden page after it; returns its end. */
    static char *fenced(size_t bytes) {
      size_t size = (bytes + 4095) / 4096 * 4096;
      char *start = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                         -1, 0);
      if (start == MAP_FAILED || mprotect(start + size, 4096, PROT_NONE) != 0) exit(9);
      return start + size;
    }

    static long resident(void) {
      long total, pages;
      FILE *file = fopen("/proc/self/statm", "r");
      if (file == NULL || fscanf(file, "%ld %ld", &total, &pages) != 2) exit(8);
      fclose(file);
      return pages;
    }

    #define MOST 7
    static float first[MOST * MODEL_LOGITS_COUNT];

    int main(int count, char **arguments) {
      model_options options = {
          .size = sizeof options, .threads = count > 1 ? atoi(arguments[1]) : 1};
      model_model *model;
      model_context *context;
      if (model_create(&options, &model) != MODEL_OK) return puts(model_last_error()), 1;
      if (model_context_create(model, &context) != MODEL_OK) return puts(model_last_error()), 1;
      char *images = fenced(MOST * MODEL_IMAGE_COUNT * 4 + 64);
      char *outputs = fenced(MOST * MODEL_LOGITS_COUNT * 4 + 64);
      int during = 0, differing = 0;
      for (size_t n = 1; n <= MOST; n += n == 2 ? 5 : 1) {
        for (int slack = 0; slack < 64; slack += 4) {
          float *image = (float *)(images - slack) - n * MODEL_IMAGE_COUNT;
          float *output = (float *)(outputs - slack) - n * MODEL_LOGITS_COUNT;
          for (size_t i = 0; i < n * MODEL_IMAGE_COUNT; ++i)
            image[i] = (float)(i * 37 % 101) / 50 - 1;
          memset(output, 255, n * MODEL_LOGITS_COUNT * 4);
          int before = requests;
          if (model_run(context, image, n, output) != MODEL_OK) return puts(model_last_error()), 1;
          during += requests - before;
          if (slack == 0) memcpy(first, output, n * MODEL_LOGITS_COUNT * 4);
          differing += memcmp(first, output, n * MODEL_LOGITS_COUNT * 4) != 0;
        }
      }
      model_context_destroy(context);
      model_destroy(model);
      long early = 0;
      for (int round = 0; round < 300; ++round) {
        float *image = (float *)images - MODEL_IMAGE_COUNT;
        float *output = (float *)outputs - MODEL_LOGITS_COUNT;
        if (model_create(&options, &model) != MODEL_OK) return puts(model_last_error()), 1;
        if (model_context_create(model, &context) != MODEL_OK) return puts(model_last_error()), 1;
        if (model_run(context, image, 1, output) != MODEL_OK) return puts(model_last_error()), 1;
        model_destroy(model);
        model_context_destroy(context);
        if (round == 50) early = resident();
      }
      /* A leak of a page each time would be 249. */
      printf("during %d, differing %d, growth %d\n", during, differing, resident() - early > 100);
      return 0;
    }
    """#

  @Test(arguments: ["host", "x86-64-v2", "x86-64-v3"], [1, 3])
  func `runs touch the caller's buffers only, allocate nothing, leak nothing`(
    target: String, threads: Int
  ) throws {
    let bench = try Workbench()
    _ = try bench.compile(Self.digits) { $0.target = target }
    try Self.program.write(toFile: bench.path("program.c"), atomically: false, encoding: .utf8)
    _ = try bench.tool(
      [
        "cc", "-O1", "-Wall", "-Wextra", "-Werror", "program.c", "-I.", "-L.", "-lmodel",
        "-Wl,-rpath,$ORIGIN", "-o", "program",
      ])
    #expect(
      try bench.tool(["./program", "\(threads)"])
        == "during 0, differing 0, growth 0\n")
  }

  @Test func `memory checkers find nothing`() throws {
    let bench = try Workbench()
    guard (try? bench.tool(["valgrind", "--version"])) != nil else {
      print("skipped: valgrind is not installed")
      return
    }
    // valgrind does not know AVX-512; AVX2 it does.
    _ = try bench.compile(Self.digits) { $0.target = "x86-64-v3" }
    let source = #"""
      #include <stdio.h>
      #include <stdlib.h>
      #include "model.h"
      int main(void) {
        model_options options = {.size = sizeof options, .threads = 2};
        model_model *model;
        model_context *context;
        if (model_create(&options, &model) != MODEL_OK) return 1;
        if (model_context_create(model, &context) != MODEL_OK) return 2;
        for (size_t n = 1; n <= 3; ++n) {
          float *images = malloc(n * MODEL_IMAGE_COUNT * 4), sum = 0;
          float *output = malloc(n * MODEL_LOGITS_COUNT * 4);
          unsigned char *rgb = malloc(45 * 33 * 3);
          for (int i = 0; i < 45 * 33 * 3; ++i) rgb[i] = (unsigned char)(i * 7);
          for (size_t i = 0; i < n; ++i)
            if (model_preprocess(rgb, 45, 33, 45 * 3, images + i * MODEL_IMAGE_COUNT) != MODEL_OK)
              return 3;
          if (model_run(context, images, n, output) != MODEL_OK) return 4;
          for (size_t i = 0; i < n * MODEL_LOGITS_COUNT; ++i) sum += output[i];
          puts(sum == sum ? "number" : "none"); /* a use of all outputs */
          free(images), free(output), free(rgb);
        }
        model_context_destroy(context);
        model_destroy(model);
        return 0;
      }
      """#
    try source.write(toFile: bench.path("program.c"), atomically: false, encoding: .utf8)
    _ = try bench.tool(
      [
        "cc", "-O1", "-g", "program.c", "-I.", "-L.", "-lmodel", "-Wl,-rpath,$ORIGIN", "-o",
        "program",
      ])
    #expect(
      try bench.tool(
        ["valgrind", "-q", "--leak-check=full", "--error-exitcode=9", "./program"])
        == "number\nnumber\nnumber\n")
  }
}
