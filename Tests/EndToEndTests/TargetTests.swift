import Codegen
import Compiler
import Foundation
import Models
import Testing
import VitRuntime

/// What `--target` names is what is in the library, and what it asks the processor for.
@Suite struct TargetTests {
  private static let digits = Repository.path("examples/digits/model")
  private static let images = SeededCheckpoint.tensor(name: "input", shape: [3, 32, 32], seed: 5)
    .values

  #if arch(x86_64)
    @Test func `a library has the features that its target names`() throws {
      let bench = try Workbench()
      let path = try bench.compile(Self.digits) {
        $0.target = "v3,v4,v4+bf16+vnni"
        $0.precision = .bf16
      }
      let isas = ["x86-64-v3", "x86-64-v4", "x86-64-v4+bf16+vnni"]
      let header = try String(contentsOfFile: bench.path("model.h"), encoding: .utf8)
      #expect(header.contains("x86_64-unknown-linux-gnu \(isas.joined(separator: ","))\n"))
      let runnable = Target.runnableHere.map { Set($0.requirements) }
      let expected = try isas.filter { runnable.contains(Set(try Target.named($0).requirements)) }
      #expect(!expected.isEmpty)
      // The richest that the processor has; and each by its name, whole and short.
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
          #expect(deviation.relativeL2 < 0.03, "\(isa): \(deviation)")
          #expect(try forced.selftest().passed)
        }
      }
    }

    @Test func `features that nothing uses keep no processor away`() throws {
      let bench = try Workbench()
      var request = CompileRequest(model: Self.digits)
      request.output = bench.path("libmodel.so")
      request.target = "v3,v4+bf16+vnni"
      let report = try Compiler(request).run()
      #expect(
        report.notes.contains(
          "nothing here multiplies numbers narrower than f32, so the code is for "
            + "x86-64-v3,x86-64-v4 and runs there"), "\(report.notes)")
      #expect(
        try VitModel(path: bench.path("libmodel.so")).description.isas
          == ["x86-64-v3", "x86-64-v4"])
    }
  #endif
}
