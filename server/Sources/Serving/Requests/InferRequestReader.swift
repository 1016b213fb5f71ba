import JSON

/// Reads the body of an inference request, of untrusted origin.
///
/// The body is a JSON text; with the header `Inference-Header-Content-Length: N` it is a JSON text
/// of N bytes and then the binary data of those inputs that have the parameter `binary_data_size`,
/// in their order.
public struct InferRequestReader {
  /// The most values that the JSON text may have: what is above is refused before it is read, since
  /// `[0,0,0` takes a dozen times its size in memory.
  private let valueLimit: Int
  private let bodyBytes: Int
  private var binaryStart: Int

  /// Returns the request.
  ///
  /// - Parameters:
  ///   - body: The whole body.
  ///   - headerBytes: The size of the JSON text; `nil` for the whole body.
  ///   - valueLimit: The most values (numbers, strings, arrays, objects) that the text may have.
  /// - Throws: `invalid` for what is not the protocol, with the place in the request; `tooLarge`
  ///   for
  ///   more than `valueLimit` values.
  public static func read(
    _ body: UnsafeRawBufferPointer, headerBytes: Int?, valueLimit: Int
  ) throws(ServeError) -> InferRequest {
    let size = headerBytes ?? body.count
    guard size >= 0, size <= body.count else {
      throw ServeError(
        .invalid,
        "the inference header has \(size) bytes by its length, the body has \(body.count)")
    }
    var reader = InferRequestReader(
      valueLimit: valueLimit, bodyBytes: body.count, binaryStart: size)
    return try reader.request(body.prefix(size))
  }

  private mutating func request(
    _ text: Slice<UnsafeRawBufferPointer>
  ) throws(ServeError) -> InferRequest {
    // Every value but the first follows one of these; those within strings count as well.
    let marks = text.reduce(into: 1) { count, byte in
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
      default: break
      }
    }
    guard marks <= valueLimit else {
      throw ServeError(
        .tooLarge,
        "the JSON text has up to \(marks) values, expected at most \(valueLimit): "
          + "send tensors as binary data")
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONReader.read(Array(text))
    } catch {
      throw ServeError(.invalid, "the request is not JSON: \(error)")
    }
    guard case .object = json else {
      throw ServeError(.invalid, "the request is \(json.described), expected an object")
    }
    let parameters = try object(json["parameters"], "parameters")
    var request = InferRequest(inputs: [])
    request.id = try string(json["id"], "id")
    request.timeoutMicroseconds = try count(parameters["timeout"], "parameters.timeout")
    request.isBinary =
      try flag(parameters["binary_data_output"], "parameters.binary_data_output") ?? false
    for (place, input) in try array(json["inputs"], "inputs").enumerated() {
      request.inputs.append(try tensor(input, "inputs[\(place)]"))
    }
    guard !request.inputs.isEmpty else {
      throw ServeError(.invalid, "inputs: missing or empty, expected the model's input")
    }
    guard binaryStart == bodyBytes else {
      throw ServeError(
        .invalid,
        "\(bodyBytes - binaryStart) bytes after the binary data of the inputs belong to none")
    }
    for (place, output) in try array(json["outputs"], "outputs").enumerated() {
      request.outputs.append(try requestedOutput(output, "outputs[\(place)]"))
    }
    return request
  }

  /// One of the inputs; takes its share of the binary data.
  private mutating func tensor(
    _ json: JSONValue, _ place: String
  ) throws(ServeError) -> InputTensor {
    guard let name = try string(json["name"], "\(place).name") else {
      throw ServeError(.invalid, "\(place).name: missing")
    }
    guard let type = try string(json["datatype"], "\(place).datatype") else {
      throw ServeError(.invalid, "\(place).datatype: missing")
    }
    guard let datatype = Datatype(rawValue: type) else {
      throw ServeError(
        .invalid,
        "\(place).datatype: found '\(type.prefix(20))', expected "
          + Datatype.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let shape = try shape(json["shape"], "\(place).shape")
    let parameters = try object(json["parameters"], "\(place).parameters")
    let size = try count(
      parameters["binary_data_size"], "\(place).parameters.binary_data_size")
    guard let size else {
      guard let data = json["data"] else {
        throw ServeError(.invalid, "\(place).data: missing, and there is no binary_data_size")
      }
      guard case .array(let values) = data else {
        throw ServeError(.invalid, "\(place).data: found \(data.described), expected an array")
      }
      return InputTensor(name: name, datatype: datatype, shape: shape, content: .json(values))
    }
    guard json["data"] == nil else {
      throw ServeError(.invalid, "\(place): has both data and binary_data_size")
    }
    guard size <= bodyBytes - binaryStart else {
      throw ServeError(
        .invalid,
        "\(place): binary_data_size is \(size), but \(bodyBytes - binaryStart) bytes of the body "
          + "are left")
    }
    defer { binaryStart += size }
    return InputTensor(
      name: name, datatype: datatype, shape: shape,
      content: .binary(binaryStart..<binaryStart + size))
  }

  private func shape(_ json: JSONValue?, _ place: String) throws(ServeError) -> [Int] {
    var shape: [Int] = []
    var elements = 1
    for value in try array(json, place) {
      guard case .integer(let extent) = value, extent > 0 else {
        throw ServeError(.invalid, "\(place): found \(value.described), expected 1 or more")
      }
      let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw ServeError(.invalid, "\(place): too many elements") }
      elements = product
      shape.append(extent)
    }
    guard !shape.isEmpty else {
      throw ServeError(.invalid, "\(place): missing or empty, expected the tensor's extents")
    }
    return shape
  }

  private func requestedOutput(
    _ json: JSONValue, _ place: String
  ) throws(ServeError) -> RequestedOutput {
    guard let name = try string(json["name"], "\(place).name") else {
      throw ServeError(.invalid, "\(place).name: missing")
    }
    let parameters = try object(json["parameters"], "\(place).parameters")
    return RequestedOutput(
      name, isBinary: try flag(parameters["binary_data"], "\(place).parameters.binary_data"),
      classes: try count(parameters["classification"], "\(place).parameters.classification"))
  }

  // MARK: JSON values of one type; what is absent or null is nothing

  private func array(_ json: JSONValue?, _ place: String) throws(ServeError) -> [JSONValue] {
    guard let json, json != .null else { return [] }
    guard case .array(let values) = json else {
      throw ServeError(.invalid, "\(place): found \(json.described), expected an array")
    }
    return values
  }

  private func object(
    _ json: JSONValue?, _ place: String
  ) throws(ServeError) -> [String: JSONValue] {
    guard let json, json != .null else { return [:] }
    guard case .object(let members) = json else {
      throw ServeError(.invalid, "\(place): found \(json.described), expected an object")
    }
    return members
  }

  private func string(_ json: JSONValue?, _ place: String) throws(ServeError) -> String? {
    guard let json, json != .null else { return nil }
    guard case .string(let text) = json else {
      throw ServeError(.invalid, "\(place): found \(json.described), expected a string")
    }
    return text
  }

  private func flag(_ json: JSONValue?, _ place: String) throws(ServeError) -> Bool? {
    guard let json, json != .null else { return nil }
    guard case .bool(let value) = json else {
      throw ServeError(.invalid, "\(place): found \(json.described), expected true or false")
    }
    return value
  }

  private func count(_ json: JSONValue?, _ place: String) throws(ServeError) -> Int? {
    guard let json, json != .null else { return nil }
    guard case .integer(let value) = json, value >= 0 else {
      throw ServeError(.invalid, "\(place): found \(json.described), expected 0 or more")
    }
    return value
  }
}
