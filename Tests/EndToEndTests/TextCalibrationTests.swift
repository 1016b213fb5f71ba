import Compiler
import Diagnostics
import Foundation
import Passes
import Testing
import VitRuntime

/// int8 of a trained text tower, the tiny CLIP of `examples/words`, without texts and calibrated on
/// some; on others.
@Suite struct TextCalibrationTests {
  private static let model = Repository.path("examples/words/model")
  private static let digits = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
  ]
  /// What calibrates, and what is measured on.
  private static let seen = texts(["a photo of a {}", "the number {}", "{}", "a drawing of {}."])
  private static let unseen = texts(["a picture of the digit {}", "this is {}", "handwritten {}"])

  private static func texts(_ templates: [String]) -> [String] {
    templates.flatMap { template in digits.map { template.replacing("{}", with: $0) } }
  }

  private static func compile(
    _ name: String, in bench: Workbench, _ precision: Precision, calibrated: Bool = false,
    limit: Double? = nil
  ) throws -> (vectors: [Float], report: CompileReport) {
    var request = CompileRequest(model: model)
    request.tower = .text(length: nil)
    request.target = "host"
    request.precision = precision
    request.calibrationTexts = calibrated ? seen : []
    request.errorLimit = limit
    request.output = bench.path("lib\(name).so")
    let report = try Compiler(request).run()
    let library = try VitModel(path: bench.path("lib\(name).so"))
    let ids = try unseen.flatMap { try library.tokenize($0).ids }
    return (try library.makeContext().run(ids: ids, count: unseen.count), report)
  }

  @Test func `errors of int8`() throws {
    let bench = try Workbench()
    let truth = try Self.compile("f32", in: bench, .f32).vectors
    let plain = Deviation(try Self.compile("plain", in: bench, .int8).vectors, truth)
    let (vectors, report) = try Self.compile("texts", in: bench, .int8, calibrated: true)
    let calibrated = Deviation(vectors, truth)
    #expect(plain.relativeL2 <= 0.006 && plain.cosine >= 0.9999, "\(plain)")
    #expect(calibrated.relativeL2 <= 0.9 * plain.relativeL2, "\(calibrated), \(plain)")
    let found = try #require(report.calibration)
    #expect(found.isOfTexts && found.sources == 40 && found.images == 40)
    let error = try #require(found.errors["features"])
    #expect(error > 0 && error <= 0.006)
  }

  /// As with photos: layers become bf16 until the error is small enough.
  @Test func `a limit of the error`() throws {
    let bench = try Workbench()
    let free = try Self.compile("free", in: bench, .int8, calibrated: true).report
    let error = try #require(free.calibration?.errors["features"])
    let bound = try Self.compile(
      "bound", in: bench, .int8, calibrated: true, limit: 0.9 * error
    ).report
    let calibration = try #require(bound.calibration)
    #expect(!calibration.raised.isEmpty || calibration.fellBack)
    #expect((calibration.errors["features"] ?? 1) <= 0.9 * error)
  }

  /// What follows a text's end in a row of ids is other texts, not padding: the same texts give
  /// the same bytes, in another order others.
  @Test func `too few texts, and towers without a tokenizer`() throws {
    let bench = try Workbench()
    func message(_ model: String, _ texts: [String]) -> String {
      var request = CompileRequest(model: model)
      request.tower = .text(length: nil)
      request.precision = .int8
      request.calibrationTexts = texts
      request.output = bench.path("libx.so")
      do throws(Diagnostic) {
        _ = try Compiler(request).run()
        return ""
      } catch {
        return error.message
      }
    }
    #expect(message(Self.model, ["a"]) == "one text is too few, expected 16 to 256")
    let many = Array(repeating: "a", count: 257)
    #expect(message(Self.model, many) == "257 texts are too many, expected 16 to 256")
    let bare = message(Repository.path("Tests/Goldens/text/clip"), Self.seen)
    #expect(bare.hasPrefix("texts cannot be calibrated with, as there is no tokenizer: "))
    #expect(!FileManager.default.fileExists(atPath: bench.path("libx.so")))
  }
}
