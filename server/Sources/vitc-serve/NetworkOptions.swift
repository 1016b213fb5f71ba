import ArgumentParser
import FoundationEssentials
import Serving

/// Where the server listens, to whom, and how it ends.
struct NetworkOptions: ParsableArguments {
  @Option(help: "The address to listen on; 0.0.0.0 for all of this machine's.")
  var host = "127.0.0.1"

  @Option(help: "The port; 0 for a free one, which the log tells.")
  var port = 8000

  @Option(
    help: ArgumentHelp(
      "A file with keys, one a line, that clients must know one of (Authorization: Bearer KEY, or "
        + "X-API-Key); VITC_SERVE_KEY holds one as well.", valueName: "file"))
  var keyFile: String?

  @Option(
    help: ArgumentHelp(
      "How many seconds the server goes on, not ready, after SIGTERM or SIGINT.",
      valueName: "seconds"))
  var drain = 0

  @Option(
    help: ArgumentHelp(
      "In how many seconds after that all requests must be answered.", valueName: "seconds"))
  var shutdown = 60

  func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("invalid --port \(port), expected 0 to 65535")
    }
    guard drain >= 0, shutdown >= 0 else {
      throw ValidationError("--drain and --shutdown are seconds, expected 0 or more")
    }
  }

  /// The keys of the file and of the environment.
  ///
  /// - Throws: `invalid` for a file that cannot be read or has no key: an empty list of keys would
  ///   let everybody in.
  func keys() throws(ServeError) -> [String] {
    var keys: [String] = []
    if let key = ProcessInfo.processInfo.environment["VITC_SERVE_KEY"] {
      guard !key.isEmpty else { throw ServeError(.invalid, "VITC_SERVE_KEY is empty") }
      keys.append(key)
    }
    guard let keyFile else { return keys }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: keyFile))
    } catch {
      throw ServeError(.invalid, "cannot read the keys in '\(keyFile)': \(error)")
    }
    let found = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
      .compactMap { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) }
    guard !found.isEmpty else { throw ServeError(.invalid, "no key in '\(keyFile)'") }
    return keys + found
  }
}
