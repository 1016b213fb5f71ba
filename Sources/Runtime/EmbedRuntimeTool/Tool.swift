import Foundation

/// `embed-runtime SWIFTC CLANG OBJCOPY ABI-HEADERS SYSTEM-MODULE WORK-FOLDER OUTPUT SOURCE... --
/// SOURCE...`: compiles the embedded runtime and the tokenizer for every target and writes the
/// objects as base64 literals in a Swift file.
@main
struct Tool {
  /// The targets: vitc's name of the architecture, and how Embedded Swift is told of it.
  ///
  /// There is
  /// no Embedded standard library for AArch64 Linux; the bare-metal one has the same calling
  /// convention, and the runtime declares all it takes from libc by itself. Outlined atomics would
  /// need libgcc.
  static let targets: [(architecture: String, triple: String, flags: [String])] = [
    ("x86_64", "x86_64-unknown-linux-gnu", []),
    ("aarch64", "aarch64-none-none-elf", ["-Xcc", "-mno-outline-atomics"]),
  ]

  /// Runs the tool; a failure's text has been printed by the compiler already.
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 8 else {
      throw Failure(
        "usage: embed-runtime SWIFTC CLANG OBJCOPY ABI-HEADERS SYSTEM-MODULE WORK-FOLDER OUTPUT "
          + "SOURCE... -- SOURCE...")
    }
    let parts = arguments[8...].split(separator: "--").map(Array.init)
    guard parts.count == 2 else { throw Failure("expected sources on both sides of --") }
    let work = URL(fileURLWithPath: arguments[6])
    var text = "// Written by embed-runtime: Sources/Runtime/Embedded, compiled.\n\n"
    text += "/// The objects of each architecture, base64.\n"
    text += "let objects: [(architecture: String, name: String, base64: StaticString)] = [\n"
    for target in targets {
      for (name, options, sources) in [
        ("runtime", ["-O", "-module-name", "VitEmbedded"], parts[0]),
        // What is run once for a text need not be the fastest.
        ("tokenizer", ["-Osize", "-module-name", "VitTokenizer"], parts[1]),
      ] {
        let stem = "\(target.architecture)-\(name)"
        let bytes = try object(target.triple, target.flags + options, sources, stem, work)
        text += "  (\"\(target.architecture)\", \"\(name)\", \"\(bytes.base64EncodedString())\"),\n"
      }
    }
    text += "]\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: arguments[7]))
  }

  /// Compiles sources to an object.
  static func object(
    _ triple: String, _ options: [String], _ sources: [String], _ stem: String, _ work: URL
  ) throws -> Data {
    let arguments = CommandLine.arguments
    let object = work.appending(path: "\(stem).o").path
    let code = work.appending(path: "\(stem).ll").path
    try run(
      arguments[1],
      [
        "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library",
        "-Xfrontend", "-disable-stack-protector", "-warnings-as-errors", "-I", arguments[5],
        "-Xcc", "-I\(arguments[4])", "-Xcc", "-ffreestanding",
        "-module-cache-path", work.appending(path: "ModuleCache").path,
      ] + options + ["-target", triple, "-emit-ir", "-o", code] + sources)
    try addUnwindTables(code)
    try run(
      arguments[2],
      [
        "-x", "ir", "--target=\(triple)", "-Wno-override-module", "-O2", "-fPIC",
        "-Xclang", "-disable-llvm-passes", "-c", code, "-o", object,
      ])
    // Of the weak swift_* functions that Embedded Swift brings, none may stay global: in a Swift
    // app they would take the place of the real ones.
    try run(
      arguments[3], ["--strip-debug", "--wildcard", "--keep-global-symbol=vit_rt_*", object])
    return try Data(contentsOf: URL(fileURLWithPath: object))
  }

  /// Asks for unwinding tables of all functions: an exception that a caller's parallel-for throws
  /// passes through them, and debuggers and profilers find their way.
  ///
  /// Embedded Swift has no option for that, so the attribute goes into LLVM's text.
  static func addUnwindTables(_ path: String) throws {
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard line.hasPrefix("attributes #"), let brace = line.firstIndex(of: "{") else {
        return line
      }
      return line[...brace] + " uwtable" + line[line.index(after: brace)...]
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
  }

  /// Runs a tool, whose messages go to this process's.
  static func run(_ path: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure("\(path) failed with status \(process.terminationStatus)")
    }
  }

  /// What went wrong, in a line.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
