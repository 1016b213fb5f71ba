import Models

/// A row of `vitc list models`.
struct ModelEntry: Codable {
  let name: String
  let paperName: String?
  let parameters: Int
  let gflops: Double
  /// Channels, height, width.
  let input: [Int]

  enum CodingKeys: String, CodingKey {
    case name, parameters, gflops, input
    case paperName = "paper_name"
  }

  /// Every variant, in the table's order.
  static var all: [ModelEntry] {
    Variants.all.map { variant in
      let configuration = variant.configuration
      return ModelEntry(
        name: variant.name, paperName: variant.paperName, parameters: variant.parameters,
        gflops: variant.gigaFlops,
        input: [configuration.channels, configuration.imageHeight, configuration.imageWidth])
    }
  }

  /// The rows for people.
  static func table(_ entries: [ModelEntry]) -> TextTable {
    var table = TextTable([
      ("name", .left), ("paper", .left), ("parameters", .right), ("GFLOP", .right),
      ("input", .right),
    ])
    for entry in entries {
      table.add([
        entry.name, entry.paperName ?? "", Format.grouped(entry.parameters),
        Format.fixed(entry.gflops, 2), entry.input.map(String.init).joined(separator: "x"),
      ])
    }
    return table
  }
}
