import Codegen
import Foundation
import Models
import Npy
import Passes
import Testing
import VitRuntime

/// Outputs in half precision: the same numbers, rounded to nearest, ties to even; beside outputs of
/// floats, and as the first one.
@Suite struct HalfOutputTests {
  private static let folder = Repository.path("Tests/Goldens/hf/dinov2-registers")

  private func images() throws -> NpyArray {
    try NpyArray(path: "\(Self.folder)/golden/35-input.npy")
  }

  @Test func areTheFloatsRounded() throws {
    let bench = try Workbench()
    let outputs =
      "features:unit:f16,logits,features:unit,layers:0:norm:nchw:f16,layers:0:norm:nchw,"
      + "attention:class:f16,attention:class,rollout:f16,rollout,tokens:f16,tokens,logits:f16"
    let path = try bench.compile(Self.folder) {
      $0.outputs = (try? ModelOutput.list(outputs)) ?? []
    }
    let images = try images()
    let count = images.shape[0]
    for isa in Target.runnableHere.map(\.name)
    where try VitModel(path: path).description.isas.contains(isa) {
      for threads in [1, 3] {
        let model = try VitModel(path: path, options: VitOptions(threads: threads, isa: isa))
        let context = try model.makeContext()
        let all = try context.runAll(images: images.values, count: count)
        var compared = 0
        for tensor in model.description.outputs where tensor.dtype == "f16" {
          #expect(tensor.name.hasSuffix("_f16") && tensor.elementBytes == 2)
          let floats = try #require(all[String(tensor.name.dropLast(4))])
          let halves = try #require(all[tensor.name])
          #expect(halves == floats.map { Float(Float16($0)) }, "\(tensor.name) on \(isa)")
          #expect(halves.count == count * tensor.elements)
          compared += 1
        }
        #expect(compared == 6)
        #expect(try model.selftest().passed)
        // The first one, widened and as it is.
        let first = try #require(model.description.outputs.first)
        #expect(first.name == "features_unit_f16")
        let widened = try context.run(images: images.values, count: count)
        #expect(widened == all[first.name])
        var bytes = [UInt8](repeating: 0xff, count: 2 * count * first.elements)
        try images.values.withUnsafeBufferPointer { source in
          try bytes.withUnsafeMutableBytes {
            try context.run(images: source, count: count, intoBytes: $0)
          }
        }
        let bits = stride(from: 0, to: bytes.count, by: 2).map {
          UInt16(bytes[$0 + 1]) << 8 | UInt16(bytes[$0])
        }
        #expect(bits.map { Float(Float16(bitPattern: $0)) } == widened)
      }
    }
  }

  @Test func floatsAreRefusedForHalves() throws {
    let bench = try Workbench()
    let model = try bench.model(Self.folder) {
      $0.outputs = [ModelOutput(rawValue: "features:f16")].compactMap(\.self)
    }
    let images = try images()
    let context = try model.makeContext()
    var place = [Float](repeating: 0, count: 64)
    let error = #expect(throws: VitError.self) {
      try images.values.withUnsafeBufferPointer { source in
        try place.withUnsafeMutableBufferPointer {
          try context.run(images: source, count: images.shape[0], into: $0)
        }
      }
    }
    #expect(error?.message.contains("'features_f16' is of f16, expected f32") == true)
    let short = #expect(throws: VitError.self) {
      try images.values.withUnsafeBufferPointer { source in
        try place.withUnsafeMutableBytes {
          try context.run(
            images: source, count: images.shape[0], intoBytes: .init(rebasing: $0[..<6]))
        }
      }
    }
    #expect(short?.message.contains("output has 6 bytes, expected 2 x [64] of f16 = 256") == true)
  }

  /// The header says the type, and C and C++ compile with it.
  @Test func headersSayTheType() throws {
    let bench = try Workbench()
    _ = try bench.compile(Self.folder) {
      $0.outputs = (try? ModelOutput.list("features:unit:f16,logits")) ?? []
    }
    let header = try String(contentsOfFile: bench.path("model.h"), encoding: .utf8)
    #expect(
      header.contains(
        "MODEL_FEATURES_UNIT_F16_COUNT 64 /* [64], IEEE 754 binary16, 2 bytes each */"))
    #expect(header.contains("void *const *outputs"))
    try """
    #include "model.hpp"
    int main() {
      std::vector<float> image(vit::model::image_count), logits(vit::model::logits_count);
      vit::model::context context{vit::model::model()};
      std::vector<vit::model::half> row = context.run(image), again(row.size());
      context.run_all(image, {.features_unit_f16 = again, .logits = logits});
      return row == again && row.size() == 64 ? 0 : 1;
    }
    """.write(toFile: bench.path("main.cpp"), atomically: true, encoding: .utf8)
    try bench.tool([
      "clang++", "-std=c++20", "-I.", "-Wall", "-Wextra", "-Werror", "main.cpp", "-L.", "-lmodel",
      "-Wl,-rpath,.", "-o", "main",
    ])
    try bench.tool(["./main"])
  }
}
