import Compiler
import Foundation
import Models
import Npy
import Passes
import Testing
import VitRuntime

/// Compiled models on processors that this machine is not, by qemu's user mode emulation: x86-64
/// without AVX-512, without AVX, without SSE4.2, and 64-bit Arm with Arm's own libc.
///
/// `make test-deps` installs what it takes; without it these tests fail rather than pass unseen.
@Suite struct EmulationTests {
  /// A processor, and what runs there of a portable library.
  struct Machine: CustomTestStringConvertible {
    var emulator: [String]
    var isa: String
    /// The instruction sets of its goldens, as `--target` takes them: no code that cannot run.
    var golden = "v2,v3"
    /// Those of other libraries, among them one that cannot run.
    var target = "v2,v3,v4"
    var testDescription: String { "\(emulator.joined(separator: " ")) \(isa)" }

    /// The processors.
    ///
    /// The folder is Debian's and Ubuntu's libc6-dev-arm64-cross.
    static let all: [Machine] = {
      var all = [
        Machine(
          emulator: ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"], isa: "aarch64-neon",
          golden: "aarch64-neon", target: "aarch64-neon")
      ]
      #if arch(x86_64)
        all += [
          Machine(emulator: ["qemu-x86_64", "-cpu", "Nehalem"], isa: "x86-64-v2"),
          Machine(emulator: ["qemu-x86_64", "-cpu", "Haswell"], isa: "x86-64-v3"),
        ]
      #endif
      return all
    }()
  }

  /// Builds the program that loads a library.
  private func loader(for machine: Machine, in bench: Workbench) throws {
    let headers = Repository.path("Sources/Runtime/CVitABI/include")
    let source = Repository.path("Tests/EndToEndTests/Fixtures/loader.c")
    try build(["-I", headers, source, "-o", "loader"], for: machine, in: bench)
  }

  /// Compiles a program for a machine: natively, or for Arm with clang, lld and Arm's libc.
  private func build(
    _ arguments: [String], for machine: Machine, in bench: Workbench
  ) throws {
    var command = ["clang", "-O1", "-Wall", "-Werror"] + arguments
    if machine.target.hasPrefix("aarch64") {
      let libc = "/usr/aarch64-linux-gnu"
      try #require(
        FileManager.default.fileExists(atPath: "\(libc)/lib/crt1.o"),
        "libc6-dev-arm64-cross is not installed: run 'make test-deps'")
      command += [
        "--target=aarch64-linux-gnu", "-fuse-ld=lld", "-nostdlib", "-isystem", "\(libc)/include",
        "-L\(libc)/lib", "\(libc)/lib/crt1.o", "\(libc)/lib/crti.o", "-lc", "\(libc)/lib/crtn.o",
      ]
    } else {
      command.append("-ldl")
    }
    let built = try bench.run(command, withErrors: false)
    try #require(built.status == 0, "\(command): \(built.text)")
    let found = try bench.run([machine.emulator[0], "--version"], withErrors: false)
    try #require(found.status == 0, "qemu-user is not installed: run 'make test-deps'")
  }

  /// Runs images on a machine; the outputs one after the other.
  private func outputs(
    of library: String, on machine: Machine, images: [Float], count: Int, threads: Int = 2,
    isa: String = "", in bench: Workbench
  ) throws -> [Float] {
    try images.withUnsafeBytes { Data($0) }.write(to: bench.folder.appendingPathComponent("in"))
    let result = try bench.run(
      machine.emulator + [
        "./loader", library, "model_vitc_entry", isa, "\(threads)", "\(count)", "in", "out",
      ], withErrors: false)
    try #require(result.status == 0, "\(machine.testDescription): \(result.text)")
    #expect(result.text == machine.isa + "\n")
    let bytes = try Data(contentsOf: bench.folder.appendingPathComponent("out"))
    return bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  /// Some of the folders with goldens of their own size: each takes seconds under emulation.
  static let folders = FolderGoldenTests.folders.filter { folder in
    folder.goldens.contains { $0.size == [folder.image, folder.image] }
  }.enumerated().filter { $0.offset % 4 == 0 }.map(\.element)

  @Test(arguments: Machine.all)
  func `goldens hold where AVX-512, AVX or x86 are absent`(_ machine: Machine) throws {
    #expect(Self.folders.count >= 5)
    let bench = try Workbench()
    try loader(for: machine, in: bench)
    for folder in Self.folders {
      let base = "Tests/Goldens/\(try #require(folder.library))/\(folder.name)"
      let goldens = folder.goldens.filter { $0.size == [folder.image, folder.image] }
      let path = try bench.compile(Repository.path(base)) {
        $0.outputs = goldens.compactMap { ModelOutput(rawValue: $0.output) }
        $0.target = machine.golden
      }
      let input = try NpyArray(
        path: Repository.path("\(base)/golden/\(folder.image)-input.npy"))
      var rest = try outputs(
        of: path, on: machine, images: input.values, count: input.shape[0], in: bench)[...]
      for golden in goldens {
        let truth = try NpyArray(path: Repository.path("\(base)/\(golden.file)"))
        try #require(rest.count >= truth.values.count)
        let deviation = Deviation(Array(rest.prefix(truth.values.count)), truth.values)
        #expect(deviation.largest <= 2e-5, "\(golden.file): \(deviation)")
        rest = rest.dropFirst(truth.values.count)
      }
    }
  }

  @Test(arguments: Machine.all)
  func `bits under emulation depend on the instruction set only`(_ machine: Machine) throws {
    let bench = try Workbench()
    try loader(for: machine, in: bench)
    let path = try bench.compile(Repository.path("examples/digits/model")) {
      $0.target = machine.target
    }
    let images = SeededCheckpoint.tensor(name: "input", shape: [3, 3, 32, 32], seed: 5).values
    let first = try outputs(of: path, on: machine, images: images, count: 3, in: bench)
    for threads in [1, 4] {
      let again = try outputs(
        of: path, on: machine, images: images, count: 3, threads: threads, in: bench)
      #expect(again == first)
    }
    // Where this machine has the instructions, it computes the same bits with them.
    if let here = try? VitModel(path: path, options: VitOptions(isa: machine.isa)) {
      #expect(try here.makeContext().run(images: images, count: 3) == first)
    }
  }

  /// Cortex-A53 has none of the three, qemu's `max` has all.
  @Test(arguments: [
    ("cortex-a53", "aarch64-neon"), ("max", "aarch64-neon+dotprod+i8mm+bf16"),
  ])
  func `Arm's features are asked of the kernel`(cpu: String, isa: String) throws {
    let bench = try Workbench()
    let machine = Machine(
      emulator: ["qemu-aarch64", "-cpu", cpu, "-L", "/usr/aarch64-linux-gnu"], isa: isa,
      target: "aarch64,aarch64+dotprod+i8mm+bf16")
    try loader(for: machine, in: bench)
    let path = try bench.compile(Repository.path("examples/digits/model")) {
      $0.target = machine.target
      $0.precision = .int8
    }
    let images = SeededCheckpoint.tensor(name: "input", shape: [3, 32, 32], seed: 5).values
    let found = try outputs(of: path, on: machine, images: images, count: 1, in: bench)
    let f32 = try bench.model(Repository.path("examples/digits/model"), name: "exact")
    let deviation = Deviation(found, try f32.makeContext().run(images: images))
    // Digits in int8 against f32.
    #expect(deviation.relativeL2 < 0.1, "\(deviation)")
    let result = try bench.run(
      machine.emulator + [
        "./loader", path, "model_vitc_entry", "neon+dotprod+i8mm+bf16", "1", "1", "in",
        "out",
      ], withErrors: false)
    #expect(
      result.text
        == (cpu == "max"
          ? isa + "\n"
          : "this processor or kernel does not run the instruction set that options.isa asks for: "
            + "aarch64-neon+dotprod+i8mm+bf16 needs dotprod, i8mm, bf16\n"))
  }

  /// Products of integers are exact, whatever multiplies them: by NEON, by `sdot` with its
  /// correction for the sign, by `usmmla` and, where there are few rows, `sudot`.
  @Test func `Arm's products of integers give the bits of NEON`() throws {
    let bench = try Workbench()
    var machine = Machine(
      emulator: ["qemu-aarch64", "-cpu", "max", "-L", "/usr/aarch64-linux-gnu"],
      isa: "aarch64-neon", target: "aarch64,aarch64+dotprod,aarch64+i8mm,aarch64+dotprod+i8mm")
    try loader(for: machine, in: bench)
    for (model, size) in [
      (Repository.path("examples/digits/model"), 32), ("vit_tiny_patch16_224", 48),
    ] {
      let path = try bench.compile(model) {
        $0.target = machine.target
        $0.precision = .int8
        guard !model.hasPrefix("/") else { return }
        $0.weights = "seed:3"
        $0.imageSize = (size, size)
      }
      let images = SeededCheckpoint.tensor(name: "input", shape: [3, size, size], seed: 5).values
      var expected: [Float] = []
      for isa in ["neon", "neon+dotprod", "neon+i8mm", "neon+dotprod+i8mm"] {
        machine.isa = "aarch64-\(isa)"
        let found = try outputs(
          of: path, on: machine, images: images, count: 1, isa: isa, in: bench)
        if isa == "neon" { expected = found }
        #expect(found == expected && !found.isEmpty, "\(model) \(isa)")
      }
    }
  }

  /// `bfmmla` and `bfdot` round in a way of their own, which is no further from f32.
  @Test func `Arm's products of bf16 are as near to f32 as NEON's`() throws {
    let bench = try Workbench()
    var machine = Machine(
      emulator: ["qemu-aarch64", "-cpu", "max", "-L", "/usr/aarch64-linux-gnu"],
      isa: "aarch64-neon", target: "aarch64,aarch64+bf16")
    try loader(for: machine, in: bench)
    let digits = Repository.path("examples/digits/model")
    let path = try bench.compile(digits) {
      $0.target = machine.target
      $0.precision = .bf16
    }
    let images = SeededCheckpoint.tensor(name: "input", shape: [8, 3, 32, 32], seed: 5).values
    let exact = try bench.model(digits, name: "exact").makeContext().run(images: images, count: 8)
    var errors: [Double] = []
    for isa in ["neon", "neon+bf16"] {
      machine.isa = "aarch64-\(isa)"
      let found = try outputs(
        of: path, on: machine, images: images, count: 8, isa: isa, in: bench)
      errors.append(Double(Deviation(found, exact).relativeL2))
    }
    #expect(errors[0] > 0 && errors[0] < 0.03, "\(errors)")
    #expect(errors[1] != errors[0] && errors[1] < 1.2 * errors[0], "\(errors)")
  }

  #if arch(x86_64)
    @Test func `a processor that lacks all is told so`() throws {
      let bench = try Workbench()
      // SSE3 and CMPXCHG16B are what qemu64 has of x86-64-v2.
      let plain = Machine(emulator: ["qemu-x86_64", "-cpu", "qemu64"], isa: "")
      try loader(for: plain, in: bench)
      let digits = Repository.path("examples/digits/model")
      let path = try bench.compile(digits) { $0.target = "v2,v3,v4" }
      func create(
        _ library: String, on cpu: String, isa: String = "", entry: String = "model"
      ) throws -> String {
        let result = try bench.run(
          ["qemu-x86_64", "-cpu", cpu, "./loader", library, "\(entry)_vitc_entry", isa]
            + ["1", "1", "/dev/null", "/dev/null"], withErrors: false)
        #expect(result.status == 1)
        return result.text
      }
      #expect(
        try create(path, on: "qemu64")
          == "this processor or kernel runs none of the model's instruction sets: "
          + "x86-64-v2 needs ssse3, sse4.1, sse4.2, popcnt\n")
      let all = "avx512f, avx512dq, avx512cd, avx512bw, avx512vl, "
      let registers = "AVX-512 registers kept by the kernel\n"
      #expect(
        try create(path, on: "Haswell", isa: "v4")
          == "this processor or kernel does not run the instruction set that options.isa asks for: "
          + "x86-64-v4 needs " + all + registers)
      let narrow = try bench.compile(digits, name: "narrow") {
        $0.target = "v2,v4+bf16+vnni"
        $0.precision = .bf16
      }
      let wanted = try create(narrow, on: "Haswell", isa: "v4+bf16+vnni", entry: "narrow")
      #expect(wanted.contains("x86-64-v4+bf16+vnni needs avx512f"), "\(wanted)")
      #expect(wanted.hasSuffix("avx512bf16, avx512vnni\n"), "\(wanted)")
      let rich = try bench.compile(digits) { $0.target = "v4" }
      #expect(
        try create(rich, on: "Haswell")
          == "this processor or kernel runs none of the model's instruction sets: x86-64-v4 needs "
          + all + registers)
    }
  #endif

  /// Turns the middle of a digit classifier's weights, which are the end of the file, into numbers
  /// near 49.
  private func spoil(_ path: String) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let middle = data.count - 100_000
    data.replaceSubrange(middle..<(middle + 65_536), with: Data(repeating: 0x42, count: 65_536))
    try data.write(to: URL(fileURLWithPath: path))
  }

  @Test(arguments: Machine.all, Precision.allCases)
  func `libraries prove themselves elsewhere`(_ machine: Machine, _ precision: Precision) throws {
    let bench = try Workbench()
    try loader(for: machine, in: bench)
    for name in ["embedded", "beside"] {
      let path = try bench.compile(Repository.path("examples/digits/model"), name: name) {
        $0.target = machine.target
        $0.precision = precision
        $0.weightPlacement = name == "beside" ? .file : .automatic
      }
      let command =
        machine.emulator + ["./loader", path, "\(name)_vitc_entry", "", "2", "0", "", ""]
      #expect(try bench.run(command, withErrors: false).text == "\(machine.isa): passed\n")
      try spoil(name == "beside" ? bench.path("beside.weights") : path)
      let damaged = try bench.run(command, withErrors: false)
      #expect(damaged.status == 1)
      #expect(
        damaged.text.hasPrefix(
          "\(machine.isa): the self-test failed: output 'logits' differs from its self-test values "
        ),
        "\(damaged.text)")
    }
  }

  @Test(arguments: Machine.all)
  func `programs with a model inside prove it`(_ machine: Machine) throws {
    let bench = try Workbench()
    try Data(
      #"""
      #include <stdio.h>
      #include "model.h"
      int main(void) {
        model_model *model;
        if (model_create(NULL, &model) != MODEL_OK) return puts(model_last_error()), 2;
        model_selftest_result test = {.size = sizeof test};
        if (model_selftest(model, &test) != MODEL_OK) return puts(model_last_error()), 1;
        if (!(test.error <= test.limit)) return 3;
        puts(model_isa(model));
        model_destroy(model);
        return 0;
      }
      """#.utf8
    ).write(to: bench.folder.appendingPathComponent("prove.c"))
    for kind in [CompileRequest.Emission.static, .object] {
      let product = kind == .static ? "libmodel.a" : "libmodel.o"
      _ = try bench.compile(Repository.path("examples/digits/model")) {
        $0.target = machine.target
        $0.emission = kind
        $0.output = bench.path(product)
      }
      let program = ["-I.", "prove.c", product, "-o", "prove"]
      try build(program, for: machine, in: bench)
      let whole = try bench.run(machine.emulator + ["./prove"], withErrors: false)
      #expect(whole.text == machine.isa + "\n")
      // The weights are the last member of an archive.
      guard kind == .static else { continue }
      try spoil(bench.path(product))
      try build(program, for: machine, in: bench)
      let damaged = try bench.run(machine.emulator + ["./prove"], withErrors: false)
      #expect(damaged.status == 1 && damaged.text.contains("failed"), "\(damaged.text)")
    }
  }
}
