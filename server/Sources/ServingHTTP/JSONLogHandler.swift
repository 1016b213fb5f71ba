import FoundationEssentials
import JSON
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes the log to stderr, one JSON object a line.
public struct JSONLogHandler: LogHandler {
  /// What each line says besides.
  public var metadata: Logger.Metadata = [:]
  /// What is not logged.
  public var logLevel = Logger.Level.info
  private let label: String

  /// Creates a handler.
  public init(label: String) { self.label = label }

  /// A member of `metadata`.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes a line.
  public func log(event: LogEvent) {
    let line = Self.line(
      event, label: label, metadata: metadata.merging(event.metadata ?? [:]) { $1 },
      time: Date())
    // One call, so that lines of two threads do not mix.
    let bytes = Array(line.utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// A line with its end.
  static func line(
    _ event: LogEvent, label: String, metadata: Logger.Metadata, time: Date
  ) -> String {
    var members: [String: JSONValue] = metadata.mapValues { .string("\($0)") }
    for (key, value) in members {
      // Numbers as such; what is text otherwise.
      guard case .string(let text) = value, let number = try? JSONValue(parsing: text) else {
        continue
      }
      switch number {
      case .integer, .number: members[key] = number
      case .null, .bool, .string, .array, .object: break
      }
    }
    members["time"] = .string(
      time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    members["level"] = .string(event.level.rawValue)
    members["logger"] = .string(label)
    members["message"] = .string("\(event.message)")
    return JSONValue.object(members).text(.compact) + "\n"
  }
}
