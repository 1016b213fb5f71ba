import Codegen
import Compiler
import Foundation
import Models
import Passes
import Testing
import VitRuntime

/// What `--target` names is what is in the library, and what it asks the processor for.
@Suite struct TargetTests {
  private static let digits = Repository.path("examples/digits/model")
  private static let images = SeededCheckpoint.tensor(name: "input", shape: [3, 32, 32], seed: 5)
    .values

  #if arch(x86_64)
    @Test(arguments: [Precision.bf16, .int8])
    func `a library has the features that its target names`(precision: Precision) throws {
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) {
        $0.target = "v4+bf16+vnni,v3,v4,v4+vnni,v4+bf16"
        $0.precision = precision
      }
      let isas = ["v3", "v4", "v4+bf16", "v4+vnni", "v4+bf16+vnni"].map { "x86-64-\($0)" }
      let header = try String(contentsOfFile: bench.path("model.h"), encoding: .utf8)
      #expect(header.contains("x86_64-unknown-linux-gnu \(isas.joined(separator: ","))\n"))
      let runnable = Target.runnableHere.map { Set($0.requirements) }
      let expected = try isas.filter { isa in
        let needed = try Target.named(isa).requirements
        return runnable.contains { $0.isSuperset(of: needed) }
      }
      #expect(!expected.isEmpty)
      // The best that the processor has; and each by its name, whole and short.
      let model = try VitModel(path: path)
      #expect(model.description.isas == isas)
      #expect(model.isa == expected.last)
      let truth = try model.makeContext().run(images: Self.images)
      for isa in isas {
        for name in [isa, String(isa.dropFirst("x86-64-".count))] {
          guard expected.contains(isa) else {
            let error = #expect(throws: VitError.self) {
              try VitModel(path: path, options: VitOptions(isa: name))
            }
            #expect(error?.status == .unsupportedCPU)
            continue
          }
          let forced = try VitModel(path: path, options: VitOptions(isa: name))
          #expect(forced.isa == isa)
          let deviation = Deviation(try forced.makeContext().run(images: Self.images), truth)
          let limit = precision == .bf16 ? 0.03 : 0.05
          #expect(deviation.relativeL2 < limit, "\(isa): \(deviation)")
          #expect(try forced.selftest().passed)
        }
      }
    }

    @Test func `by default int8 has code for processors with VNNI and without BF16`() throws {
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) { $0.precision = .int8 }
      #expect(try VitModel(path: path).description.isas.contains("x86-64-v4+vnni"))
      let wide = try bench.compile(Self.digits) { $0.precision = .bf16 }
      #expect(try !VitModel(path: wide).description.isas.contains("x86-64-v4+vnni"))
    }

    @Test func `features that nothing uses keep no processor away`() throws {
      let bench = try Workbench()
      var request = CompileRequest(model: Self.digits)
      request.output = bench.path("libmodel.so")
      request.target = "v3,v4+bf16+vnni"
      let report = try Compiler(request).run()
      #expect(
        report.notes.contains(
          "the model multiplies f32 only, so the code is for x86-64-v3,x86-64-v4"),
        "\(report.notes)")
      #expect(
        try VitModel(path: bench.path("libmodel.so")).description.isas
          == ["x86-64-v3", "x86-64-v4"])
    }
  #endif
}
