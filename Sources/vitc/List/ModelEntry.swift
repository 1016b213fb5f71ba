import Diagnostics
import Models

/// A row of `vitc list models`.
struct ModelEntry: Encodable {
  let name: String
  let family: String
  let paperName: String?
  /// The epochs of the rows that it has in the scaling study's table 6.
  let studyEpochs: [Int]
  let parameters: Int
  let gflops: Double
  /// Channels, height, width.
  let input: [Int]
  /// timm's tags of its pretrained weights, the default first.
  let tags: [String]

  enum CodingKeys: String, CodingKey {
    case name, family, parameters, gflops, input, tags
    case paperName = "paper_name"
    case studyEpochs = "study_epochs"
  }

  /// Every variant, in the table's order.
  static var all: [ModelEntry] {
    get throws(Diagnostic) {
      try Variants.all.map { (variant) throws(Diagnostic) in
        let configuration = variant.configuration
        return ModelEntry(
          name: variant.name, family: configuration.family, paperName: variant.paperName,
          studyEpochs: variant.studyEpochs, parameters: try variant.parameters,
          gflops: variant.gigaFlops,
          input: [configuration.channels, configuration.imageHeight, configuration.imageWidth],
          tags: Tag.tags(of: variant.name).map(\.name))
      }
    }
  }

  /// The rows for people, family by family; `study` says in which rows of the scaling study's
  /// table 6 a model is.
  static func table(_ entries: [ModelEntry]) -> TextTable {
    var table = TextTable([
      ("name", .left), ("paper", .left), ("study", .left), ("parameters", .right),
      ("GFLOP", .right), ("input", .right),
    ])
    let blank = Array(repeating: "", count: 5)
    var family: String?
    for entry in entries {
      if entry.family != family {
        table.add([""] + blank)
        table.add(["\(entry.family):"] + blank)
        family = entry.family
      }
      let epochs = entry.studyEpochs.map(String.init).joined(separator: " and ")
      table.add([
        entry.name, entry.paperName ?? "", epochs.isEmpty ? "" : "\(epochs) epochs",
        Format.grouped(entry.parameters), Format.fixed(entry.gflops, 2),
        entry.input.map(String.init).joined(separator: "x"),
      ])
    }
    return table
  }
}
