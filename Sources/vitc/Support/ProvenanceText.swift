import JSON

/// A library's provenance as `vitc inspect` prints it: a few rows of a table.
struct ProvenanceText {
  private let provenance: JSONValue

  /// Takes the member `provenance` of a library's details.
  init(_ provenance: JSONValue) { self.provenance = provenance }

  /// A heading and a text each.
  var rows: [[String]] {
    var rows: [[String]] = []
    func text(_ key: String) -> String? { provenance[key]?.string }
    let origin =
      [text("repository") ?? text("model"), text("revision").map { "revision \($0)" }]
      .compactMap(\.self)
    if !origin.isEmpty { rows.append(["from", origin.joined(separator: ", ")]) }
    if let licenses = provenance["licenses"]?.array?.compactMap(\.string), !licenses.isEmpty {
      let own = [text("licenseName"), text("licenseLink")].compactMap(\.self)
      rows.append(["licence", (licenses + own).joined(separator: ", ")])
    }
    for file in provenance["files"]?.array ?? [] {
      var name = file["name"]?.string ?? ""
      if case .integer(let count)? = file["count"] { name = "\(count) photos" }
      rows.append([
        "source",
        "\(file["role"]?.string ?? "file"): \(name), SHA-256 \(file["sha256"]?.string ?? "")",
      ])
    }
    if case .object(let options)? = provenance["options"], !options.isEmpty {
      rows.append(["options", JSONValue.object(options).brief])
    }
    let tools = [
      text("vitc").map { "vitc \($0)" }, text("commit"), text("llvm").map { "LLVM \($0)" },
      text("linker"),
    ].compactMap(\.self)
    rows.append(["made by", tools.joined(separator: ", ")])
    return rows
  }
}
