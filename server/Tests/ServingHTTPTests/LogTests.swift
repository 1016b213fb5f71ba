import JSON
import Logging
import Testing

@testable import ServingHTTP

/// The log for programs.
@Suite struct LogTests {
  @Test func aLineIsAnObject() throws {
    let event = LogEvent(
      level: .warning, message: "a \"b\"\nc", metadata: nil, source: nil, file: "f",
      function: "g", line: 1)
    let line = JSONLogHandler.line(
      event, label: "serve",
      metadata: ["status": "200", "seconds": "0.25", "path": "/v2\n", "flag": "true"],
      time: .init(timeIntervalSince1970: 0.5))
    #expect(line.hasSuffix("}\n"))
    #expect(!line.dropLast().contains("\n"))
    let json = try JSONValue(parsing: String(line))
    #expect(json["status"] == .integer(200))
    #expect(json["seconds"] == .number(0.25))
    #expect(json["path"] == .string("/v2\n"))
    #expect(json["flag"] == .string("true"))
    #expect(json["level"] == .string("warning"))
    #expect(json["message"] == .string("a \"b\"\nc"))
    #expect(json["time"]?.string?.hasPrefix("1970-01-01T00:00:00.500") == true)
  }
}
