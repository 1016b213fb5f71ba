import AVXVNNITrap
import CVitABI
import Codegen
import Compiler
import Foundation
import Models
import Passes
import Testing
import VitRuntime

#if arch(x86_64)
  /// int8 with AVX-VNNI, on any processor with AVX2: what this one lacks is done by a handler of
  /// SIGILL, and what a library asks the processor for is replaced in its file.
  @Suite struct AVXVNNITests {
    /// Bytes of a file of the record of a feature after its name, as `vit_cpu_feature` has it.
    private static func record(bits: UInt32) -> Data {
      [UInt32(VIT_CPUID), 7, 1, 0, bits, 0].withUnsafeBytes { Data($0) }
    }

    /// Makes a library ask for AVX-VNNI no more: the bits of its record become none.
    private func permit(_ path: String) throws {
      var data = try Data(contentsOf: URL(fileURLWithPath: path))
      let asked = Self.record(bits: 1 << 4)
      let place = try #require(data.range(of: asked), "the library asks for no AVX-VNNI")
      #expect(data[place.upperBound...].range(of: asked) == nil, "it asks for it twice")
      data.replaceSubrange(place, with: Self.record(bits: 0))
      try data.write(to: URL(fileURLWithPath: path))
    }

    private static let digits = Repository.path("examples/digits/model")
    private static let name = "x86-64-v3+avxvnni"
    private static let runsHere =
      Target.runnableHere(of: (try? Target.list("v3+avxvnni")) ?? []).count == 1

    @Test func `products of AVX-VNNI give the bits of AVX2`() throws {
      try #require(Target.runnableHere.contains(.x86v3), "no AVX2 here")
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) {
        $0.target = "v3,v3+avxvnni"
        $0.precision = .int8
      }
      try permit(path)
      try #require(avxvnni_trap_install() == 1)
      // One image, since an instruction that is trapped takes thousands of times as long.
      let images = SeededCheckpoint.tensor(name: "input", shape: [3, 32, 32], seed: 5).values
      let plain = try VitModel(path: path, options: VitOptions(isa: "v3"))
      let expected = try plain.makeContext().run(images: images)
      let trapped = avxvnni_trap_count()
      for threads in [1, 3] {
        let model = try VitModel(path: path, options: VitOptions(threads: threads))
        // It is the best of the two.
        #expect(model.isa == Self.name)
        #expect(try model.makeContext().run(images: images) == expected)
      }
      #expect((avxvnni_trap_count() > trapped) == !Self.runsHere)
    }

    @Test func `a processor without it is not given its code`() throws {
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) { $0.precision = .int8 }
      let model = try VitModel(path: path)
      #expect(
        model.description.isas == [
          "x86-64-v2", "x86-64-v3", Self.name, "x86-64-v4", "x86-64-v4+vnni", "x86-64-v4-bf16",
        ])
      guard !Self.runsHere else { return }
      #expect(model.isa != Self.name)
      let error = #expect(throws: VitError.self) {
        try VitModel(path: path, options: VitOptions(isa: "v3+avxvnni"))
      }
      #expect(error?.status == .unsupportedCPU)
      #expect(error?.message.hasSuffix("x86-64-v3+avxvnni needs avxvnni") == true)
    }

    @Test func `by default only int8 has code for it`() throws {
      let bench = try Workbench()
      for precision in [Precision.f32, .bf16] {
        let path = try bench.compile(Self.digits) { $0.precision = precision }
        #expect(try !VitModel(path: path).description.isas.contains(Self.name))
      }
    }
  }
#endif
