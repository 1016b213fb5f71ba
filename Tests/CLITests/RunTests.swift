import Foundation
import JSON
import Npy
import Testing

@testable import vitc

@Suite struct RunTests {
  /// Two images whose channel means are 0, 1, 2 and 3, 4, 5.
  private let batch = NpyArray(shape: [2, 3, 2, 2], values: (0..<24).map { Float($0 / 4) })

  @Test func arrayInArrayOut() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    try batch.write(to: folder("x.npy"))
    let result = try vitc("run", model, "--input", folder("x.npy"), "--output", folder("y.npy"))
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.isEmpty && result.errors.isEmpty)
    #expect(
      try NpyArray(path: folder("y.npy"))
        == NpyArray(shape: [2, 3], values: [0, 20, 40, 60, 80, 100]))
  }

  @Test func severalOutputsByName() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    try batch.write(to: folder("x.npy"))
    let result = try vitc(
      "run", model, "-i", folder("x.npy"), "-o", "features=\(folder("f.npy"))",
      "-o", "logits=\(folder("l.npy"))")
    #expect(result.code == 0, "\(result.errors)")
    #expect(
      try NpyArray(path: folder("f.npy")) == NpyArray(shape: [2, 2], values: [12, 24, 48, 96]))
    #expect(try NpyArray(path: folder("l.npy")).shape == [2, 3])
    let other = try vitc(
      "run", model, "-i", folder("x.npy"), "-o", folder("g.npy"), "--output-name", "features")
    #expect(other.code == 0, "\(other.errors)")
    #expect(try NpyArray(path: folder("g.npy")).values == [12, 24, 48, 96])
  }

  @Test func oneImageCountsAsABatch() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    try NpyArray(shape: [3, 2, 2], values: [Float](repeating: 1, count: 12))
      .write(to: folder("x.npy"))
    let result = try vitc("run", model, "--input", folder("x.npy"), "--output", folder("y.npy"))
    #expect(result.code == 0, "\(result.errors)")
    #expect(
      try NpyArray(path: folder("y.npy")) == NpyArray(shape: [1, 3], values: [20, 20, 20]))
  }

  /// More images than run at once.
  @Test func manyImages() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let values = (0..<100).flatMap { [Float](repeating: Float($0), count: 12) }
    try NpyArray(shape: [100, 3, 2, 2], values: values).write(to: folder("x.npy"))
    let result = try vitc("run", model, "--input", folder("x.npy"), "--output", folder("y.npy"))
    #expect(result.code == 0, "\(result.errors)")
    let expected = (0..<100).flatMap { [Float](repeating: 20 * Float($0), count: 3) }
    #expect(try NpyArray(path: folder("y.npy")).values == expected)
  }

  @Test func wrongInputsAreTold() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    func run(_ shape: [Int], _ output: String = "y.npy") throws -> Outcome {
      let values = [Float](repeating: 0, count: shape.reduce(1, *))
      try NpyArray(shape: shape, values: values).write(to: folder("x.npy"))
      return try vitc("run", model, "--input", folder("x.npy"), "--output", output, in: folder.path)
    }
    let size = try run([1, 3, 4, 4])
    #expect(size.code == 1)
    #expect(
      size.errors.contains(
        "x.npy: error: the images have shape [1, 3, 4, 4], expected [n, 3, 2, 2] with n of at "
          + "least 1"))
    #expect(size.errors.contains("hint: compile the model for another size with --image-size"))
    #expect(try run([0, 3, 2, 2]).errors.contains("[0, 3, 2, 2], expected [n, 3, 2, 2]"))
    #expect(try run([5, 2, 2, 3]).errors.contains("hint: the channels come last"))
    let name = try run([1, 3, 2, 2], "logit=y.npy")
    #expect(name.code == 1)
    #expect(name.errors.contains("error: the model has no output 'logit'"))
    #expect(name.errors.contains("hint: did you mean 'logits'?"))
    let twice = try vitc(
      "run", model, "-i", folder("x.npy"), "-o", "logits=a.npy", "-o", "features=a.npy")
    #expect(twice.errors.contains("two outputs go to 'a.npy'"))
    let absent = try vitc("run", model, "-i", "absent.npy", "-o", "a.npy")
    #expect(absent.code == 1)
    #expect(absent.errors.contains("absent.npy: error: cannot open the file"))
    let unwritable = try run([1, 3, 2, 2], "no/such/folder/y.npy")
    #expect(unwritable.code == 1)
    #expect(unwritable.errors.contains("no/such/folder/y.npy: error: cannot create the file"))
  }

  @Test func photosInOrderWithLabels() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc("run", model, Toy.photos, "--top", "1")
    #expect(result.code == 0, "\(result.errors)")
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(rows.map { $0[1] } == ["blue", "green", "red"])
    #expect(rows.allSatisfy { $0.count == 4 && $0[2].hasPrefix("100.00") && $0[3] == "%" })
    let json = try vitc("run", model, Toy.photos + "/red.png", "--json").json()
    let predictions = try #require(json.array?.first?["predictions"]?.array)
    #expect(predictions.map { $0["label"]?.string } == ["red", "green", "blue"])
    #expect(predictions.first?["index"] == .integer(0))
    let blocks = try vitc("run", model, Toy.photos + "/red.png", "--top", "2")
    #expect(
      blocks.output
        == "\(Toy.photos)/red.png (softmax)\n  red    100.00 %\n  green    0.00 %\n")
  }

  @Test func otherLabels() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let red = Toy.photos + "/red.png"
    for (name, text) in [
      ("list.json", #"["rot", "grün", "blau"]"#), ("lines.txt", "rot\r\n\n grün \nblau\n"),
      ("map.json", #"{"1": "grün", "0": "rot", "2": "blau"}"#),
      ("config.json", #"{"id2label": {"0": "rot", "1": "grün", "2": "blau"}, "a": 1}"#),
      ("timm.json", #"{"label_names": ["rot", "grün", "blau"]}"#),
      ("index.json", #"{"1": ["n2", "grün"], "0": ["n1", "rot"], "2": ["n3", "blau"]}"#),
      ("mark.txt", "\u{FEFF}rot\r\ngrün\r\nblau\r\n"),
      ("mark.json", "\u{FEFF}[\"rot\", \"grün\", \"blau\"]"),
    ] {
      let path = try folder.write(text, to: name)
      let result = try vitc("run", model, red, "--top", "3", "--labels", path)
      #expect(result.output.contains("  rot   100.00 %\n  grün"), "\(name): \(result.errors)")
    }
    for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian] {
      let path = try folder.write("", to: "wide.txt")
      let text = try #require("\u{FEFF}rot\ngrün\nblau\n".data(using: encoding))
      try text.write(to: URL(fileURLWithPath: path))
      let result = try vitc("run", model, red, "--top", "3", "--labels", path)
      #expect(result.output.contains("  rot   100.00 %\n  grün"), "\(encoding): \(result.errors)")
    }
    for (name, text, message) in [
      ("few.txt", "a\nb\n", "found 2 labels, expected 3, one for each class"),
      ("gap.json", #"{"0": "a", "1": "b", "7": "c"}"#, "found the label '7': c, expected indices"),
      ("twice.json", #"{"0": "a", "1": "b", "01": "c"}"#, "the labels name an index twice"),
      ("numbers.json", "[1, 2, 3]", "expected a list of strings"),
      ("number.json", "3", "expected a list of labels or an object"),
    ] {
      let path = try folder.write(text, to: name)
      let result = try vitc("run", model, red, "--labels", path)
      #expect(result.code == 1)
      #expect(result.errors.contains("\(name): error: \(message)"), "\(result.errors)")
    }
    // In Latin-1; in UTF-16 without a mark: no name is made up of such bytes.
    let wide = try #require("rot\ngrün\nblau\n".data(using: .utf16LittleEndian))
    for bytes in [Data("rot\ngr".utf8) + [0xFC] + Data("n\nblau\n".utf8), wide] {
      try bytes.write(to: URL(fileURLWithPath: folder("other.txt")))
      let result = try vitc("run", model, red, "--labels", folder("other.txt"))
      #expect(result.code == 1)
      #expect(
        result.errors.contains("other.txt: error: is not a text in UTF-8\n  hint: convert it"),
        "\(result.errors)")
    }
  }

  /// Labels and names of files cannot act on a terminal.
  @Test func labelsAreEscaped() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let labels = try folder.write(
      #"["\u001b[31mred\n", "\u202egreen", "bl\u0085ue"]"#, to: "labels.json")
    let photo = folder("a\n\u{202E}.png")
    try FileManager.default.copyItem(atPath: Toy.photos + "/red.png", toPath: photo)
    for arguments in [[], ["--top", "1"]] {
      let result = try vitc(["run", model, photo, "--labels", labels] + arguments)
      #expect(result.output.contains("\\u{1B}[31mred\\n"), "\(result.output)")
      #expect(result.output.contains("a\\n\\u{202E}.png"))
      #expect(!result.output.contains("\u{1B}") && !result.output.contains("\u{202E}"))
    }
    let json = try vitc("run", model, photo, "--labels", labels, "--json")
    #expect(json.output.contains(#"\u202egreen"#) && !json.output.contains("\u{202E}"))
    let first = try #require(try json.json().array?.first)
    #expect(first["file"]?.string == photo)
    #expect(first["predictions"]?.array?[0]["label"]?.string == "\u{1B}[31mred\n")
    let wrong = try vitc("run", model, "--\u{1B}[2J")
    #expect(wrong.code == 64 && !wrong.errors.contains("\u{1B}"))
  }

  /// A photo that cannot be read is told; the others are classified.
  @Test func badPhotosDoNotStopOthers() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let bad = try folder.write("no photo", to: "bad.png")
    let result = try vitc("run", model, bad, Toy.photos + "/red.png", "--top", "1")
    #expect(result.code == 1)
    #expect(result.errors.contains("bad.png: error: expected a PNG, JPEG or WebP image"))
    #expect(result.output.contains("red  100.00 %"))
    let empty = try Folder()
    #expect(
      try vitc("run", model, empty.path).errors.contains("error: the folder has no photos"))
    // All commands search folders alike: with those below, without what is hidden.
    for name in ["a/red", "a/deep/blue", ".hidden/green", "a/.green"] {
      try Bitmap(9, 0, 0).write(to: empty(name + ".png"))
    }
    _ = try empty.write("GIF89a", to: "a/film.gif")
    let deep = try vitc("run", model, empty.path, "--top", "1")
    #expect(deep.code == 0, "\(deep.errors)")
    let files = deep.output.split(separator: "\n").map { $0.prefix { $0 != " " } }
    #expect(files.map(String.init) == [empty("a/red.png"), empty("a/deep/blue.png")])
    #expect(
      deep.errors
        == "\(empty.path): warning: skipped photos of formats that are not read: 'a/film.gif'\n")
  }

  /// What is NaN or infinite is no answer, whatever the rest of the numbers is.
  @Test(arguments: ["(0.0f/0.0f)", "(1.0f/0.0f)", "(-1.0f/0.0f)"])
  func answersThatAreNoNumbersAreErrors(bias: String) throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder, defines: ["BIAS=\(bias)"])
    for format in [[], ["--json"]] {
      let result = try vitc(["run", model, Toy.photos + "/red.png"] + format)
      #expect(result.code == 1)
      #expect(
        result.errors.contains("red.png: error: 3 of 3 logits are NaN or infinite, the first is"))
      #expect(!result.output.contains("nan") && !result.output.contains("inf"))
    }
    try batch.write(to: folder("x.npy"))
    let result = try vitc("run", model, "-i", folder("x.npy"), "-o", folder("y.npy"))
    #expect(result.code == 1)
    #expect(result.errors.contains("libtoy.so: error: 6 of 6 logits are NaN or infinite"))
    #expect(!FileManager.default.fileExists(atPath: folder("y.npy")))
    // Numbers that are none make none, and are not the model's fault.
    let sound = try Toy.build(in: folder, name: "libsound.so")
    try NpyArray(shape: [3, 2, 2], values: [Float](repeating: .nan, count: 12))
      .write(to: folder("n.npy"))
    #expect(try vitc("run", sound, "-i", folder("n.npy"), "-o", folder("y.npy")).code == 0)
  }

  @Test func modelsWithoutScoresAreTold() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder, defines: ["FIRST=\"pooled\""])
    let result = try vitc("run", model, Toy.photos, "--top", "1")
    #expect(result.code == 1)
    #expect(result.errors.contains("libtoy.so: error: the model has no class scores"))
    #expect(result.errors.contains("note: outputs: pooled, features"))
  }

  @Test func librariesThatAreNoModelAreTold() throws {
    let folder = try Folder()
    let text = try folder.write("text", to: "libtext.so")
    let result = try vitc("run", text, Toy.photos)
    #expect(result.code == 1)
    #expect(result.errors.contains("libtext.so: error: cannot load"))
    let source = try vitc("run", folder("."), "--input", "x.npy", "-o", "y.npy")
    #expect(source.code == 1)
    #expect(source.errors.contains("error: is a folder, expected a compiled model"))
    #expect(source.errors.contains("hint: 'vitc compile FOLDER -o libNAME.so'"))
    #expect(result.errors.contains("it is not a shared library"))
    let other = try Toy.build(in: folder, defines: ["ABI=999"])
    let mismatch = try vitc("run", other, Toy.photos)
    #expect(mismatch.code == 1)
    #expect(mismatch.errors.contains("version 999 of the binary interface"))
  }

  @Test(arguments: [
    (["run", "lib.so"], "Give photos, --input, or --text or --ids."),
    (["run", "lib.so", "a.png", "--input", "x.npy"], "not both"),
    (["run", "lib.so", "--input", "x.npy"], "--input requires --output"),
    (["run", "lib.so", "--input", "x.npy", "--output", "y", "--top", "2"], "require photos"),
    (["run", "lib.so", "a.png", "--output", "y.npy"], "require --input"),
    (["run", "lib.so", "a.png", "--top", "0"], "--top must be 1 or more, found 0"),
    (["run", "lib.so", "a.png", "--threads", "-1"], "--threads"),
  ])
  func wrongUsage(arguments: [String], message: String) throws {
    let result = try vitc(arguments)
    #expect(result.code == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test func equalSignsInPaths() {
    #expect(ArrayRun.parts("logits=y.npy") == ("logits", "y.npy"))
    #expect(ArrayRun.parts("y.npy") == (nil, "y.npy"))
    #expect(ArrayRun.parts("a/b=c.npy") == (nil, "a/b=c.npy"))
    #expect(ArrayRun.parts("=y.npy") == (nil, "=y.npy"))
    #expect(ArrayRun.parts("logits=a=b.npy") == ("logits", "a=b.npy"))
  }

  /// Sigmoids of each, and values as they are.
  @Test func scoresOfEachKind() {
    let logits: [Float] = [-1, 2, 0]
    let sigmoid = Prediction.top(2, logits: logits, by: .sigmoid, labels: ["a", "b", "c"])
    #expect(sigmoid.map(\.label) == ["b", "c"])
    #expect(sigmoid.map(\.text) == ["88.08 %", "50.00 %"])
    let values = Prediction.top(3, logits: logits, by: .identity, labels: [])
    #expect(values.map(\.value) == [2, 0, -1] && values.allSatisfy { $0.probability == nil })
    #expect(values.map(\.text) == ["2", "0", "-1"])
    #expect(Prediction.scores([-1000, 1000], by: .sigmoid) == [0, 1])
  }

  @Test func softmaxIsStable() {
    #expect(Prediction.softmax([1000, 1000]) == [0.5, 0.5])
    let top = Prediction.top(5, logits: [0, 3, 3], labels: [])
    #expect(top.map(\.index) == [1, 2, 0])
    #expect(top.map(\.label) == ["class 1", "class 2", "class 0"])
    #expect(abs(top.reduce(0) { $0 + ($1.probability ?? 0) } - 1) < 1e-12)
  }
}
