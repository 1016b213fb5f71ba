import JSON

/// The answer to an inference request.
public struct InferResponse: Sendable {
  /// The body: a JSON text, and after it the binary data of outputs.
  public var body: [UInt8]
  /// The size of the JSON text if binary data follows: the header
  /// `Inference-Header-Content-Length`.
  public var headerBytes: Int?

  /// Writes the outputs that a request wants.
  ///
  /// - Parameters:
  ///   - request: The request, which `ServedModel.check` has seen.
  ///   - outputs: What was computed, each [count, its shape].
  ///   - sizes: Of each image the place of its size in the model's; the outputs that are wanted
  ///     have one shape for all of them.
  /// - Throws: `invalid` for a number that is not finite and is to be JSON, which has none;
  ///   `failed`
  ///   if an output was not computed.
  public init(
    to request: InferRequest, of model: ServedModel, outputs: [String: [Float]], sizes: [Int]
  ) throws(ServeError) {
    let count = sizes.count
    let offered = model.offered(size: sizes.first ?? 0)
    var writer = Writer()
    writer.text("{\"model_name\":")
    writer.string(model.name)
    writer.text(",\"model_version\":\"\(ServedModel.version)\"")
    if let id = request.id {
      writer.text(",\"id\":")
      writer.string(id)
    }
    writer.text(",\"outputs\":[")
    let wanted =
      request.outputs.isEmpty ? offered.map { RequestedOutput($0.name) } : request.outputs
    for (place, output) in wanted.enumerated() {
      guard let tensor = offered.first(where: { $0.name == output.name }),
        let values = Self.values(of: output.name, model, outputs, count)
      else { throw ServeError(.failed, "the run made no output '\(output.name)'") }
      if place > 0 { writer.text(",") }
      let isBinary = output.isBinary ?? request.isBinary
      if let classes = output.classes, classes > 0 {
        try writer.classes(
          tensor, values, count: count, top: classes, labels: model.labels, isBinary: isBinary)
      } else {
        try writer.numbers(tensor, values, count: count, isBinary: isBinary)
      }
    }
    writer.text("]}")
    headerBytes = writer.data.isEmpty && !writer.hasBinary ? nil : writer.json.count
    body = writer.json + writer.data
  }

  private static func values(
    of name: String, _ model: ServedModel, _ outputs: [String: [Float]], _ count: Int
  ) -> [Float]? {
    guard model.isDerived(name) else { return outputs[name] }
    guard let function = model.scores else { return nil }
    return outputs[ServedModel.logits].map { Classes.scores($0, count: count, by: function) }
  }
}

/// The text and the data of a response.
private struct Writer {
  var json: [UInt8] = []
  var data: [UInt8] = []
  var hasBinary = false

  mutating func text(_ text: String) { json += text.utf8 }

  mutating func string(_ string: String) { text(JSONValue.string(string).text(.compact)) }

  /// The beginning of an output, up to its data.
  private mutating func begin(_ name: String, _ datatype: Datatype, _ shape: [Int]) {
    text("{\"name\":")
    string(name)
    let extents = shape.map(String.init).joined(separator: ",")
    text(",\"datatype\":\"\(datatype.rawValue)\",\"shape\":[\(extents)]")
  }

  /// An output's data are binary, so many bytes.
  private mutating func binary(_ size: Int) {
    hasBinary = true
    text(",\"parameters\":{\"binary_data_size\":\(size)}}")
  }

  mutating func numbers(
    _ tensor: ServedModel.Tensor, _ values: [Float], count: Int, isBinary: Bool
  ) throws(ServeError) {
    begin(tensor.name, .float32, [count] + tensor.shape)
    guard !isBinary else {
      binary(4 * values.count)
      values.withUnsafeBytes { data += $0 }
      return
    }
    guard values.allSatisfy(\.isFinite) else {
      throw ServeError(
        .invalid,
        "'\(tensor.name)' has values that are not finite, which JSON cannot hold: are the images "
          + "finite? ask for binary data to see them")
    }
    text(",\"data\":[")
    for (place, value) in values.enumerated() {
      if place > 0 { json.append(UInt8(ascii: ",")) }
      // The shortest text that reads back as the same number.
      json += value.description.utf8
    }
    text("]}")
  }

  mutating func classes(
    _ tensor: ServedModel.Tensor, _ values: [Float], count: Int, top: Int, labels: [String],
    isBinary: Bool
  ) throws(ServeError) {
    let size = tensor.elements
    let rows = (0..<count).map { row in
      Classes.texts(values[row * size..<(row + 1) * size], top: top, labels: labels)
    }
    begin(tensor.name, .bytes, [count, min(top, size)])
    guard isBinary else {
      text(",\"data\":")
      text(JSONValue.array(rows.joined().map { .string($0) }).text(.compact))
      text("}")
      return
    }
    let start = data.count
    for label in rows.joined() {
      withUnsafeBytes(of: UInt32(label.utf8.count).littleEndian) { data += $0 }
      data += label.utf8
    }
    binary(data.count - start)
  }
}
