import Foundation
import JSON
import Npy
import Testing

@testable import vitc

/// Heads fitted to folders of photos, and heads of files: the digits, and folders of every shape.
@Suite struct FitHeadTests {
  private static let digits =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits"
  private static let names = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
  ]

  private static func number(_ value: JSONValue?) -> Double {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: .nan
    }
  }

  /// The digits' test images as folders of classes: the first ten of each class, and the others.
  private static func write(
    _ folder: Folder, train: ClosedRange<Int> = 1...10, test: ClosedRange<Int> = 11...400,
    classes: Int = 10
  ) throws {
    let images = try NpyArray(path: digits + "/test-images.npy")
    let labels = try NpyArray(path: digits + "/test-labels.npy").values.map { Int($0) }
    var seen = [Int](repeating: 0, count: 10)
    for (i, label) in labels.enumerated() where label < classes {
      seen[label] += 1
      let kind = train.contains(seen[label]) ? "train" : test.contains(seen[label]) ? "test" : nil
      guard let kind else { continue }
      let pixels = images.values[i * 1024..<(i + 1) * 1024].map { UInt8($0) }
      // In the order of the file.
      let number = String(1000 + i).dropFirst()
      try Bitmap(grey: pixels, width: 32, height: 32)
        .write(to: folder("\(kind)/\(names[label])/\(number).png"))
    }
  }

  private static func compile(_ folder: Folder, _ options: String...) throws -> String {
    let result = try vitc(
      ["compile", digits + "/model", "-o", folder("libdigits.so"), "--target", "host"] + options)
    try #require(result.code == 0, "\(result.errors)")
    return folder("libdigits.so")
  }

  /// The goldens of `HeadFittingTests`, from pictures to the report: 99 of 100 left out, 255 of
  /// 260.
  @Test func digitsGiveTheGoldens() throws {
    let folder = try Folder()
    try Self.write(folder)
    let library = try Self.compile(folder, "--outputs", "features,tokens")
    for l2 in ["1", "32"] {
      let result = try vitc(
        "fit-head", library, folder("train"), "--test", folder("test"), "--l2", l2, "--json", "-o",
        folder("head.safetensors"), "--report", folder("report"))
      #expect(result.code == 0, "\(result.errors)")
      let report = try result.json()
      #expect(report["leaveOneOut"]?["right"] == .integer(99))
      #expect(report["leaveOneOut"]?["photos"] == .integer(100))
      #expect(report["test"]?["right"] == .integer(255))
      #expect(report["test"]?["photos"] == .integer(260))
      #expect(report["width"] == .integer(64) && report["isChosen"] == .bool(false))
      #expect(report["classes"]?.array?.count == 10)
      #expect(report["suspects"]?.array?.count == 10)
      // The one that is wrong comes first.
      #expect(Self.number(report["suspects"]?.array?[0]["margin"]) < 0)
      #expect(Self.number(report["suspects"]?.array?[1]["margin"]) > 0)
    }
    for name in ["report.json", "confusion.svg", "reliability.svg"] {
      let text = try String(contentsOfFile: folder("report/\(name)"), encoding: .utf8)
      #expect(name.hasSuffix("json") || text.hasPrefix("<svg ") && text.hasSuffix("</svg>\n"))
    }
    let confusion = try String(contentsOfFile: folder("report/confusion.svg"), encoding: .utf8)
    #expect(confusion.contains("(test photos)") && confusion.contains(">nine</text>"))
    // Chosen by leave-one-out, and for people.
    let chosen = try vitc("fit-head", library, folder("train"), "--test", folder("test"))
    #expect(chosen.code == 0, "\(chosen.errors)")
    #expect(chosen.output.hasPrefix("classes  10 of 100 photos: eight 10, five 10, "))
    #expect(chosen.output.contains(" by leave-one-out, temperature "))
    #expect(
      chosen.output.contains("look at  the photos that the others put farthest from their class:\n")
    )
    // Class and patches side by side.
    let both = try vitc("fit-head", library, folder("train"), "--features", "class+mean", "--json")
    #expect(both.code == 0, "\(both.errors)")
    #expect(try both.json()["width"] == .integer(128))
  }

  /// The library answers with the folders' names; what it says is what was fitted; twice the same
  /// bytes.
  @Test(arguments: ["class", "mean", "class+mean"])
  func compiledHeadsAnswerWithTheFoldersNames(kind: String) throws {
    let folder = try Folder()
    try Self.write(folder, train: 1...6, test: 7...9)
    let arguments = [
      "compile", Self.digits + "/model", "--target", "host", "--fit-head", folder("train"),
      "--fit-features", kind, "--fit-test", folder("test"), "--fit-report", folder("report"),
    ]
    let compiled = try vitc(arguments + ["-o", folder("libmine.so")])
    #expect(compiled.code == 0, "\(compiled.errors)")
    #expect(compiled.errors.contains("head     least squares over "))
    #expect(compiled.errors.contains("look at  "))
    let report = try JSONValue(
      parsing: String(contentsOfFile: folder("report/report.json"), encoding: .utf8))
    let right = try #require(report["test"]?["right"])
    let expected = Int(Self.number(right))
    #expect(expected >= 24, "of 30")
    // The same by `vitc run` of the library that was written.
    var found = 0
    for name in Self.names {
      let answers = try vitc("run", folder("libmine.so"), folder("test/\(name)"), "--json").json()
      for answer in try #require(answers.array) {
        #expect(answer["scores"]?.string == "softmax")
        if answer["predictions"]?.array?[0]["label"]?.string == name { found += 1 }
      }
    }
    #expect(found == expected)
    if kind == "class" {
      try FileManager.default.createDirectory(
        atPath: folder("again"), withIntermediateDirectories: false)
      let again = try vitc(arguments + ["-o", folder("again/libmine.so")])
      #expect(again.code == 0)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: folder("libmine.so")))
          == Data(contentsOf: URL(fileURLWithPath: folder("again/libmine.so"))))
      // By way of a file, of a model and of its library.
      let head = try vitc(
        "fit-head", Self.digits + "/model", folder("train"), "-o", folder("h.safetensors"))
      #expect(head.code == 0, "\(head.errors)")
      let byFile = try vitc(
        "compile", Self.digits + "/model", "--target", "host", "--head-file",
        folder("h.safetensors"), "-o", folder("again/libmine.so"))
      #expect(byFile.code == 0, "\(byFile.errors)")
      // What they were made of differs, and is told.
      let hashes = try ["libmine.so", "again/libmine.so"].map { name in
        try #require(
          try vitc("inspect", folder(name), "--json").json()["weights_hash"]?.string)
      }
      #expect(hashes[0] == hashes[1])
      let library = try Self.compile(folder, "--outputs", "features")
      let byLibrary = try vitc(
        "fit-head", library, folder("train"), "-o", folder("l.safetensors"))
      #expect(byLibrary.code == 0, "\(byLibrary.errors)")
      let tail = 4 * (10 * 64 + 10)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: folder("l.safetensors"))).suffix(tail)
          == Data(contentsOf: URL(fileURLWithPath: folder("h.safetensors"))).suffix(tail))
    }
  }

  /// bf16 and int8 agree with f32 on photos that are decided by more than 5 %.
  @Test(arguments: ["bf16", "int8"]) func narrowModelsAgree(precision: String) throws {
    let folder = try Folder()
    try Self.write(folder)
    func answers(_ precision: String) throws -> [(String, Double)] {
      let library = folder("lib\(precision).so")
      let compiled = try vitc(
        "compile", Self.digits + "/model", "--target", "host", "--fit-head", folder("train"),
        "--precision", precision, "-o", library)
      try #require(compiled.code == 0, "\(compiled.errors)")
      return try Self.names.flatMap { name in
        try (vitc("run", library, folder("test/\(name)"), "--json").json().array ?? []).map {
          let best = $0["predictions"]?.array ?? []
          return (
            best[0]["label"]?.string ?? "",
            Self.number(best[0]["probability"]) - Self.number(best[1]["probability"])
          )
        }
      }
    }
    let (truth, found) = (try answers("f32"), try answers(precision))
    #expect(truth.count == 260 && found.count == 260)
    let decided = zip(truth, found).filter { $0.0.1 > 0.05 }
    let agreeing = decided.count { $0.0.0 == $0.1.0 }
    #expect(decided.count > 200)
    #expect(Double(agreeing) >= 0.99 * Double(decided.count), "\(agreeing) of \(decided.count)")
  }

  @Test func foldersOfEveryShape() throws {
    let folder = try Folder()
    try Self.write(folder, train: 1...3, test: 400...401, classes: 3)
    let library = try Self.compile(folder, "--outputs", "features")
    func fit(_ path: String, _ options: String...) throws -> Outcome {
      try vitc(["fit-head", library, folder(path)] + options)
    }
    // One photo of a class.
    let single = try fit("train", "--shots", "1", "--json")
    #expect(single.code == 0, "\(single.errors)")
    #expect(try single.json()["l2"] == .integer(32))
    #expect(try single.json()["leaveOneOut"] == nil)
    #expect(single.errors.contains("warning: with one photo of a class nothing can be said"))
    #expect(single.errors.contains("warning: fewer than 5 photos: 'one' has 1, 'two' has 1, "))
    // Another seed draws other photos.
    let seeds = try (0..<4).map { try fit("train", "--shots", "2", "--seed", "\($0)").output }
    #expect(Set(seeds).count > 1)
    #expect(try fit("train", "--shots", "2", "--seed", "0").output == seeds[0])
    // One picture in two classes, and twice in one.
    let photo = try Data(contentsOf: URL(fileURLWithPath: Self.first(folder("train/one"))))
    try photo.write(to: URL(fileURLWithPath: folder("train/two/same.png")))
    try photo.write(to: URL(fileURLWithPath: folder("train/one/twin.png")))
    let twice = try fit("train")
    #expect(twice.code == 0)
    #expect(twice.errors.contains("warning: one picture in two classes: "), "\(twice.errors)")
    try FileManager.default.removeItem(atPath: folder("train/two/same.png"))
    let copies = try fit("train")
    #expect(copies.errors.contains("warning: one photo is a copy of others of the class"))
    // Quiet: warnings alone, and the file.
    let quiet = try fit("train", "-q", "-o", folder("quiet.safetensors"))
    #expect(quiet.code == 0 && quiet.output == "")
    #expect(quiet.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("warning: ") })
    #expect(FileManager.default.fileExists(atPath: folder("quiet.safetensors")))
    let file = try vitc("fit-head", library, library)
    #expect(
      file.code == 1
        && file.errors.contains(
          "is a file, expected a folder with a folder of photos for each class")
    )
    // A broken photo among others is named and left out; a class of nothing else is refused.
    _ = try folder.write("no photo", to: "train/one/broken.png")
    let broken = try fit("train")
    #expect(broken.code == 0)
    #expect(broken.errors.contains("warning: one photo cannot be used: '\(folder("train"))"))
    try FileManager.default.createDirectory(
      atPath: folder("train/ruin"), withIntermediateDirectories: false)
    let empty = try fit("train")
    #expect(empty.code == 1 && empty.errors.contains("error: class 'ruin' has no photos"))
    _ = try folder.write("no photo", to: "train/ruin/x.png")
    let ruin = try fit("train", "-o", folder("no.safetensors"))
    #expect(ruin.code == 1)
    #expect(
      ruin.errors.contains("error: none of the photos of class 'ruin' can be used"),
      "\(ruin.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder("no.safetensors")))
    // One class; no class; no folder.
    _ = try folder.write("", to: "lonely.txt")
    let one = try fit("train/..", "--shots", "1")
    #expect(one.code == 1)
    try photo.write(to: URL(fileURLWithPath: folder("x.png")))
    try FileManager.default.createDirectory(
      atPath: folder("single/a"), withIntermediateDirectories: true)
    try photo.write(to: URL(fileURLWithPath: folder("single/a/x.png")))
    let lonely = try fit("single")
    #expect(lonely.code == 1)
    #expect(
      lonely.errors.contains("single: error: found one class, 'a', expected two or more"),
      "\(lonely.errors)")
    let flat = try fit("single/a")
    #expect(flat.code == 1 && flat.errors.contains("the folder has no folders, expected one for"))
    let absent = try fit("none")
    #expect(absent.code == 1 && absent.errors.contains("none: error: cannot list the folder"))
    // Test classes that there are not.
    let other = try fit("train", "--test", folder("single"))
    #expect(other.code == 1)
  }

  private static func first(_ folder: String) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    return "\(folder)/\(try #require(names.first))"
  }

  /// Heads that somebody else made.
  @Test func headFilesAreRead() throws {
    let folder = try Folder()
    func write(
      _ tensors: [(String, [Int], [Float])], _ metadata: [String: String]
    ) throws -> String {
      var (members, offset, data) = ([String: JSONValue](), 0, [UInt8]())
      for (name, shape, values) in tensors {
        let bytes = values.withUnsafeBytes { Array($0) }
        members[name] = .object([
          "dtype": .string("F32"), "shape": .array(shape.map { .integer($0) }),
          "data_offsets": .array([.integer(offset), .integer(offset + bytes.count)]),
        ])
        offset += bytes.count
        data += bytes
      }
      members["__metadata__"] = .object(metadata.mapValues { .string($0) })
      let header = Array(JSONValue.object(members).text(.compact).utf8)
      let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
      try Data(length + header + data).write(to: URL(fileURLWithPath: folder("h.safetensors")))
      return folder("h.safetensors")
    }
    func compile(_ path: String, _ options: String...) throws -> Outcome {
      try vitc(
        [
          "compile", Self.digits + "/model", "--target", "v2", "--head-file", path, "-o",
          folder("libh.so"),
        ] + options)
    }
    let zeros = [Float](repeating: 0, count: 128)
    // Whatever the tensors' names; no bias; names of classes a line each.
    let plain = try write([("coef_", [2, 64], zeros)], ["labels": "cat\ndog"])
    #expect(try compile(plain).code == 0)
    let answer = try vitc("run", folder("libh.so"), Self.digits + "/images/digit-6-0006.png")
    #expect(answer.output.hasSuffix("  cat  50.00 %\n  dog  50.00 %\n"), "\(answer.output)")
    let several = try write(
      [("classifier.weight", [2, 64], zeros), ("classifier.bias", [2], [1, 2])],
      ["labels": "[\"a\", \"b\"]", "scores": "sigmoid"])
    let compiled = try compile(several)
    #expect(compiled.code == 0, "\(compiled.errors)")
    let inspected = try vitc("inspect", folder("libh.so"), "--json").json()
    #expect(inspected["scores"]?.string == "sigmoid")
    // What is wrong with a file, by name.
    for (tensors, metadata, message) in [
      ([("w", [2, 63], [Float](zeros.prefix(126)))], [:], "the head reads 63 features,"),
      ([("w", [1, 128], zeros)], [:], "128 are those of 'class+mean': say so in the metadata"),
      ([("w", [2, 64], zeros), ("b", [3], [0, 0, 0])], [:], "expected a head: a weight [K, D]"),
      ([("w", [2, 64], zeros), ("v", [2, 64], zeros)], [:], "found 'v' [2, 64]"),
      ([("w", [2, 64], zeros)], ["labels": "[\"a\"]"], "found 1 labels in the metadata"),
      ([("w", [2, 64], zeros)], ["features": "pooled"], "'features' in the metadata is 'pooled'"),
      ([("w", [2, 64], [Float.nan] + zeros.dropFirst())], [:], "1 of 128 values are NaN"),
    ] as [([(String, [Int], [Float])], [String: String], String)] {
      let result = try compile(try write(tensors, metadata))
      #expect(result.code == 1)
      #expect(result.errors.contains(message), "\(result.errors)")
    }
  }

  @Test(arguments: [
    (
      ["compile", "m", "--head", "none", "--fit-head", "f"],
      "At most one of --head none, --fit-head"
    ),
    (["compile", "m", "--head-file", "x", "--fit-head", "f"], "At most one of --head-file, --fit"),
    (["compile", "m", "--fit-shots", "3"], "--fit-shots requires --fit-head."),
    (["compile", "m", "--fit-head", "f", "--fit-l2", "0"], "--fit-l2 must be above 0"),
    (["compile", "m", "--fit-head", "f", "--fit-seed", "3"], "--fit-seed requires --fit-shots."),
    (["compile", "m", "--fit-head", "f", "--num-classes", "3"], "--num-classes cannot stand with"),
    (["compile", "m", "--fit-head", "f", "--emit", "ir"], "--fit-head requires an output with"),
    (["fit-head", "m", "f", "--shots", "0"], "--shots must be 1 or more, found 0."),
  ])
  func wrongUsage(arguments: [String], message: String) throws {
    let result = try vitc(arguments)
    #expect(result.code == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test func librariesWithoutFeaturesAreTold() throws {
    let folder = try Folder()
    try Self.write(folder, train: 1...2, test: 400...401, classes: 2)
    let library = try Self.compile(folder)
    let result = try vitc("fit-head", library, folder("train"))
    #expect(result.code == 1)
    #expect(
      result.errors.contains("error: the library has no output 'features', which the head is"))
    #expect(result.errors.contains("hint: compile it with --outputs logits,features, or name"))
    let option = try vitc("fit-head", library, folder("train"), "--precision", "int8")
    #expect(option.code == 1 && option.errors.contains("--precision is for models that are"))
  }
}
