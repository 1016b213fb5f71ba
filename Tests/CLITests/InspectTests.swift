import Foundation
import JSON
import Testing

/// `vitc inspect` reads the bytes of what `vitc compile` wrote, whatever it is and for whom.
@Suite struct InspectTests {
  private static let digits =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits/model"

  private func compile(_ file: String, _ options: [String], in folder: Folder) throws -> String {
    let result = try vitc(
      ["compile", Self.digits, "-q", "--name", "digits", "-o", folder(file), "--no-self-test"]
        + options)
    try #require(result.code == 0, "\(result.errors)")
    return folder(file)
  }

  private func members(_ value: JSONValue) throws -> [String: JSONValue] {
    guard case .object(let members) = value else { throw CocoaError(.fileReadCorruptFile) }
    return members
  }

  /// The other architecture's library says the same but for the code; so do archive and object.
  @Test(arguments: [
    ("libdigits.so", ["--weights-file"]), ("libdigits.a", ["--emit", "static"]),
    ("digits.o", ["--emit", "object"]), ("libarm.so", ["--target", "aarch64-neon"]),
    ("arm.a", ["--emit", "static", "--target", "aarch64-neon"]),
  ])
  func readsEveryKind(file: String, options: [String]) throws {
    let folder = try Folder()
    let usual = try members(
      try vitc("inspect", try compile("libusual.so", [], in: folder), "--json").json())
    #expect(usual["isa"]?.string?.isEmpty == false)
    #expect(usual["outputs"]?.array?.first?["shape"] == .array([.integer(10)]))
    let path = try compile(file, options, in: folder)
    // What is beside it is not needed.
    try? FileManager.default.removeItem(atPath: folder("digits.weights"))
    let result = try vitc("inspect", path, "--json")
    try #require(result.code == 0, "\(result.errors)")
    var found = try members(result.json())
    if options.contains("aarch64-neon") {
      #if arch(x86_64)
        #expect(found["isa"] == .null)
        let text = try vitc("inspect", path).output
        // The table of the steps is for --json.
        #expect(!text.contains("weightBytes"))
        #expect(text.contains(/\nsteps +[0-9]+: \S+, \S+, \S+, …\n/))
        let line = text.split(separator: "\n").first { $0.hasPrefix("runs here ") }
        #expect(line?.hasSuffix("  none of these") == true, "\(text)")
      #endif
      #expect(found["isas"] == .array([.string("aarch64-neon")]))
      for key in ["isa", "isas", "target", "details", "flops"] { found[key] = usual[key] }
    }
    #expect(found == usual)
  }

  @Test func nothingIsRun() throws {
    let folder = try Folder()
    let library = try Toy.build(in: folder, defines: ["TRAP"])
    let result = try vitc("inspect", library)
    #expect(result.code == 0 && result.output.contains("toy_model"), "\(result.errors)")
  }

  @Test func whatIsNoWholeModelIsRefused() throws {
    let folder = try Folder()
    let library = try compile("libdigits.so", [], in: folder)
    let whole = try Data(contentsOf: URL(fileURLWithPath: library))
    for count in [0, 10, 63, 64, 5000, whole.count / 2, whole.count - 1] {
      let path = folder("short.so")
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      let result = try vitc("inspect", path)
      #expect(result.code == 1 && result.output.isEmpty, "\(count)")
      #expect(result.errors.hasPrefix("\(path): error: "), "\(result.errors)")
    }
    let foreign = try vitc("inspect", folder("digits.h"))
    #expect(
      foreign.errors.hasPrefix(
        "\(folder("digits.h")): error: is not a model that this version of vitc compiled"))
    // A record that claims more than there is.
    let mark = Data([0x56, 0x52, 0x65, 0x63, 0x6f, 0x72, 0x64, 0x53])
    let place = try #require(whole.range(of: mark))
    for field in [16, 24] {
      var damaged = whole
      damaged.replaceSubrange(
        (place.lowerBound + field)..<(place.lowerBound + field + 8),
        with: Data(repeating: 0xff, count: 8))
      try damaged.write(to: URL(fileURLWithPath: folder("damaged.so")))
      let result = try vitc("inspect", folder("damaged.so"))
      #expect(result.code == 1, "\(field)")
    }
  }

  // MARK: Names of steps

  @Test func symbolsAreKeptWhereTheyAreWanted() throws {
    let folder = try Folder()
    let plain = try compile("libplain.so", [], in: folder)
    let named = try compile("libnamed.so", ["--symbols"], in: folder)
    let (none, all) = (try names(of: plain), try names(of: named))
    #expect(none.isEmpty)
    // Each step of each instruction set.
    let json = try vitc("inspect", named, "--json").json()
    let steps = (json["details"]?["steps"]?.array ?? []).compactMap { $0["name"]?.string }
    let isas = try #require(json["isas"]?.array).count
    #expect(steps.count > 10)
    for (index, step) in steps.enumerated() {
      #expect(all.count { $0 == "step_\(index)_\(step)" } == isas, "\(step)")
    }
    #expect(all.contains { $0.hasPrefix("contract_") || $0.hasPrefix("fused_linear_") })
    // What is exported is the same, and so is what runs.
    #expect(
      try names(of: named, ["-D", "--defined-only"]) == names(of: plain, ["-D", "--defined-only"]))
    #expect(try vitc("verify", named).code == 0)
    let photo = "\(Self.digits)/../images/digit-3-1729.png"
    #expect(try vitc("run", named, photo).output == vitc("run", plain, photo).output)
    // The weights' symbol means the weights.
    let weights = try names(of: named, ["-S", "--defined-only"], line: true)
      .first { $0.hasSuffix(" vit_weights_blob") }
    let bytes = try #require(json["weights_bytes"])
    if let weights, case .integer(let count) = bytes {
      #expect(Int(weights.split(separator: " ")[1], radix: 16) == count, "\(weights)")
    }
  }

  private func names(
    of library: String, _ options: [String] = [], line: Bool = false
  ) throws -> [String] {
    let result = try launch(
      URL(fileURLWithPath: "/usr/bin/env"), ["nm"] + options + [library])
    return result.output.split(separator: "\n").map {
      line ? String($0) : $0.split(separator: " ").last.map(String.init) ?? ""
    }
  }

  /// A debugger stops in a step by its name, and finds the way back to who called the model.
  @Test(.enabled(if: canTrace, "gdb is not installed, or may not trace programs here"))
  func gdbShowsSteps() throws {
    let folder = try Folder()
    let library = try compile("libdigits.so", ["--symbols"], in: folder)
    let json = try vitc("inspect", library, "--json").json()
    let step = try #require(json["details"]?["steps"]?.array?[2]["name"]?.string)
    let program = """
      #include "digits.h"
      static float image[DIGITS_IMAGE_COUNT], logits[DIGITS_LOGITS_COUNT];
      int classify(digits_context *context) {
        return digits_run(context, image, 1, logits) == DIGITS_OK;
      }
      int main(void) {
        digits_options options = {.size = sizeof options, .threads = 1};
        digits_model *model;
        digits_context *context;
        if (digits_create(&options, &model) || digits_context_create(model, &context)) return 1;
        return !classify(context);
      }
      """
    _ = try folder.write(program, to: "main.c")
    let built = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["clang", "main.c", "libdigits.so", "-o", "main", "-Wl,-rpath,$ORIGIN"], in: folder.path)
    try #require(built.code == 0, "\(built.errors)")
    let result = try Self.gdb(
      [
        "set debuginfod enabled off", "set demangle-style none",
        "set breakpoint pending on", "break 'step_2_\(step)'", "run", "bt",
      ], "./main", in: folder)
    let frames = result.output.split(separator: "\n").filter { $0.hasPrefix("#") }
    for (index, name) in ["step_2_\(step)", "digits_run", "classify", "main"].enumerated() {
      #expect(
        frames.contains { $0.contains(" \(name) (") || $0.contains(" in \(name) ") },
        "\(index) \(name)\n\(result.output)\n\(result.errors)")
    }
  }

  /// Runs gdb in a folder: without the signals that threads of tests block, for one of which it
  /// waits.
  private static func gdb(_ commands: [String], _ program: String, in folder: Folder) throws
    -> Outcome
  {
    let source = """
      #include <signal.h>
      #include <unistd.h>
      int main(int count, char **arguments) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        return count < 2 || execvp(arguments[1], arguments + 1);
      }
      """
    _ = try folder.write(source, to: "unblocked.c")
    let built = try launch(
      URL(fileURLWithPath: "/usr/bin/env"), ["clang", "unblocked.c", "-o", "unblocked"],
      in: folder.path)
    try #require(built.code == 0, "\(built.errors)")
    return try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["timeout", "60", "./unblocked", "gdb", "-nx", "-batch"] + commands.flatMap { ["-ex", $0] }
        + [program], in: folder.path)
  }

  private static let canTrace: Bool = {
    guard let folder = try? Folder(), let trial = try? gdb(["run"], "/bin/true", in: folder) else {
      return false
    }
    return trial.output.contains("exited normally")
  }()
}
