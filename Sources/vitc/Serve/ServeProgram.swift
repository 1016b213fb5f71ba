import Diagnostics
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `vitc-serve`, the server: a program of its own, so that nobody has to build an HTTP server who
/// wants a compiler.
struct ServeProgram {
  /// Its path.
  let path: String

  /// Finds it beside vitc, else on the PATH.
  ///
  /// Errors: it is in none of these places.
  init() throws(Diagnostic) {
    var places = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
      .map(String.init)
    // The link's target is vitc itself, whatever name it was started by.
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      places.insert(URL(fileURLWithPath: own).deletingLastPathComponent().path, at: 0)
    }
    let name = "vitc-serve"
    guard let place = places.first(where: { access("\($0)/\(name)", X_OK) == 0 }) else {
      throw Diagnostic(
        "\(name) was not found", notes: ["looked beside vitc, and on the PATH"],
        hint: "'make server' in vitc's sources builds it and puts it beside vitc")
    }
    path = "\(place)/\(name)"
  }

  /// Becomes this program: it gets the signals, the streams and the exit code of this process.
  ///
  /// Errors: the system does not run it.
  func run(_ arguments: [String]) throws(Diagnostic) -> Never {
    var strings = ([path] + arguments).map { strdup($0) }
    strings.append(nil)
    execv(path, strings)
    let reason = String(cString: strerror(errno)).lowercased()
    for string in strings { free(string) }
    throw Diagnostic("cannot run vitc-serve: \(reason)", at: .file(path))
  }
}
