import ArgumentParser
import Logging
import ServingHTTP

/// What the log says, and how.
struct LogOptions: ParsableArguments {
  /// How a line of the log looks.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    /// For people.
    case text
    /// One object a line, for programs.
    case json
  }

  @Option(help: "How lines of the log look: text or json.")
  var logFormat = Format.text

  @Option(
    help: "What is logged: trace, debug, info, notice, warning, error or critical.",
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        throw ValidationError(
          "invalid --log-level '\(text)', expected "
            + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return level
    })
  var logLevel = Logger.Level.info

  /// What makes the handler of a logger.
  var handler: @Sendable (String) -> any LogHandler {
    let (format, level) = (logFormat, logLevel)
    return { label in
      var handler: any LogHandler
      switch format {
      case .text: handler = StreamLogHandler.standardError(label: label)
      case .json: handler = JSONLogHandler(label: label)
      }
      handler.logLevel = level
      return handler
    }
  }
}
