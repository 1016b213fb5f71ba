import Codegen
import Compiler
import Diagnostics
import Evaluation
import Foundation
import IR
import Models
import Npy
import Passes
import SeededRandom
import Testing
import VitRuntime

/// Libraries with random lists of outputs, in random precisions and on every instruction set,
/// against the reference semantics of the imported graph.
@Suite struct OutputLawTests {
  private static let folders = [
    "hf/vit", "hf/deit-teacher", "hf/dinov2-registers", "encoders/siglip", "encoders/dinov3",
    "encoders/beit", "encoders/pixio", "timm/gap", "timm/eva02", "timm/hybrid", "timm/swin",
  ]
  private static let candidates = [
    "logits", "features", "features:unit", "pooled", "tokens", "layers:0", "layers:-1",
    "layers:1+0:norm", "layers:0:nchw", "layers:1:norm:nchw", "layers:0:prefix",
    "attention:class", "attention:class:all", "attention:0", "attention:-1", "attention:all",
    "rollout", "distance",
  ]

  @Test(arguments: 0..<12) func randomLists(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed) &+ 0x5eed)
    func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
    let folder = Repository.path("Tests/Goldens/\(Self.folders[seed % Self.folders.count])")
    let model = try Model.load(folder)
    var outputs: [ModelOutput] = []
    for text in Self.candidates where pick(3) == 0 || text == Self.candidates[seed] {
      var output = try ModelOutput(parsing: text)
      output.isHalf = pick(4) == 0
      // What the model does not have, it refuses; what is the same twice too.
      if (try? model.graph(outputs: outputs + [output])) != nil { outputs.append(output) }
    }
    if outputs.isEmpty { outputs = model.defaultOutputs }
    let precision = Precision.allCases[pick(Precision.allCases.count)]
    let what = "\(folder) \(outputs.map(\.rawValue)) \(precision)"

    let graph = try model.graph(outputs: outputs)
    let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in
      try model.checkpoint.read(name)
    }
    let bench = try Workbench()
    let path = try bench.compile(folder) {
      $0.outputs = outputs
      $0.precision = precision
    }
    let described = try VitModel(path: path).description
    let pixels = SeededCheckpoint.tensor(
      name: "input", shape: described.input.shape, seed: UInt64(seed))
    let truth = try evaluator.results(["image": pixels])
    for isa in Target.runnableHere.map(\.name) where described.isas.contains(isa) {
      let library = try VitModel(path: path, options: VitOptions(threads: 1 + pick(3), isa: isa))
      let context = try library.makeContext()
      let found = try context.runAll(images: pixels.values)
      #expect(Set(found.keys) == Set(truth.keys), "\(what)")
      for (name, values) in found {
        let expected = try #require(truth[name])
        let deviation = Deviation(values, expected.values)
        let rounding = name.hasSuffix("_f16") ? 1e-3 : 0
        switch precision {
        case .f32:
          #expect(deviation.largest <= 2e-5 + 4 * rounding, "\(what) \(name): \(deviation)")
        case .bf16: #expect(deviation.relativeL2 <= 0.06, "\(what) \(name): \(deviation)")
        case .int8: #expect(deviation.relativeL2 <= 0.3, "\(what) \(name): \(deviation)")
        }
        // Whatever the precision, weights of a query are positive, and all of them together 1.
        if name.hasPrefix("attention_"), !name.hasPrefix("attention_class") {
          let tokens = expected.columns
          for row in stride(from: 0, to: values.count, by: tokens) {
            let sum = values[row..<row + tokens].reduce(0) { $0 + Double($1) }
            #expect(abs(sum - 1) <= 1e-5 + rounding, "\(what) \(name)")
          }
          #expect(values.allSatisfy { $0 >= 0 }, "\(what) \(name)")
        }
      }
      // Any of them alone or together are the same bits.
      let some = found.keys.sorted().filter { _ in pick(2) == 0 }
      let part = try context.runAll(images: pixels.values, outputs: some)
      #expect(part.keys.sorted() == some)
      for name in some {
        #expect(part[name]?.map(\.bitPattern) == found[name]?.map(\.bitPattern), "\(what) \(name)")
      }
      #expect(try library.selftest().passed, "\(what) on \(isa)")
    }
  }
}
