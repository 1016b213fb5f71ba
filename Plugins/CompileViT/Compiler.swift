import Foundation

/// Where vitc is.
enum Compiler {
  /// The program that the environment variable `VITC` names, otherwise the first vitc in `PATH`.
  static func installed() throws -> URL {
    let environment = ProcessInfo.processInfo.environment
    let files = FileManager.default
    if let path = environment["VITC"], !path.isEmpty {
      guard files.isExecutableFile(atPath: path) else {
        throw Failure("the environment variable VITC is '\(path)', expected the path of vitc")
      }
      return URL(fileURLWithPath: path)
    }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let url = URL(fileURLWithPath: String(folder)).appending(path: "vitc")
      if files.isExecutableFile(atPath: url.path) { return url.resolvingSymlinksInPath() }
    }
    throw Failure(
      "no vitc in PATH, which compiles the models; install it (pip install vitc, or its archive), "
        + "or set the environment variable VITC to its path")
  }
}

/// Why a model cannot be compiled.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ text: String) { description = "CompileViT: \(text)" }
}
