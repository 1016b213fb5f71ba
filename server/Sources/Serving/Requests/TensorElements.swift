import FoundationEssentials
import JSON

/// The elements of a request's tensor.
///
/// All of it checks sizes before memory is taken: `bytes` are those of the body, and no tensor has
/// more elements than its data can hold.
struct TensorElements {
  /// The tensor.
  let tensor: InputTensor
  /// The whole body of the request.
  let body: UnsafeRawBufferPointer

  /// The numbers of an `FP32` tensor, all finite if they come from JSON.
  func floats() throws(ServeError) -> [Float] {
    switch tensor.content {
    case .binary(let range):
      let data = try data(range, size: 4)
      return [Float](unsafeUninitializedCapacity: tensor.elements) { values, count in
        UnsafeMutableRawBufferPointer(values).copyMemory(from: data)
        count = tensor.elements
      }
    case .json(let values):
      return try flat(values) { (value) throws(ServeError) in
        let number: Double
        switch value {
        case .integer(let integer): number = Double(integer)
        case .number(let double): number = double
        default: throw wrong(value, "a number")
        }
        guard Float(number).isFinite else { throw wrong(value, "a number that FP32 can hold") }
        return Float(number)
      }
    }
  }

  /// The numbers of a `UINT8` tensor.
  func bytes() throws(ServeError) -> [UInt8] {
    switch tensor.content {
    case .binary(let range): return Array(try data(range, size: 1))
    case .json(let values):
      return try flat(values) { (value) throws(ServeError) in
        guard case .integer(let integer) = value, let byte = UInt8(exactly: integer) else {
          throw wrong(value, "0 to 255")
        }
        return byte
      }
    }
  }

  /// The strings of a `BYTES` tensor; in JSON they are Base64 (RFC 4648).
  func strings() throws(ServeError) -> [UnsafeRawBufferPointer.SubSequence] {
    guard case .binary(let range) = tensor.content else { return [] }
    var strings: [UnsafeRawBufferPointer.SubSequence] = []
    var start = range.lowerBound
    // One string more than the shape says is enough to refuse it.
    while start < range.upperBound, strings.count < tensor.elements {
      guard range.upperBound - start >= 4 else {
        throw ServeError(.invalid, "input '\(tensor.name)': the last string has no whole length")
      }
      let length = Int(body.loadUnaligned(fromByteOffset: start, as: UInt32.self).littleEndian)
      start += 4
      guard length <= range.upperBound - start else {
        throw ServeError(
          .invalid,
          "input '\(tensor.name)': a string of \(length) bytes, but \(range.upperBound - start) "
            + "are left")
      }
      strings.append(body[start..<start + length])
      start += length
    }
    guard start == range.upperBound, strings.count == tensor.elements else {
      throw ServeError(
        .invalid,
        "input '\(tensor.name)': the shape has \(tensor.elements) strings, found "
          + (start < range.upperBound ? "more" : "\(strings.count)"))
    }
    return strings
  }

  /// The strings of a `BYTES` tensor whose data are JSON: Base64 (RFC 4648).
  func decodedStrings() throws(ServeError) -> [[UInt8]] {
    guard case .json(let values) = tensor.content else { return [] }
    return try flat(values) { (value) throws(ServeError) in
      guard case .string(let text) = value, let data = Data(base64Encoded: text) else {
        throw wrong(value, "a string in Base64")
      }
      return Array(data)
    }
  }

  private func data(
    _ range: Range<Int>, size: Int
  ) throws(ServeError) -> UnsafeRawBufferPointer {
    let (wanted, overflow) = tensor.elements.multipliedReportingOverflow(by: size)
    guard !overflow, range.count == wanted else {
      throw ServeError(
        .invalid,
        "input '\(tensor.name)': \(range.count) bytes of data, expected \(tensor.elements) "
          + "elements of \(size)")
    }
    return UnsafeRawBufferPointer(rebasing: body[range])
  }

  private func wrong(_ value: JSONValue, _ expected: String) -> ServeError {
    ServeError(
      .invalid, "input '\(tensor.name)': found \(value.described), expected \(expected)")
  }

  /// The elements of data that is flat, or nested as the shape says; nested data is flattened, and
  /// only the number of elements counts.
  private func flat<Element>(
    _ values: [JSONValue], _ element: (JSONValue) throws(ServeError) -> Element
  ) throws(ServeError) -> [Element] {
    var elements: [Element] = []
    try flatten(values, into: &elements, element)
    guard elements.count == tensor.elements else {
      throw ServeError(
        .invalid,
        "input '\(tensor.name)': \(elements.count) elements of data, expected "
          + "\(tensor.elements) for the shape \(tensor.shape)")
    }
    return elements
  }

  private func flatten<Element>(
    _ values: [JSONValue], into elements: inout [Element],
    _ element: (JSONValue) throws(ServeError) -> Element
  ) throws(ServeError) {
    for value in values {
      // The reader has bounded the depth.
      if case .array(let inner) = value {
        try flatten(inner, into: &elements, element)
      } else {
        elements.append(try element(value))
      }
    }
  }
}
