import ArgumentParser
import Diagnostics
import FoundationEssentials
import JSON
import VitRuntime

/// `vitc run PHOTO …` of a model without classes: the values of its outputs.
struct ValueRun {
  /// The model.
  let model: PhotoLibrary
  /// Whether all values are printed, as JSON.
  let isJSON: Bool

  /// How many values of an output are shown to people.
  private static let shown = 6

  /// Runs photos and prints their outputs; what cannot be read is told, and the others go on.
  ///
  /// - Parameter overlays: draws what the model looked at.
  func run(_ list: PhotoList, overlays: PhotoOverlays?) throws {
    let tensors = model.model.description.outputs
    var texts: [String] = []
    let failures = try model.run(list, "running", outputs: tensors.map(\.name)) {
      (file, made) throws(Diagnostic) in
      try overlays?.add(file, made)
      texts.append(
        isJSON
          ? Self.json(file, made.values, tensors, size: extents(made.size))
          : Self.text(file, made.values, model.model.model.sizes[made.size].outputs))
    }
    try overlays?.finish()
    if isJSON {
      print("[\n" + texts.joined(separator: ",\n") + "\n]")
    } else {
      print(texts.joined(), terminator: "")
    }
    if failures > 0 { throw ExitCode.failure }
  }

  /// Height and width of a photo's image where they depend on the photo.
  private func extents(_ size: Int) -> [Int]? {
    let sizes = model.model.model.sizes
    return sizes.count > 1 ? Array(sizes[size].input.shape.dropFirst()) : nil
  }

  /// A photo's, or a text's, outputs for people: the shape, the length as a vector, the first
  /// values.
  static func text(
    _ file: String, _ values: [String: [Float]], _ tensors: [VitDescription.Tensor]
  ) -> String {
    var table = TextTable([.left, .left, .left])
    for tensor in tensors {
      let all = values[tensor.name] ?? []
      let norm = all.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      let first = all.prefix(shown).map(Format.significant).joined(separator: " ")
      table.add([
        "\(tensor.name) \(Format.shape(tensor.shape))", "norm \(Format.fixed(norm, 4))",
        first + (all.count > shown ? " …" : ""),
      ])
    }
    return "\(PlainText.escaped(file))\n" + table.text(indentation: 2)
  }

  /// A line of JSON: the path as `file`, or a text as `text`, height and width as `size` where
  /// there are several, and each output's values, row-major.
  static func json(
    _ file: String, _ values: [String: [Float]], _ tensors: [VitDescription.Tensor],
    key: String = "file", size: [Int]? = nil
  ) -> String {
    var text = "{\"\(key)\":" + PlainText.escapedJSON(JSONValue.string(file).text(.compact))
    if let size { text += ",\"size\":[" + size.map(String.init).joined(separator: ",") + "]" }
    for tensor in tensors {
      // The shortest digits that read back as the same number.
      let numbers = (values[tensor.name] ?? []).lazy.map { "\($0)" }.joined(separator: ",")
      text += ",\(JSONValue.string(tensor.name).text(.compact)):[\(numbers)]"
    }
    return text + "}"
  }
}
