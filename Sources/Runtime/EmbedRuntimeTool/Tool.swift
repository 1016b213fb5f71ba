import Foundation

/// `embed-runtime SWIFTC OBJCOPY ABI-HEADERS SYSTEM-MODULE WORK-FOLDER OUTPUT SOURCE...`: compiles
/// the embedded runtime for every target and writes the objects as base64 literals in a Swift file.
@main
struct Tool {
  /// The targets: vitc's name of the architecture, and how Embedded Swift is told of it.
  ///
  /// There is
  /// no Embedded standard library for AArch64 Linux; the bare-metal one has the same calling
  /// convention, and the runtime declares all it takes from libc by itself. Outlined atomics would
  /// need libgcc.
  static let targets: [(architecture: String, flags: [String])] = [
    ("x86_64", ["-target", "x86_64-unknown-linux-gnu"]),
    ("aarch64", ["-target", "aarch64-none-none-elf", "-Xcc", "-mno-outline-atomics"]),
  ]

  /// Runs the tool; a failure's text has been printed by the compiler already.
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 7 else {
      throw Failure(
        "usage: embed-runtime SWIFTC OBJCOPY ABI-HEADERS SYSTEM-MODULE WORK-FOLDER OUTPUT SOURCE..."
      )
    }
    let work = URL(fileURLWithPath: arguments[5])
    var text = "// Written by embed-runtime: Sources/Runtime/Embedded, compiled.\n\n"
    text += "/// The object of each architecture, base64.\n"
    text += "let objects: [(architecture: String, base64: StaticString)] = [\n"
    for target in targets {
      let object = work.appending(path: "\(target.architecture).o").path
      try run(
        arguments[1],
        [
          "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library", "-O",
          "-Xfrontend", "-disable-stack-protector", "-warnings-as-errors",
          "-module-name", "VitEmbedded", "-I", arguments[4], "-Xcc", "-I\(arguments[3])",
          "-Xcc", "-ffreestanding",
          "-module-cache-path", work.appending(path: "ModuleCache").path,
        ] + target.flags + ["-c", "-o", object] + arguments[7...])
      // Of the weak swift_* functions that Embedded Swift brings, none may stay global: in a Swift
      // app they would take the place of the real ones.
      try run(
        arguments[2],
        ["--strip-debug", "--wildcard", "--keep-global-symbol=vit_rt_*", object])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: object))
      text += "  (\"\(target.architecture)\", \"\(bytes.base64EncodedString())\"),\n"
    }
    text += "]\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: arguments[6]))
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
