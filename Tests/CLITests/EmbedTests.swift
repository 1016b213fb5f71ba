import Diagnostics
import Files
import Foundation
import JSON
import Npy
import Testing

@testable import vitc

/// `vitc embed`: rows of photos, what is left out, and going on after an interruption.
@Suite struct EmbedTests {
  /// Photos in folders, of which row i has the grey value i, and what is no photo.
  private static func photos(_ count: Int, in folder: Folder) throws -> String {
    for i in 0..<count {
      let name = i < 10 ? "p/a/\(i).png" : "p/b/deep/\(i).png"
      try Bitmap(UInt8(i), UInt8(i), UInt8(i)).write(to: folder(name))
    }
    return folder("p")
  }

  /// What the toy makes of grey i: `features = [12 i / 255, 24 i / 255]`.
  private static func features(_ grey: [Int]) -> [Float] {
    grey.flatMap { value -> [Float] in
      var total: Float = 0
      for _ in 0..<3 {
        var sum: Float = 0
        for _ in 0..<4 { sum += Float(value) / 255 }
        total += sum
      }
      return [total, 2 * total]
    }
  }

  private static func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func foldersBecomeRowsWithNames() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(25, in: folder)
    let result = try vitc(
      "embed", model, photos, "-o", "features=\(folder("f.npy"))", "-o", folder("l.npy"))
    #expect(result.code == 0, "\(result.errors)")
    let features = try NpyArray(path: folder("f.npy"))
    #expect(features.shape == [25, 2])
    #expect(features.values == Self.features(Array(0..<25)))
    // The first output, if none is named.
    #expect(try NpyArray(path: folder("l.npy")).shape == [25, 3])
    let names = try Self.lines(folder("f.npy.paths.txt"))
    #expect(names == (0..<25).map { "\(photos)/\($0 < 10 ? "a" : "b/deep")/\($0).png" })
    #expect(try Self.lines(folder("l.npy.paths.txt")) == names)
    let notes = try JSONValue(
      parsing: String(contentsOfFile: folder("f.npy.json"), encoding: .utf8))
    #expect(notes["weights"]?.string == "0123456789abcdef0123456789abcdef")
    #expect(notes["output"]?.string == "features" && notes["rows"] == .integer(25))
    #expect(result.errors.contains("photos   25 in "))
    #expect(result.errors.contains("wrote    \(folder("f.npy")): features [25, 2]\n"))
    // Nothing unfinished stays.
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!left.contains { $0.contains("partial") })
    // The same whatever the threads.
    let again = try vitc(
      "embed", model, photos, "-o", "features=\(folder("g.npy"))", "--threads", "1", "--quiet")
    #expect(again.code == 0 && again.errors.isEmpty)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder("f.npy")))
        == Data(contentsOf: URL(fileURLWithPath: folder("g.npy"))))
  }

  @Test func archivesHaveAllOutputsAndPaths() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(3, in: folder)
    let result = try vitc("embed", model, photos, "-o", folder("all.npz"))
    #expect(result.code == 0, "\(result.errors)")
    let archive = try NpzArchive(path: folder("all.npz"))
    #expect(archive.names == ["logits", "features", "paths"])
    #expect(try archive.read("features").values == Self.features([0, 1, 2]))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!left.contains { $0.contains("partial") })
  }

  @Test func linesAreJSON() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(3, in: folder)
    let printed = try vitc("embed", model, photos, "--jsonl")
    #expect(printed.code == 0, "\(printed.errors)")
    let written = try vitc("embed", model, photos, "-o", folder("x.jsonl"), "-q")
    #expect(written.code == 0, "\(written.errors)")
    #expect(try String(contentsOfFile: folder("x.jsonl"), encoding: .utf8) == printed.output)
    let lines = try printed.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    #expect(lines.map { $0["file"]?.string } == (0..<3).map { "\(photos)/a/\($0).png" })
    let numbers = (lines[2]["features"]?.array ?? []).map { value -> Float in
      switch value {
      case .integer(let number): Float(number)
      case .number(let number): Float(number)
      default: .nan
      }
    }
    #expect(numbers == Self.features([2]))
    let one = try vitc("embed", model, photos, "--jsonl", "-o", "features=\(folder("y.txt"))")
    #expect(one.code == 0)
    #expect(try Self.lines(folder("y.txt"))[0].hasSuffix(".png\",\"features\":[0.0,0.0]}"))
  }

  @Test func whatIsLeftOutIsCountedByReason() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(3, in: folder)
    let whole = try Data(contentsOf: URL(fileURLWithPath: photos + "/a/0.png"))
    for name in ["cut1.png", "cut2.png"] {
      try whole.prefix(40).write(to: URL(fileURLWithPath: "\(photos)/a/\(name)"))
    }
    _ = try folder.write("text", to: "p/notes.txt")
    _ = try folder.write("GIF89a", to: "p/film.gif")
    _ = try folder.write("GIF89a", to: "p/really.png")
    _ = try folder.write("x", to: "p/._a.png")
    let result = try vitc("embed", model, photos, "-o", folder("f.npy"))
    #expect(result.code == 0, "\(result.errors)")
    #expect(try NpyArray(path: folder("f.npy")).shape == [3, 3])
    for line in [
      "skipped  1: the file is no photo by its name (\(photos)/notes.txt)",
      "skipped  1: '.gif' is a format that is not read (\(photos)/film.gif)",
      "skipped  1: the file is hidden (\(photos)/._a.png)",
      "skipped  1: expected a PNG, JPEG or WebP image, found a GIF image (\(photos)/really.png)",
      "skipped  2: the PNG image is truncated (\(photos)/a/cut1.png, \(photos)/a/cut2.png)",
    ] {
      #expect(result.errors.contains(line + "\n"), "\(result.errors)")
    }
    // Nothing but broken photos: no file, and nothing unfinished.
    let none = try vitc("embed", model, photos + "/a/cut1.png", "-o", folder("n.npy"))
    #expect(none.code == 1)
    #expect(none.errors.contains("error: found no photo that can be used"))
    #expect(none.errors.contains("note: skipped  1: the PNG image is truncated"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!left.contains { $0.hasPrefix("n.npy") })
  }

  @Test func listsNamePhotos() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(12, in: folder)
    let list = try folder.write("\(photos)/b/deep/11.png\n\(photos)/a/2.png\n", to: "list.txt")
    let result = try vitc(
      "embed", model, "--list", list, "-o", "features=\(folder("f.npy"))")
    #expect(result.code == 0, "\(result.errors)")
    #expect(try NpyArray(path: folder("f.npy")).values == Self.features([11, 2]))
  }

  /// Every place where a job may be cut off: what is there is kept, and the end is the same.
  @Test func interruptedJobsGoOn() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(14, in: folder)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: photos + "/a/broken.png"))
    let arguments = [
      "embed", model, photos, "-o", "features=\(folder("f.npy"))", "-o", folder("x.jsonl"),
      "--resume",
    ]
    // As a job that was killed after the last row leaves it.
    let whole = try vitc(arguments)
    #expect(whole.code == 0, "\(whole.errors)")
    let (array, lines) = (
      try Data(contentsOf: URL(fileURLWithPath: folder("f.npy"))),
      try Data(contentsOf: URL(fileURLWithPath: folder("x.jsonl")))
    )
    let names = try Self.lines(folder("f.npy.paths.txt"))
    let rowEnds = lines.indices.filter { lines[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    func index(rows: Int, isComplete: Bool = false) -> String {
      var text = """
        {"files":["array \(folder("f.npy"))","lines \(folder("x.jsonl"))"],"orient":false,\
        "outputs":[[["features",[2]]],[["logits",[3]],["features",[2]]]],"vitc":"embed 1",\
        "weights":"0123456789abcdef0123456789abcdef"}

        """
      for row in 0..<rows {
        text += "[\"row\",\"\(names[row])\",[\(128 + 8 * (row + 1)),\(rowEnds[row])]]\n"
      }
      return text + (isComplete ? "[\"complete\"]\n" : "")
    }
    var unfinished = [UInt8](array)
    // The header says that there are no rows.
    for offset in 0..<128 where Array(unfinished[offset...].prefix(3)) == Array("14,".utf8) {
      unfinished.replaceSubrange(offset..<offset + 3, with: Array("0, ".utf8))
    }
    for (rows, extra, tail) in [
      (0, 0, ""), (3, 0, ""), (3, 5, ""), (7, 40, "[\"row\",\"half"), (14, 0, ""), (14, 0, "done"),
    ] {
      for name in ["f.npy", "x.jsonl", "f.npy.paths.txt", "f.npy.json"] {
        try FileManager.default.removeItem(atPath: folder(name))
      }
      try Data(unfinished[..<min(unfinished.count, 128 + 8 * rows + extra)]).write(
        to: URL(fileURLWithPath: folder("f.npy.partial")))
      let end = rows == 0 ? 0 : rowEnds[rows - 1]
      try lines[..<min(lines.count, end + extra)].write(
        to: URL(fileURLWithPath: folder("x.jsonl.partial")))
      let isDone = tail == "done"
      _ = try folder.write(
        index(rows: rows, isComplete: isDone) + (isDone ? "" : tail), to: "f.npy.partial.index")
      if isDone {
        // Cut off between two names.
        try FileManager.default.moveItem(
          atPath: folder("f.npy.partial"), toPath: folder("f.npy"))
        try array.write(to: URL(fileURLWithPath: folder("f.npy")))
        _ = try folder.write(names.map { $0 + "\n" }.joined(), to: "f.npy.paths.txt")
        _ = try folder.write("{}", to: "f.npy.json")
      }
      // Without --resume nothing of it is touched.
      let refused = try vitc(Array(arguments.dropLast()))
      #expect(refused.code == 1)
      #expect(refused.errors.contains("go on with it by --resume"), "\(refused.errors)")
      let resumed = try vitc(arguments)
      #expect(resumed.code == 0, "\(rows) \(extra) \(tail): \(resumed.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder("f.npy"))) == array)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder("x.jsonl"))) == lines)
      #expect(try Self.lines(folder("f.npy.paths.txt")) == names)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(!left.contains { $0.contains("partial") })
    }
  }

  @Test func anotherJobIsNotResumed() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(2, in: folder)
    _ = try folder.write("{\"vitc\":\"embed 1\"}\n", to: "f.npy.partial.index")
    let other = try vitc("embed", model, photos, "-o", folder("f.npy"), "--resume")
    #expect(other.code == 1)
    #expect(
      other.errors.contains(
        "f.npy.partial.index: error: the interrupted job was another one: it differs in weights"),
      "\(other.errors)")
    let archive = try vitc("embed", model, photos, "-o", folder("f.npz"), "--resume")
    #expect(archive.code == 1 && archive.errors.contains("an archive cannot be resumed"))
    let printed = try vitc("embed", model, photos, "--jsonl", "--resume")
    #expect(printed.code == 1 && printed.errors.contains("standard output cannot be resumed"))
    // A job that never began begins.
    let new = try vitc("embed", model, photos, "-o", folder("g.npy"), "--resume")
    #expect(new.code == 0)
  }

  /// Photos that come and go between two runs, and one that is named twice.
  @Test func resumedJobsFollowChangesOfFolders() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(4, in: folder)
    let one = photos + "/a/1.png"
    let arguments = [
      "embed", model, photos, one, photos, "-o", "features=\(folder("f.npy"))", "--resume",
    ]
    _ = try folder.write(
      """
      {"files":["array \(folder("f.npy"))"],"orient":false,"outputs":[[["features",[2]]]],\
      "vitc":"embed 1","weights":"0123456789abcdef0123456789abcdef"}
      ["row","\(photos)/a/2.png",[136]]
      ["row","\(one)",[144]]
      ["row","\(photos)/a/gone.png",[152]]

      """, to: "f.npy.partial.index")
    let rows = try vitc(
      "embed", model, photos + "/a/2.png", one, photos + "/a/3.png", "-o",
      "features=\(folder("old.npy"))")
    #expect(rows.code == 0, "\(rows.errors)")
    try FileManager.default.moveItem(
      atPath: folder("old.npy"), toPath: folder("f.npy.partial"))
    let resumed = try vitc(arguments)
    #expect(resumed.code == 0, "\(resumed.errors)")
    // Those of before, and then what was not done yet, each as often as it is named.
    let expected = [2, 1, 3, 0, 3, 1, 0, 1, 2, 3]
    #expect(try NpyArray(path: folder("f.npy")).values == Self.features(expected))
    #expect(
      try Self.lines(folder("f.npy.paths.txt"))
        == expected.enumerated().map { "\(photos)/a/\($0 == 2 ? "gone" : String($1)).png" })
  }

  /// With paths in files and in memory.
  @Test(arguments: [1, 100, 1 << 18])
  func whatIsLeftIsInOrder(memory: Int) throws {
    let folder = try Folder()
    let list = ["b", "a", "a", "a\u{308}", "\u{E4}", "c", "a", "ab", "a!"]
    let file = try folder.write(list.joined(separator: "\r\n"), to: "list")
    let space = ScratchSpace(beside: folder("x.npy"), memoryBytes: memory)
    let found = try EmbedPhotos(
      [], list: file, space, skipped: SkippedFiles(), ProgressLine("", .none))
    func left(_ done: [String]) throws -> [[UInt8]] {
      var sorter = TextSorter(space, by: .bytes)
      for path in done { try sorter.append(path) }
      var paths: [[UInt8]] = []
      try found.remaining(without: sorter).forEach { paths.append(Array($0.utf8)) }
      return paths
    }
    func bytes(_ paths: [String]) -> [[UInt8]] { paths.map { Array($0.utf8) } }
    #expect(try left([]) == bytes(list))
    #expect(
      try left(["\u{E4}", "a", "x", "a", "0"]) == bytes(["b", "a\u{308}", "c", "a", "ab", "a!"]))
    #expect(try left(list) == [])
  }

  /// What `--json` prints has the form of all other commands, though it is not made as a whole.
  @Test func summariesNameAllThatIsLeftOut() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(2, in: folder)
    let none = try vitc("embed", model, photos, "-o", folder("f.npy"), "--json")
    #expect(none.code == 0, "\(none.errors)")
    #expect(try none.json().text(.indented) + "\n" == none.output)
    #expect(try none.json()["skipped"] == .array([]))
    for index in 0..<5 { _ = try folder.write("text", to: "p/note\(index).txt") }
    _ = try folder.write("x", to: "p/line\nend.png")
    try FileManager.default.createDirectory(
      atPath: photos + "/.git", withIntermediateDirectories: false)
    try Bitmap(1, 1, 1).write(to: photos + "/.git/1.png")
    let some = try vitc("embed", model, photos, "-o", folder("g.npy"), "--json")
    #expect(some.code == 0, "\(some.errors)")
    #expect(
      PlainText.escapedJSON(try some.json().text(.indented)) + "\n" == some.output)
    let groups = try some.json()["skipped"]?.array ?? []
    #expect(
      groups.map { $0["reason"]?.string } == [
        "the name has a line end", "the file is no photo by its name", "the folder is hidden",
      ])
    #expect(groups.map { $0["photos"]?.array?.count } == [1, 5, 1])
    #expect(groups[0]["photos"]?.array == [.string(photos + "/line\nend.png")])
  }

  /// A reason that names something of each file is not a line for each.
  @Test func reasonsAreFew() throws {
    var skipped = SkippedFiles()
    for index in 0..<200 { try skipped.add("\(index)", "reason \(index)") }
    try skipped.add("last", "reason 3")
    #expect(skipped.lines.count == 51 && skipped.count == 201)
    #expect(skipped.lines[3] == "skipped  2: reason 3 (3, last)")
    #expect(skipped.lines[50] == "skipped  150: other reasons (50, 51, 52, …)")
  }

  @Test func listsComeFromStandardInputToo() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(3, in: folder)
    let result = try vitc(
      "embed", model, "--list", "-", "-o", "features=\(folder("f.npy"))",
      input: "\u{FEFF}\(photos)/a/2.png\r\n\r\n\(photos)/a/0.png")
    #expect(result.code == 0, "\(result.errors)")
    #expect(try NpyArray(path: folder("f.npy")).values == Self.features([2, 0]))
  }

  /// A finished file would take the place of a folder or a pipe, and of the list that is read.
  @Test func whatIsNoFileIsNotReplaced() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(1, in: folder)
    try FileManager.default.createDirectory(
      atPath: folder("x.npy"), withIntermediateDirectories: false)
    #expect(mkfifo(folder("x.jsonl"), 0o600) == 0)
    for name in ["x.npy", "x.jsonl"] {
      let result = try vitc("embed", model, photos, "-o", folder(name))
      #expect(result.code == 1)
      #expect(
        result.errors.contains(
          "\(folder(name)): error: expected a regular file or none, found a folder, pipe or "
            + "device"),
        "\(result.errors)")
      #expect(RegularFile.size(folder(name)) == nil && Path.exists(folder(name)))
    }
    let list = folder("list.jsonl")
    try "\(photos)/a/0.png\n".write(toFile: list, atomically: true, encoding: .utf8)
    let result = try vitc("embed", model, "--list", list, "-o", list)
    #expect(result.code == 1)
    #expect(result.errors.contains("-o names '\(list)', which is read"), "\(result.errors)")
  }

  /// An ending that says another format than what would be written.
  @Test func unknownEndingsAreRefused() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(1, in: folder)
    for name in ["x.txt", "x", "x.npy.gz"] {
      let result = try vitc("embed", model, photos, "-o", folder(name))
      #expect(result.code == 1)
      #expect(
        result.errors.contains(
          "'\(folder(name))' must end in .npy, .npz or .jsonl, which says the format"),
        "\(result.errors)")
    }
    #expect(try vitc("embed", model, photos, "-q", "-o", folder("x.NPZ")).code == 0)
    #expect(try NpzArchive(path: folder("x.NPZ")).names == ["logits", "features", "paths"])
    let run = try vitc("run", model, "-i", folder("x.npy"), "-o", folder("y.txt"))
    #expect(run.code == 1)
    #expect(run.errors.contains("y.txt' must end in .npy, which says the format"))
    for (kind, name) in [("library", "y.a"), ("library", "y.o"), ("static", "y.so")] {
      let library = try vitc("compile", model, "--emit", kind, "-o", folder(name))
      #expect(library.code == 1)
      #expect(
        library.errors.contains("-o: error: --emit \(kind) writes a .")
          && library.errors.contains("file, found '\(folder(name))'"), "\(library.errors)")
    }
    let golden = try vitc("golden", "record", model, "--seed", "1", "-o", folder("y.npy"))
    #expect(golden.code == 1)
    #expect(golden.errors.contains("y.npy' must end in .npz, which says the format"))
    let head = try vitc("fit-head", model, photos, "-o", folder("y.pt"))
    #expect(head.code == 1)
    #expect(head.errors.contains("y.pt' must end in .safetensors, which says the format"))
  }

  @Test(arguments: [
    (["embed", "lib.so", "p"], "Give --output or --jsonl."),
    (["embed", "lib.so", "-o", "x.npy"], "Give folders or photos, or --list."),
    (["embed", "lib.so", "p", "-o", "x.npy", "--threads", "-1"], "--threads"),
  ])
  func wrongUsage(arguments: [String], message: String) throws {
    let result = try vitc(arguments)
    #expect(result.code == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test func wrongOutputsAreTold() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let photos = try Self.photos(1, in: folder)
    let twice = try vitc("embed", model, photos, "-o", "x.npy", "-o", "features=x.npy")
    #expect(twice.code == 1 && twice.errors.contains("two outputs go to 'x.npy'"))
    let absent = try vitc("embed", model, photos, "-o", "token=x.npy")
    #expect(absent.code == 1 && absent.errors.contains("the model has no output 'token'"))
    let nowhere = try vitc("embed", model, folder("none"), "-o", folder("x.npy"))
    #expect(nowhere.code == 1 && nowhere.errors.contains("found no photo that can be used"))
    let lost = try vitc("embed", model, photos, "-o", folder("none/x.npy"))
    #expect(lost.code == 1)
    #expect(
      lost.errors.contains("hint: create the folder '\(folder("none"))/' first"), "\(lost.errors)")
    let broken = try Toy.build(in: folder, name: "libnan.so", defines: ["BIAS=(0.0f/0.0f)"])
    let nan = try vitc("embed", broken, photos, "-o", folder("x.npy"))
    #expect(nan.code == 1)
    #expect(nan.errors.contains("skipped  1: 3 of 3 logits are NaN or infinite"), "\(nan.errors)")
  }

  @Test func paceIsSaid() {
    #expect(
      Pace.text("embedding", done: 250, total: 1000, seconds: 5)
        == "embedding 250 of 1 000, 50.0 a second, 15 s left,")
    #expect(Pace.text("embedding", done: 0, total: 3, seconds: 5) == "embedding 0 of 3,")
    #expect(Pace.duration(600) == "10 min" && Pace.duration(10000) == "2.8 h")
  }

  /// Photos of a model without classes, in `vitc run`.
  @Test func runPrintsValues() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder, defines: ["FIRST=\"pooled\""])
    let photos = try Self.photos(3, in: folder)
    let text = try vitc("run", model, photos + "/a")
    #expect(text.code == 0, "\(text.errors)")
    #expect(
      text.output.hasSuffix(
        """
        \(photos)/a/2.png
          pooled [3]    norm 0.2717  0.1568628 0.1568628 0.1568628
          features [2]  norm 0.2105  0.09411766 0.1882353

        """), "\(text.output)")
    let json = try vitc("run", model, photos + "/a", "--json").json()
    #expect(json.array?.count == 3 && json.array?[2]["features"]?.array?.count == 2)
    let refused = try vitc("run", model, photos + "/a", "--top", "1")
    #expect(refused.code == 1 && refused.errors.contains("the model has no class scores"))
  }
}
