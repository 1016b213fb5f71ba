import Codegen
import Compiler
import Diagnostics
import Foundation
import Images
import Npy
import Passes
import Synchronization
import Testing
import VitRuntime

/// The trained classifier of `examples/digits`, end to end.
@Suite struct DigitsTests {
  private static let folder = Repository.path("examples/digits/model")

  /// The test split as the model's input: grey levels in three channels, from -1 to 1.
  private func testImages(first count: Int = .max) throws -> (images: [Float], count: Int) {
    let pixels = try NpyArray(path: Repository.path("examples/digits/test-images.npy"))
    let area = pixels.shape[1] * pixels.shape[2]
    var images: [Float] = []
    images.reserveCapacity(pixels.values.count * 3)
    let count = min(count, pixels.shape[0])
    for index in 0..<count {
      let grey = pixels.values[index * area..<(index + 1) * area].map { ($0 / 255 - 0.5) / 0.5 }
      for _ in 0..<3 { images += grey }
    }
    return (images, count)
  }

  @Test func `predictions on the whole test split are PyTorch's`() throws {
    let model = try Workbench().keep { try $0.model(Self.folder) }
    let (images, count) = try testImages()
    let logits = try model.makeContext().run(images: images, count: count)
    let truth = try NpyArray(path: Repository.path("examples/digits/test-logits.npy"))
    let labels = try NpyArray(path: Repository.path("examples/digits/test-labels.npy"))
    #expect(Deviation(logits, truth.values).largest <= 2e-5)
    var correct = 0
    for index in 0..<count {
      let found = best(logits, index)
      #expect(found == best(truth.values, index), "image \(index)")
      if found == Int(labels.values[index]) { correct += 1 }
    }
    #expect(Double(correct) / Double(count) >= 0.97)
  }

  /// With each of the library's instruction sets.
  @Test(arguments: Target.runnableHere.map(\.name), [Precision.bf16, .int8])
  func `predictions on the whole test split are those of f32`(
    _ target: String, _ precision: Precision
  ) throws {
    let model = try Workbench().keep {
      try $0.model(Self.folder) {
        $0.precision = precision
        $0.target = target
      }
    }
    let (images, count) = try testImages()
    let logits = try model.makeContext().run(images: images, count: count)
    let truth = try NpyArray(path: Repository.path("examples/digits/test-logits.npy"))
    let agreeing = (0..<count).count { best(logits, $0) == best(truth.values, $0) }
    #expect(Double(agreeing) / Double(count) >= 0.997, "\(agreeing) of \(count)")
    let deviation = Deviation(logits, truth.values)
    #expect(deviation.relativeL2 <= (precision == .bf16 ? 0.01 : 0.05), "\(deviation)")
    #expect(model.description.json.contains(#""precision":"\#(precision)"#))
  }

  /// Attentions of integers make the error of int8 a little larger, alone and with f32 too.
  @Test(arguments: [Precision.f32, .int8])
  func `attentions of integers are near f32`(precision: Precision) throws {
    let (images, count) = try testImages()
    let truth = try NpyArray(path: Repository.path("examples/digits/test-logits.npy"))
    let deviations = try [nil, Precision.int8].map { attention in
      let model = try Workbench().keep {
        try $0.model(Self.folder) {
          $0.precision = precision
          $0.attention = attention
          $0.target = "host"
        }
      }
      #expect(try model.selftest().passed)
      return Deviation(try model.makeContext().run(images: images, count: count), truth.values)
    }
    let added = deviations[1].relativeL2
    #expect(added <= 0.006 && added != deviations[0].relativeL2, "\(deviations)")
  }

  private static func photos(first count: Int = .max) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Repository.path("examples/digits/images"))
      .sorted().prefix(count).map { Repository.path("examples/digits/images/\($0)") }
  }

  /// Photos make integers better for images that they do not show.
  @Test func `calibrated predictions are nearer to those of f32`() throws {
    let photos = try Self.photos()
    let (images, count) = try testImages()
    let truth = try NpyArray(path: Repository.path("examples/digits/test-logits.npy"))
    let deviations = try [[], photos].map { photos in
      let model = try Workbench().keep {
        try $0.model(Self.folder) {
          $0.precision = .int8
          $0.target = "host"
          $0.calibration = photos
        }
      }
      let logits = try model.makeContext().run(images: images, count: count)
      return Deviation(logits, truth.values)
    }
    // 0.0024 of either are bf16's: of patches, attentions and head.
    #expect(deviations[0].relativeL2 <= 0.0042, "\(deviations)")
    #expect(deviations[1].relativeL2 <= 0.004, "\(deviations)")
    #expect(deviations[1].relativeL2 <= 0.97 * deviations[0].relativeL2, "\(deviations)")
  }

  /// The worst layers are kept in bf16 until the error is as small as asked for.
  @Test func `an error limit is kept or refused`() throws {
    let bench = try Workbench()
    var request = CompileRequest(model: Self.folder)
    request.output = bench.path("libdigits.so")
    request.precision = .int8
    request.target = "host"
    request.calibration = try Self.photos(first: 8)
    let free = try #require(try Compiler(request).run().calibration)
    #expect(free.raised.isEmpty && free.sources == 8 && !free.isOfTexts && free.images == 32)
    let limit = 0.9 * (free.errors["logits"] ?? 0)
    request.errorLimit = limit
    let report = try Compiler(request).run()
    let limited = try #require(report.calibration)
    #expect(!limited.raised.isEmpty && (limited.errors["logits"] ?? 1) <= limit, "\(limited)")
    #expect(report.precision.contains("int8") && report.precision.contains("bf16"))
    request.calibration = try Self.photos(first: 1)
    let tooFew = #expect(throws: Diagnostic.self) { try Compiler(request).run() }
    #expect(tooFew?.message == "one photo is too few, expected 2 to 32")
    request.calibration = Array(repeating: request.calibration[0], count: 33)
    let tooMany = #expect(throws: Diagnostic.self) { try Compiler(request).run() }
    #expect(tooMany?.message == "33 photos are too many, expected 2 to 32")
    request.calibration = try Self.photos(first: 8)
    request.errorLimit = 1e-9
    let error = #expect(throws: Diagnostic.self) { try Compiler(request).run() }
    #expect(error?.location == .argument("--max-error"))
    #expect(error?.message.hasSuffix("with every layer in bf16, expected at most 0.0 %") == true)
    // The hint names what is possible, and it is: then the model is that of --precision bf16.
    let hint = try #require(error?.hint)
    let words = hint.split(separator: " ")
    #expect(hint.hasPrefix("that is what --precision bf16 gives: raise the limit to "), "\(hint)")
    let possible = try #require(
      words.firstIndex(of: "to").flatMap { Double(words[$0 + 1].dropLast()) })
    request.errorLimit = possible
    let last = try Compiler(request).run()
    let fallen = try #require(last.calibration)
    #expect(fallen.fellBack && (fallen.errors["logits"] ?? 1) <= possible, "\(fallen)")
    #expect(!last.precision.contains("int8"))
    request.errorLimit = nil
    request.precision = .bf16
    let bf16 = try #require(try Compiler(request).run().calibration)
    // Nearly: what fell back has been calibrated as a model of integers is.
    #expect(abs((fallen.errors["logits"] ?? 0) / (bf16.errors["logits"] ?? 1) - 1) < 0.1)
  }

  private func best(_ logits: [Float], _ image: Int) -> Int {
    let row = Array(logits[image * 10..<(image + 1) * 10])
    return row.indices.max { row[$0] < row[$1] } ?? -1
  }

  @Test func `preprocessing in the library gives PyTorch's probabilities for photos`() throws {
    struct Expected: Decodable {
      var label: String
      var probability: Double
    }
    let expected = try Repository.json(
      "examples/digits/expected.json", as: [String: Expected].self)
    #expect(expected.count >= 12)
    let model = try Workbench().keep { try $0.model(Self.folder) }
    let context = try model.makeContext()
    for (file, item) in expected {
      let photo = try Image(
        decoding: Repository.path("examples/digits/images/\(file)"))
      let input = try model.preprocess(rgb: photo.rgb, width: photo.width, height: photo.height)
      let logits = try context.run(images: input).map(Double.init)
      let powers = logits.map { exp($0 - (logits.max() ?? 0)) }
      let probability = (powers.max() ?? 0) / powers.reduce(0, +)
      #expect(abs(probability - item.probability) < 1e-4, "\(file)")
    }
  }

  @Test(arguments: Target.runnableForFloats.map(\.name))
  func `bits do not depend on threads, batch or load`(isa: String) throws {
    let (images, _) = try testImages()
    let single = 3 * 32 * 32
    var results: [[Float]] = []
    let bench = try Workbench()
    let path = try bench.compile(Self.folder)
    let isBusy = Atomic(true)
    for _ in 0..<4 {
      Thread.detachNewThread { while isBusy.load(ordering: .relaxed) {} }
    }
    defer { isBusy.store(false, ordering: .relaxed) }
    for threads in [1, 2, 3, 7, 64] {
      let context = try VitModel(path: path, options: VitOptions(threads: threads, isa: isa))
        .makeContext()
      for count in [1, 2, 7] {
        results.append(
          Array(
            try context.run(images: Array(images[..<(single * count)]), count: count)[..<10]))
      }
    }
    let parallel = VitOptions(threads: 5, isa: isa) { count, body in
      for index in (0..<count).reversed() { body(index) }
    }
    results.append(
      try VitModel(path: path, options: parallel).makeContext()
        .run(images: Array(images[..<single])))
    #expect(Set(results).count == 1)
  }

  @Test func `eight threads share one model`() async throws {
    let model = try Workbench().keep { try $0.model(Self.folder, threads: 2) }
    let (images, _) = try testImages(first: 24)
    let single = 3 * 32 * 32
    let expected = try model.makeContext().run(images: Array(images[..<(24 * single)]), count: 24)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          let context = try model.makeContext()
          for round in 0..<20 {
            let index = (task * 3 + round) % 24
            let found = try context.run(
              images: Array(images[index * single..<(index + 1) * single]))
            #expect(found == Array(expected[index * 10..<(index + 1) * 10]))
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func `two models live in one program`() throws {
    let bench = try Workbench()
    let images = Array(try testImages().images[..<(3 * 3 * 32 * 32)])
    let first = try bench.model(Self.folder, name: "first")
    let second = try bench.model(Self.folder, name: "second") { $0.outputs = [.features] }
    let before = try first.makeContext().run(images: images, count: 3)
    _ = try second.makeContext().run(images: images, count: 3)
    #expect(try first.makeContext().run(images: images, count: 3) == before)
    #expect(first.description.name == "first")
    #expect(second.description.outputs.map(\.name) == ["features"])
  }

  @Test func `a weights file beside the library gives the same bits`() throws {
    let bench = try Workbench()
    let images = Array(try testImages().images[..<(2 * 3 * 32 * 32)])
    let embedded = try bench.model(Self.folder, name: "embedded")
    let filed = try bench.model(Self.folder, name: "filed") { $0.weightPlacement = .file }
    #expect(FileManager.default.fileExists(atPath: bench.path("filed.weights")))
    #expect(
      try embedded.makeContext().run(images: images, count: 2)
        == filed.makeContext().run(images: images, count: 2))
    #expect(embedded.description.weightsHash == filed.description.weightsHash)
  }

  @Test func `a truncated weights file is refused`() throws {
    let bench = try Workbench()
    let path = try bench.compile(Self.folder) { $0.weightPlacement = .file }
    let weights = bench.path("model.weights")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
    try bytes.dropLast(4096).write(to: URL(fileURLWithPath: weights))
    let error = try #require(throws: VitError.self) { try VitModel(path: path) }
    #expect(error.status == .weightsMismatch)
    #expect(error.message.contains("model.weights") && error.message.contains("truncated"))
    try FileManager.default.removeItem(atPath: weights)
    let missing = try #require(throws: VitError.self) { try VitModel(path: path) }
    #expect(missing.status == .weightsUnreadable)
  }

  @Test func `the same inputs give the same bytes`() throws {
    let (one, other) = (try Workbench(), try Workbench())
    let paths = [try one.compile(Self.folder), try other.compile(Self.folder)]
    let libraries = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(libraries[0] == libraries[1])
  }
}

extension Workbench {
  /// Runs `body` and removes the folder: a loaded library needs its file no more.
  func keep<Result>(_ body: (Workbench) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(self) }
  }
}
