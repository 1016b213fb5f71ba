import Codegen
import Compiler
import Diagnostics
import Foundation
import Models
import Npy
import Packaging
import Passes
import Testing
import VitRuntime

/// Text towers as libraries of their own, against transformers and OpenCLIP in float64.
@Suite struct TextLibraryTests {
  private struct Index: Decodable {
    struct Entry: Decodable { var name: String }
    var models: [Entry]
  }

  static let names =
    ((try? Repository.json("Tests/Goldens/text/index.json", as: Index.self))?.models ?? [])
    .map(\.name)

  private static func folder(_ name: String) -> String {
    Repository.path("Tests/Goldens/text/\(name)")
  }

  private static func golden(_ name: String) throws -> NpzArchive {
    try NpzArchive(path: folder(name) + "/golden.npz")
  }

  private static func tokens(_ array: NpyArray) -> [Int32] { array.values.map { Int32($0) } }

  @Test func `the goldens are found`() { #expect(Self.names.count >= 11) }

  /// On each instruction set; the same bits on one thread and on three, for one text and for all.
  @Test(arguments: names, Precision.allCases)
  func `vectors are those of the library`(_ name: String, _ precision: Precision) throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.folder(name)) {
      $0.tower = .text(length: nil)
      $0.precision = precision
    }
    let archive = try Self.golden(name)
    let (ids, truth) = (try archive.read("ids"), try archive.read("features"))
    let (tokens, count) = (Self.tokens(ids), ids.shape[0])
    let isas = try VitModel(path: path).description.isas
    for isa in Target.runnableHere.map(\.name) where isas.contains(isa) {
      let model = try VitModel(path: path, options: VitOptions(threads: 3, isa: isa))
      #expect(model.description.input.name == "ids" && model.description.input.dtype == "i32")
      let found = try model.makeContext().run(ids: tokens, count: count)
      let deviation = Deviation(found, truth.values)
      switch precision {
      case .f32: #expect(deviation.largest <= 2e-5, "\(isa): \(deviation)")
      case .bf16:
        #expect(deviation.relativeL2 <= 0.03 && deviation.cosine >= 0.9995, "\(isa): \(deviation)")
      case .int8:
        #expect(deviation.relativeL2 <= 0.1 && deviation.cosine >= 0.995, "\(isa): \(deviation)")
      }
      let one = try VitModel(path: path, options: VitOptions(threads: 1, isa: isa)).makeContext()
      let last = try one.run(ids: Array(tokens[((count - 1) * ids.shape[1])...]))
      #expect(last.map(\.bitPattern) == found.suffix(last.count).map(\.bitPattern))
      #expect(try model.selftest().passed)
    }
  }

  /// A token that is not in the vocabulary, a text without its end: nothing is run.
  @Test func `texts that mean nothing are refused`() throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.folder("metaclip2")) { $0.tower = .text(length: nil) }
    let context = try VitModel(path: path).makeContext()
    func message(_ ids: [Int32], _ count: Int = 1) -> String? {
      do {
        _ = try context.run(ids: ids, count: count)
        return nil
      } catch {
        return "\(error)"
      }
    }
    let good: [Int32] = [0, 5, 7, 2, 1, 1, 1, 1, 1]
    #expect(message(good) == nil)
    for wrong in [Int32(40), -1, .max, .min] {
      var ids = good + good
      ids[17] = wrong
      let found = message(ids, 2) ?? ""
      let wanted = "token 8 of text 1 is \(wrong), expected 0 to 39"
      #expect(found.hasSuffix(wanted), "\(found)")
    }
    let endless: [Int32] = [0, 5, 7, 3, 1, 1, 1, 1, 1]
    #expect(message(endless)?.hasSuffix("text 0 has no end, which is token 2") == true)
    #expect(message(Array(good.dropLast()))?.contains("ids has 8") == true)
    #expect(throws: VitError.self) {
      _ = try context.model.preprocess(rgb: [0, 0, 0], width: 1, height: 1)
    }
    // After all of that it runs as before.
    #expect(message(good) == nil)
  }

  /// The functions are those for texts; the header has them, and none for images.
  @Test func `what is for images is absent`() throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.folder("siglip")) { $0.tower = .text(length: nil) }
    let text = try bench.tool(["readelf", "-W", "--dyn-syms", path])
    let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let isDefined = { (line: [String]) in
      line.count >= 8 && line[4] == "GLOBAL" && line[6] != "UND"
    }
    let symbols = lines.filter(isDefined).map { $0[7] }
    #expect(Set(symbols) == Set(ExportedSymbols.names(for: "model", readsTokens: true)))
    #expect(symbols.contains("model_run_ids") && !symbols.contains("model_preprocess"))
    for header in ["model.h", "model.hpp"] {
      let text = try String(contentsOfFile: bench.path(header), encoding: .utf8)
      #expect(text.contains("model_run_ids("), "\(header)")
      for word in ["model_run(", "model_preprocess(", "IMAGE_COUNT", "image_count"] {
        #expect(!text.contains(word), "\(header): \(word)")
      }
    }
  }

  /// A program in C, by the header.
  @Test func `a program in C runs texts`() throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.folder("clip")) { $0.tower = .text(length: nil) }
    let archive = try Self.golden("clip")
    let (ids, truth) = (try archive.read("ids"), try archive.read("features"))
    let list = Self.tokens(ids).prefix(77).map { "\($0)" }.joined(separator: ",")
    let program = """
      #include "model.h"
      #include <stdio.h>
      static const int32_t ids[MODEL_LENGTH] = {\(list)};
      int main(void) {
        model_model *model;
        model_context *context;
        float output[MODEL_FEATURES_COUNT];
        if (model_create(NULL, &model) != MODEL_OK) return 1;
        if (model_context_create(model, &context) != MODEL_OK) return 2;
        if (model_run_ids(context, ids, 1, output) != MODEL_OK) return 3;
        for (int i = 0; i < MODEL_FEATURES_COUNT; i++) printf("%.9g\\n", output[i]);
        int32_t wrong[MODEL_LENGTH] = {MODEL_VOCABULARY};
        if (model_run_ids(context, wrong, 1, output) != MODEL_INVALID_ARGUMENT) return 4;
        model_context_destroy(context);
        model_destroy(model);
        return 0;
      }
      """
    try program.write(toFile: bench.path("program.c"), atomically: true, encoding: .utf8)
    try bench.tool([
      "cc", "-std=c99", "-Wall", "-Wextra", "-Werror", bench.path("program.c"), path, "-o",
      bench.path("program"), "-Wl,-rpath,\(bench.folder.path)",
    ])
    let output = try bench.tool([bench.path("program")])
    let found = output.split(separator: "\n").compactMap { Float($0) }
    #expect(Deviation(found, Array(truth.values.prefix(24))).largest <= 2e-5)
  }

  /// Compiled in process for the longest text; shorter ones are filled up.
  @Test(arguments: names) func `an encoder gives the vectors`(_ name: String) throws {
    let bench = try Workbench()
    let encoder = try TextEncoder(folder: Self.folder(name))
    let archive = try Self.golden(name)
    let (ids, truth) = (try archive.read("ids"), try archive.read("features"))
    let (length, width) = (ids.shape[1], truth.shape[1])
    var rows = (0..<ids.shape[0]).map { row in
      Array(Self.tokens(ids)[row * length..<(row + 1) * length])
    }
    var wanted = truth.values
    if encoder.text.mayBeCut {
      // Two texts, cut after their ends.
      rows = [Array(rows[0][..<2]), Array(rows[1][...(length / 3)])]
      wanted = Array(wanted[..<(2 * width)])
    }
    let vectors = try encoder.vectors(of: rows, beside: bench.path("out.so"))
    #expect(vectors.count == rows.count && vectors.allSatisfy { $0.count == width })
    #expect(Deviation(vectors.flatMap(\.self), wanted).largest <= 2e-5)
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).isEmpty)
  }

  @Test func `an encoder refuses what it cannot run`() throws {
    let clip = try TextEncoder(folder: Self.folder("metaclip2"))
    let siglip = try TextEncoder(folder: Self.folder("siglip"))
    func message(_ encoder: TextEncoder, _ row: [Int32]) -> String? {
      do {
        _ = try encoder.vectors(of: [row])
        return nil
      } catch {
        return (error as Diagnostic).message
      }
    }
    #expect(message(clip, []) == "text 0: 0 tokens, expected 1 to 9")
    #expect(
      message(clip, [Int32](repeating: 2, count: 10)) == "text 0: 10 tokens, expected 1 to 9")
    #expect(message(clip, [5, 40, 2]) == "text 0: token 40 is not in the vocabulary, 0 to 39")
    #expect(message(clip, [5, 4]) == "text 0: there is no end-of-text, 2")
    #expect(
      message(siglip, [5, 4])
        == "text 0: 2 tokens, expected 64: texts are filled up to that")
    #expect(try clip.vectors(of: []).isEmpty)
  }
}
