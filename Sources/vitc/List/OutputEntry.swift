import Codegen
import Diagnostics
import Files
import IR
import Models

/// A row of `vitc list outputs`: what a model can return.
struct OutputEntry: Encodable {
  /// As `--outputs` takes it; `BLOCK` is the number of a block.
  let output: String
  /// The name in the library, where there is one.
  let name: String
  /// The shape for one image; `nil` where the model does not have it.
  let shape: [Int]?
  /// The size for one image.
  let bytes: Int?
  /// Why the model does not have it.
  let reason: String?

  /// What is listed: the text, and what stands for it in the graph that says the shape.
  private static let candidates: [(text: String, example: String)] = [
    ("logits", "logits"), ("features", "features"), ("features:unit", "features:unit"),
    ("pooled", "pooled"), ("pooler", "pooler"), ("tokens", "tokens"),
    ("layers:BLOCK+…", "layers:-1"), ("layers:BLOCK+…:prefix", "layers:-1:prefix"),
    ("layers:BLOCK+…:norm", "layers:-1:norm"), ("layers:BLOCK+…:nchw", "layers:-1:nchw"),
    ("attention:class", "attention:class"), ("attention:class:all", "attention:class:all"),
    ("attention:BLOCK", "attention:-1"), ("attention:all", "attention:all"),
    ("rollout", "rollout"), ("distance", "distance"),
  ]

  /// The rows of a model.
  ///
  /// Weights are not read: without any the rows are those of the model of that name. Of a folder
  /// each output is asked for by itself, for which its checkpoint may lack tensors.
  static func all(
    _ name: String, weights: String?, imageSize: (height: Int, width: Int)?
  ) throws(Diagnostic) -> [OutputEntry] {
    let isFolder = Path.kind(of: name) == .folder
    var options = ModelOptions(
      weights: weights ?? (isFolder ? nil : "seed:0"), imageSize: imageSize)
    let model = try Model.load(name, options: options)
    return try candidates.map { (text, example) throws(Diagnostic) in
      let output = try ModelOutput(parsing: example)
      options.outputs = [output]
      do throws(Diagnostic) {
        let asked = isFolder ? try Model.load(name, options: options) : model
        return entry(text, try asked.graph(outputs: [output]))
      } catch {
        return OutputEntry(
          output: text, name: "", shape: nil, bytes: nil,
          reason: [error.message, error.hint].compactMap(\.self).joined(separator: "; "))
      }
    }
  }

  private static func entry(_ text: String, _ graph: Graph) -> OutputEntry {
    let output = graph.outputs[0]
    let type = graph[output.value].type
    // A block's number stands for any.
    let digits = output.name.firstIndex(where: \.isNumber)
    var name = output.name
    if text.contains("BLOCK"), let digits {
      let end = name[digits...].firstIndex { !$0.isNumber } ?? name.endIndex
      name.replaceSubrange(digits..<end, with: "BLOCK")
    }
    return OutputEntry(
      output: text, name: name, shape: graph.visibleShape(of: output), bytes: type.sizeBytes,
      reason: nil)
  }

  /// The rows for people: those that the model has, then those that it has not, with the reasons.
  static func table(_ entries: [OutputEntry]) -> TextTable {
    var table = TextTable([
      ("output", .left), ("name", .left), ("shape", .left), ("size", .right),
    ])
    for entry in entries {
      guard let shape = entry.shape, let bytes = entry.bytes else { continue }
      table.add([entry.output, entry.name, Format.shape(shape), Format.bytes(bytes)])
    }
    return table
  }

  /// A line for each output that there is not.
  static func reasons(_ entries: [OutputEntry]) -> String {
    var table = TextTable([.left, .left])
    for entry in entries {
      if let reason = entry.reason { table.add(["no \(entry.output):", reason]) }
    }
    return table.text()
  }
}
