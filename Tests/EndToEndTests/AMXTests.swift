import AMXTrap
import CVitABI
import Codegen
import Compiler
import Foundation
import Models
import Passes
import Testing
import VitRuntime

#if arch(x86_64)
  /// Libraries with code for AMX, on any processor with AVX-512's products: what this one lacks is
  /// done by a handler of SIGILL, and what a library asks the processor and the kernel for is
  /// replaced in its file.
  @Suite struct AMXTests {
    private static let digits = Repository.path("examples/digits/model")
    private static let name = "x86-64-v4+amx"
    private static let target = "v4+bf16+vnni,v4+amx"
    private static let runsHere =
      Target.runnableHere(of: (try? Target.list("v4+amx")) ?? []).count == 1
    private static let image = SeededCheckpoint.tensor(name: "input", shape: [3, 32, 32], seed: 5)
      .values

    /// What only AMX asks for: the bytes after the name of a feature, as `vit_cpu_feature` has
    /// them.
    private static let records: [[UInt32]] =
      [24, 25, 22].map { [UInt32(VIT_CPUID), 7, 0, 3, 1 << $0, 0] } + [
        [UInt32(VIT_XCR0), 0, 0, 0, 3 << 17, 0], [UInt32(VIT_PERMISSION), 18, 0, 0, 1, 0],
      ]

    /// Makes a library take whatever the processor and kernel answer: the bits of these records
    /// become none.
    private func permit(_ path: String) throws {
      var data = try Data(contentsOf: URL(fileURLWithPath: path))
      for record in Self.records {
        let asked = record.withUnsafeBytes { Data($0) }
        let place = try #require(data.range(of: asked), "the library does not ask for \(record)")
        #expect(data[place.upperBound...].range(of: asked) == nil, "it asks for it twice")
        var none = record
        none[4] = 0
        data.replaceSubrange(place, with: none.withUnsafeBytes { Data($0) })
      }
      try data.write(to: URL(fileURLWithPath: path))
    }

    @Test(
      .enabled(
        if: Target.runnableHere.contains(.x86v4BF16), "this machine has no AVX-512 with products"),
      arguments: [Precision.bf16, .int8])
    func `models run by tiles`(_ precision: Precision) throws {
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) {
        $0.target = Self.target
        $0.precision = precision
      }
      try permit(path)
      try #require(amx_trap_install() == 1)
      let plain = try VitModel(path: path, options: VitOptions(isa: "v4+bf16+vnni"))
      let truth = try plain.makeContext().run(images: Self.image)
      let products = amx_trap_products()
      let first = try VitModel(path: path, options: VitOptions(threads: 1))
      // It is the better of the two.
      #expect(first.isa == Self.name)
      let expected = try first.makeContext().run(images: Self.image)
      #expect((amx_trap_products() > products) == !Self.runsHere)
      // Sums of bf16 are made in another order; an element in the middle may go to either integer.
      let deviation = Deviation(expected, truth)
      #expect(deviation.relativeL2 < (precision == .bf16 ? 0.01 : 0.03), "\(deviation)")
      #expect(try first.selftest().passed)
      // The thread that ran it is not left with tiles.
      #expect(amx_trap_configured() == 0)
      for threads in [2, 3] {
        let model = try VitModel(path: path, options: VitOptions(threads: threads))
        let context = try model.makeContext()
        #expect(try context.run(images: Self.image) == expected)
        // As many images as tasks: each by one.
        let batch = Array(repeating: Self.image, count: threads).flatMap(\.self)
        let found = try context.run(images: batch, count: threads)
        #expect(found == Array(repeating: expected, count: threads).flatMap(\.self))
      }
      // The caller's, which does its share of the tasks.
      #expect(amx_trap_configured() == 0)
    }

    @Test func `a processor without it is not given its code`() throws {
      guard !Self.runsHere else { return }
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) {
        $0.target = "v2,v4+amx"
        $0.precision = .bf16
      }
      let model = try VitModel(path: path)
      #expect(model.description.isas == ["x86-64-v2", Self.name] && model.isa == "x86-64-v2")
      let error = #expect(throws: VitError.self) {
        try VitModel(path: path, options: VitOptions(isa: "v4+amx"))
      }
      #expect(error?.status == .unsupportedCPU)
      #expect(
        error?.message.hasPrefix(
          "this processor or kernel does not run the instruction set that options.isa asks for: "
            + "x86-64-v4+amx needs ") == true)
      // The kernel is not asked where something else is missing.
      #expect(
        error?.message.hasSuffix("amx-tile, amx-int8, amx-bf16, AMX registers kept by the kernel")
          == true, "\(error?.message ?? "")")
    }

    @Test func `no library has code for it that does not name it`() throws {
      let bench = try Workbench()
      for precision in [Precision.bf16, .int8] {
        let path = try bench.compile(Self.digits) { $0.precision = precision }
        #expect(try !VitModel(path: path).description.isas.contains(Self.name))
      }
    }
  }
#endif
