import Codegen
import Compiler
import Diagnostics
import Foundation
import Models
import Npy
import Packaging
import Passes
import Testing
import Tokenizers
import VitRuntime

/// Tokenizers inside libraries of text towers.
@Suite struct TextTokenizerTests {
  private static let prompts = Repository.path("Tests/Goldens/prompts")

  /// Folders of tokenizers with what their configurations say of them.
  private static let requests: [String: TokenizerRequest] = {
    let folder = Repository.path("Tests/Goldens/tokenizers")
    let types = [
      ("clip", "clip", 77), ("clip-as-written", "clip", 77), ("siglip", "siglip", 64),
      ("siglip2", "siglip2", 64), ("metaclip2", "metaclip_2", 77),
    ]
    var requests: [String: TokenizerRequest] = [:]
    for (name, type, length) in types {
      requests[name] = TokenizerRequest(
        folder: "\(folder)/\(name)", modelType: type, length: length)
    }
    requests["openclip"] = TokenizerRequest(
      folder: "\(folder)/openclip", modelType: "", length: 77,
      openCLIP: .init(usesTransformers: false, cleaning: nil))
    requests["openclip-siglip"] = TokenizerRequest(
      folder: "\(folder)/openclip-siglip", modelType: "", length: 64,
      openCLIP: .init(usesTransformers: true, cleaning: "canonicalize"))
    return requests
  }()

  /// The texts of the tokenizers' goldens.
  private static func texts() throws -> [String] {
    let archive = try NpzArchive(path: Repository.path("Tests/Goldens/tokenizers/goldens.npz"))
    let bytes = try archive.read("text").values.map { UInt8($0) }
    var start = 0
    return try archive.read("text_lengths").values.map { length in
      defer { start += Int(length) }
      return String(decoding: bytes[start..<start + Int(length)], as: UTF8.self)
    }
  }

  /// A library with this tokenizer, whatever its tower reads.
  private func library(_ tokenizer: Tokenizer, in bench: Workbench) throws -> String {
    // A tower of as many positions as the tokenizer makes ids.
    let name = tokenizer.length == 64 ? "siglip" : "clip"
    let model = try Model.loadText(Repository.path("Tests/Goldens/text/\(name)"))
    #expect(model.text?.length == tokenizer.length)
    let graph = try PassManager(Pipeline.passes(for: .f32))
      .run(try model.graph(outputs: [.features])).graph
    let checkpoint = model.checkpoint
    var build = Build(graph, for: try Target.list("host"), name: "words", model: "words") {
      (name) throws(Diagnostic) in try checkpoint.read(name)
    }
    build.program.tokenizer = tokenizer.table
    build.tokenizer = tokenizer.name
    _ = try build.write(to: bench.path("libwords.so"))
    return bench.path("libwords.so")
  }

  /// The code inside libraries, which is compiled for Embedded Swift, gives what vitc's gives,
  /// which TokenizersTests hold to the libraries that checkpoints come from.
  @Test(arguments: requests.keys.sorted())
  func `the ids are those of the tokenizer`(_ name: String) throws {
    let bench = try Workbench()
    let tokenizer = try Tokenizer(try #require(Self.requests[name]))
    let model = try VitModel(path: try library(tokenizer, in: bench))
    #expect(model.hasTokenizer)
    var wrong: [String] = []
    var refused = 0
    for text in try Self.texts() {
      do {
        let found = try model.tokenize(text)
        let wanted = try tokenizer.tokens(text)
        if found.ids != tokenizer.padded(wanted.numbers) || found.wholeCount != wanted.wholeCount {
          wrong.append(text)
        }
      } catch let error as VitError {
        refused += 1
        let reason = #expect(throws: Diagnostic.self) { try tokenizer.tokens(text) }
        #expect(error.description.contains("which open_clip would"), "\(error)")
        #expect(reason?.message.contains("which open_clip would") == true)
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5))")
    #expect(name.hasPrefix("openclip") == (refused > 0))
  }

  /// What a text cannot be is said by a status, and long texts are cut where the library cuts them.
  @Test func `a program in C makes ids and runs them`() throws {
    let bench = try Workbench()
    let path = try bench.compile("\(Self.prompts)/clip") { $0.tower = .text(length: nil) }
    let program = """
      #include "model.h"
      #include <stdio.h>
      #include <string.h>
      static void show(const char *text, size_t bytes) {
        int32_t ids[MODEL_LENGTH];
        size_t count = 0;
        if (model_tokenize(text, bytes, ids, &count) != MODEL_OK) {
          printf("%s\\n", model_last_error());
          return;
        }
        printf("%zu:", count);
        for (int i = 0; i < MODEL_LENGTH; i++) printf(" %d", ids[i]);
        printf("\\n");
      }
      int main(void) {
        static char large[3000];
        model_model *model;
        model_context *context;
        int32_t ids[MODEL_LENGTH];
        float output[MODEL_FEATURES_COUNT];
        show("a cat", 5);
        show("a cat\\0", 6);
        show("", 0);
        show("a cat\\xff", 6);
        show("\\xed\\xa0\\x80", 3);
        show("caf\\xc3", 4);
        memset(large, 'a', sizeof large);
        for (int i = 0; i < 3000; i += 3) large[i] = ' ';
        show(large, sizeof large);
        show("a", SIZE_MAX);
        if (model_tokenize(NULL, 0, ids, NULL) != MODEL_INVALID_ARGUMENT) return 1;
        if (model_tokenize("a", 1, NULL, NULL) != MODEL_INVALID_ARGUMENT) return 2;
        if (model_tokenize("a cat", 5, ids, NULL) != MODEL_OK) return 3;
        if (model_create(NULL, &model) != MODEL_OK) return 4;
        if (model_context_create(model, &context) != MODEL_OK) return 5;
        if (model_run_ids(context, ids, 1, output) != MODEL_OK) return 6;
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
    let lines = try bench.tool([bench.path("program")])
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let tokenizer = try Tokenizer(folder: "\(Self.prompts)/clip", length: 24)
    func line(_ text: String) throws -> String {
      let tokens = try tokenizer.tokens(text)
      let ids = tokenizer.padded(tokens.numbers).map { " \($0)" }.joined()
      return "\(tokens.wholeCount):\(ids)"
    }
    #expect(lines.count == 9 && tokenizer.length == 24)
    #expect(try lines[0] == line("a cat"))
    #expect(try lines[1] == line("a cat\u{0}"))
    #expect(try lines[2] == line(""))
    #expect(lines[3] == "the text is not UTF-8: byte 5 begins no character")
    #expect(lines[4] == "the text is not UTF-8: byte 0 begins no character")
    #expect(lines[5] == "the text is not UTF-8: byte 3 begins no character")
    #expect(try lines[6] == line(String(repeating: " aa", count: 1000)))
    #expect(lines[6].hasPrefix("1002:") || lines[6].hasPrefix("2002:"), "\(lines[6])")
    #expect(
      lines[7] == "the text has 18446744073709551615 bytes, expected at most 67108864")
  }

  /// C++ and Swift by their own headers and library.
  @Test func `a program in C++ makes ids`() throws {
    let bench = try Workbench()
    let path = try bench.compile("\(Self.prompts)/siglip") { $0.tower = .text(length: nil) }
    let program = """
      #include "model.hpp"
      #include <iostream>
      int main() {
        std::vector<std::int32_t> ids(vit::model::length);
        const std::size_t count = vit::model::tokenize("two cats", ids);
        if (ids != vit::model::tokenize("two cats")) return 1;
        try {
          vit::model::tokenize("\\xff");
          return 2;
        } catch (const vit::model::error &error) {
          if (error.status() != MODEL_INVALID_ARGUMENT) return 3;
        }
        std::cout << count;
        for (auto id : ids) std::cout << ' ' << id;
        vit::model::tokenize({});
      }
      """
    try program.write(toFile: bench.path("program.cpp"), atomically: true, encoding: .utf8)
    try bench.tool([
      "c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", bench.path("program.cpp"), path, "-o",
      bench.path("program"), "-Wl,-rpath,\(bench.folder.path)",
    ])
    let found = try bench.tool([bench.path("program")])
    let tokens = try VitModel(path: path).tokenize("two cats")
    #expect(found == "\(tokens.wholeCount)" + tokens.ids.map { " \($0)" }.joined())
    #expect(!tokens.isTruncated && tokens.ids.count == 64)
  }

  /// Archives hold the tokenizer too; libraries for images have none, and are none larger.
  @Test func `only text towers hold one`() throws {
    let bench = try Workbench()
    let path = try bench.compile("\(Self.prompts)/clip") { $0.tower = .text(length: nil) }
    let symbols = try bench.tool(["readelf", "-W", "--dyn-syms", path])
    for name in ExportedSymbols.names(for: "model", readsTokens: true, hasTokenizer: true) {
      #expect(symbols.contains(" \(name)\n"), "\(name)")
    }
    for kind in [CompileRequest.Emission.static, .object] {
      var request = CompileRequest(model: "\(Self.prompts)/clip")
      request.tower = .text(length: 5)
      request.emission = kind
      request.output = bench.path(kind == .static ? "libmodel.a" : "model.o")
      _ = try Compiler(request).run()
      let program = """
        #include "model.h"
        #include <stdio.h>
        int main(void) {
          int32_t ids[MODEL_LENGTH];
          size_t count;
          if (model_tokenize("a b c d e f", 11, ids, &count) != MODEL_OK) return 1;
          printf("%d %zu", MODEL_LENGTH, count);
          return 0;
        }
        """
      try program.write(toFile: bench.path("program.c"), atomically: true, encoding: .utf8)
      try bench.tool([
        "cc", bench.path("program.c"), request.output ?? "", "-o", bench.path("program"), "-lm",
      ])
      #expect(try bench.tool([bench.path("program")]) == "5 8")
    }
    let images = try bench.compile("\(Self.prompts)/clip", name: "images") {
      $0.outputs = [.features]
    }
    let names = try bench.tool(["readelf", "-W", "-s", images])
    #expect(!names.contains("tokenize"))
    let model = try VitModel(path: images)
    #expect(!model.hasTokenizer)
    let error = #expect(throws: VitError.self) { try model.tokenize("a") }
    #expect(error?.description.contains("the model reads images, not texts") == true)
  }

  /// A folder without the tokenizer's files gives a library without it, and a warning.
  @Test func `a folder without a tokenizer`() throws {
    let bench = try Workbench()
    var request = CompileRequest(model: Repository.path("Tests/Goldens/text/clip"))
    request.tower = .text(length: nil)
    request.output = bench.path("libmodel.so")
    let report = try Compiler(request).run()
    let warning = try #require(report.warnings.first { $0.message.contains("no tokenizer") })
    #expect(
      warning.message.hasPrefix(
        "the library holds no tokenizer, so texts come to it as ids: there is no tokenizer.json"))
    let model = try VitModel(path: bench.path("libmodel.so"))
    let error = #expect(throws: VitError.self) { try model.tokenize("a") }
    #expect(error?.description.contains("the library holds no tokenizer: give it ids") == true)
    let header = try String(contentsOfFile: bench.path("model.h"), encoding: .utf8)
    #expect(!header.contains("model_tokenize("))
  }
}
