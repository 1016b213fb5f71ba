import Foundation
import JSON
import Testing

@testable import vitc

/// `vitc knn` and `vitc search`: by the toy's logits, which are the colour of a photo.
@Suite struct SearchTests {
  private static func photos(_ folder: Folder) throws {
    for (name, red, green, blue) in [
      ("train/red/1", 250, 10, 5), ("train/red/2", 240, 30, 0), ("train/red/3", 200, 20, 20),
      ("train/blue/1", 0, 10, 250), ("train/blue/2", 20, 10, 220), ("train/blue/3", 30, 0, 200),
      ("test/red/a", 255, 40, 40), ("test/blue/b", 10, 20, 230), ("test/blue/c", 220, 10, 30),
    ] as [(String, UInt8, UInt8, UInt8)] {
      try Bitmap(red, green, blue).write(to: folder(name + ".png"))
    }
  }

  private static func number(_ value: JSONValue?) -> Double {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: .nan
    }
  }

  @Test func theNearestPhotosVote() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    try Self.photos(folder)
    let arguments = [
      "knn", model, "--train", folder("train"), "--test", folder("test"), "-k", "3",
      "--output-name", "logits",
    ]
    let text = try vitc(arguments)
    #expect(text.code == 0, "\(text.errors)")
    #expect(
      text.output.hasPrefix(
        "classes  2, 6 photos vote\nright    66.7 % (2 of 3; 95 %: 20.8 to 93.9), balanced 75.0 %\n"
          + "confused blue for red 1\n\(folder("test"))/blue/c.png: blue, taken for red\n"),
      "\(text.output)")
    let json = try vitc(arguments + ["--json"]).json()
    #expect(json["right"] == .integer(2) && json["k"] == .integer(3))
    let answers = try #require(json["answers"]?.array)
    #expect(answers.count == 3)
    for answer in answers {
      let scores = (answer["neighbours"]?.array ?? []).map { Self.number($0["score"]) }
      #expect(scores.count == 3 && scores == scores.sorted(by: >) && scores[0] > 0.97)
      let nearest = answer["neighbours"]?.array?[0]["file"]?.string ?? ""
      #expect(nearest.contains("/\(answer["takenFor"]?.string ?? "?")/"))
    }
    // From files of features: the same; and each against the others.
    for name in ["train", "test"] {
      let embedded = try vitc(
        "embed", model, folder(name), "-o", "logits=\(folder(name)).npy", "-q")
      #expect(embedded.code == 0)
    }
    let fromFiles = try vitc(
      "knn", model, "--train", folder("train.npy"), "--test", folder("test.npy"), "-k", "3",
      "--output-name", "logits", "--json")
    #expect(fromFiles.code == 0, "\(fromFiles.errors)")
    #expect(try fromFiles.json() == json)
    let others = try vitc(
      "knn", model, "--train", folder("train.npy"), "-k", "2", "--output-name", "logits", "--json")
    #expect(try others.json()["right"] == .integer(6))
    for answer in try others.json()["answers"]?.array ?? [] {
      #expect(answer["neighbours"]?.array?.count == 2)
      let itself = answer["neighbours"]?.array?.contains { $0["file"] == answer["file"] }
      #expect(itself == false)
    }
  }

  /// More neighbours than there are, and what is no question.
  @Test func fewPhotosVote() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    try Self.photos(folder)
    let options = ["--output-name", "logits", "-q"]
    let all = try vitc(["knn", model, "--train", folder("train"), "-k", "6"] + options)
    #expect(all.code == 0)
    #expect(
      all.errors.contains("-k: warning: only 5 photos can vote, fewer than 6: all of them do\n"),
      "\(all.errors)")
    let enough = try vitc(["knn", model, "--train", folder("train"), "-k", "5"] + options)
    #expect(enough.code == 0 && enough.errors == "")
    let one = try vitc(["knn", model, "--train", folder("train/red")] + options)
    #expect(one.code == 1)
    #expect(one.errors.contains("found one class, 'red', expected two or more"), "\(one.errors)")
    let absent = try vitc(["search", model, folder("train"), folder("no.png")] + options)
    #expect(absent.code == 1)
    #expect(
      absent.errors.contains(
        "cannot open the file: no such file or directory (\(folder("no.png")))"),
      "\(absent.errors)")
    let tree = try vitc(["search", model, folder("train"), folder("train/red")] + options)
    #expect(tree.code == 1)
    #expect(
      tree.errors.contains("\(folder("train/red")): error: expected a photo, found a folder"),
      "\(tree.errors)")
  }

  @Test func theMostLikeComesFirst() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    try Self.photos(folder)
    #expect(
      try vitc("embed", model, folder("train"), "-o", "logits=\(folder("f.npy"))", "-q").code == 0)
    let query = folder("train/blue/2.png")
    let found = try vitc(
      "search", model, folder("f.npy"), query, "--top", "2", "--output-name", "logits")
    #expect(found.code == 0, "\(found.errors)")
    #expect(
      found.output == "\(query)\n  1.0000  \(query)\n  0.9973  \(folder("train/blue/3.png"))\n",
      "\(found.output)")
    let json = try vitc(
      "search", model, folder("train"), query, "--top", "9", "--output-name", "logits", "--json")
    #expect(try json.json().array?[0]["matches"]?.array?.count == 6)
    // The features of another library, of another output, without names.
    let other = try String(contentsOfFile: folder("f.npy.json"), encoding: .utf8)
    _ = try folder.write(other.replacing("0123456789ab", with: "f123456789ab"), to: "f.npy.json")
    let warned = try vitc(
      "search", model, folder("f.npy"), query, "--output-name", "logits")
    #expect(warned.code == 0)
    #expect(warned.errors.contains("warning: the features were made by another library"))
    let mixed = try vitc("search", model, folder("f.npy"), query)
    #expect(mixed.code == 1)
    #expect(mixed.errors.contains("the array has shape [6, 3], expected [n, 2]"), "\(mixed.errors)")
    _ = try folder.write("one\n", to: "f.npy.paths.txt")
    let short = try vitc("search", model, folder("f.npy"), query, "--output-name", "logits")
    #expect(short.code == 1 && short.errors.contains("found 1 names, expected 6"))
    try FileManager.default.removeItem(atPath: folder("f.npy.paths.txt"))
    let nameless = try vitc("search", model, folder("f.npy"), query, "--output-name", "logits")
    #expect(nameless.code == 1 && nameless.errors.contains("the features have no names"))
  }

  @Test func classesAreFoldersBelowTheCommonOne() throws {
    let classes = try FolderClasses(
      ["p/x/cat/1.png", "p/x/dog/deep/2.png", "p/x/cat/deep/3.png"], source: "p")
    #expect(classes.names == ["cat", "dog"] && classes.labels == [0, 1, 0])
    let one = try FolderClasses(["p/cat/1.png", "p/cat/2.png"], source: "p")
    #expect(one.names == ["cat"])
    #expect(throws: (any Error).self) { try FolderClasses(["1.png", "2.png"], source: "p") }
    #expect(throws: (any Error).self) {
      try FolderClasses(["p/cow/1.png", "p/cat/2.png"], known: ["cat"], source: "p")
    }
  }
}
