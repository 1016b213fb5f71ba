import Foundation

/// `embed-runtime SWIFTC CLANG OBJCOPY ABI-HEADERS SYSTEM-MODULE WORK-FOLDER OUTPUT SOURCE...`:
/// compiles the embedded runtime for every target and writes the objects as base64 literals in a
/// Swift file.
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
          + "SOURCE...")
    }
    let work = URL(fileURLWithPath: arguments[6])
    var text = "// Written by embed-runtime: Sources/Runtime/Embedded, compiled.\n\n"
    text += "/// The object of each architecture, base64.\n"
    text += "let objects: [(architecture: String, base64: StaticString)] = [\n"
    for target in targets {
      let object = work.appending(path: "\(target.architecture).o").path
      let code = work.appending(path: "\(target.architecture).ll").path
      try run(
        arguments[1],
        [
          "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library", "-O",
          "-Xfrontend", "-disable-stack-protector", "-warnings-as-errors",
          "-module-name", "VitEmbedded", "-I", arguments[5], "-Xcc", "-I\(arguments[4])",
          "-Xcc", "-ffreestanding",
          "-module-cache-path", work.appending(path: "ModuleCache").path,
        ] + target.flags + ["-target", target.triple, "-emit-ir", "-o", code] + arguments[8...])
      try addUnwindTables(code)
      try run(
        arguments[2],
        [
          "-x", "ir", "--target=\(target.triple)", "-Wno-override-module", "-O2", "-fPIC",
          "-Xclang", "-disable-llvm-passes", "-c", code, "-o", object,
        ])
      // Of the weak swift_* functions that Embedded Swift brings, none may stay global: in a Swift
      // app they would take the place of the real ones.
      try run(
        arguments[3],
        ["--strip-debug", "--wildcard", "--keep-global-symbol=vit_rt_*", object])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: object))
      text += "  (\"\(target.architecture)\", \"\(bytes.base64EncodedString())\"),\n"
    }
    text += "]\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: arguments[7]))
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
