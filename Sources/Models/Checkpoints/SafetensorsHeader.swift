import Diagnostics
import JSON

/// What the header of a safetensors file says: each tensor's type and place.
///
/// Layout: `u64` little-endian header length n; n bytes of JSON, an object; the tensors' bytes,
/// little-endian and row-major, contiguous in some order, up to the end of the file. These are the
/// reference reader's rules (huggingface/safetensors); whatever breaks one is refused. Beyond them,
/// so is a header that names a tensor twice.
struct SafetensorsHeader {
  /// A tensor: its type and its first byte, counted from the beginning of the file.
  struct Entry: Hashable {
    var type: StoredType
    var offsetBytes: Int
  }

  var entries: [String: Entry] = [:]
  /// What the file says of itself, under `__metadata__`.
  var metadata: [String: String] = [:]

  /// The reference reader's limit on the header's length.
  static let lengthLimitBytes = 100_000_000

  private let file: ReadableFile

  /// Reads and checks the header of `file`.
  init(_ file: ReadableFile) throws(Diagnostic) {
    self.file = file
    let lengthBytes = try Self.headerLength(file)
    let text = try file.bytes(at: 8, count: lengthBytes)
    guard text.first(where: { !FileKind.isJSONSpace($0) }) == UInt8(ascii: "{") else {
      throw Diagnostic(
        "the safetensors header does not begin with '{'", at: .file(file.path),
        hint: "the file is damaged or of another format")
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONReader.read(text)
    } catch {
      throw Diagnostic(
        "the safetensors header is not valid: \(error.message)", at: .file(file.path),
        notes: ["at byte \(8 + error.offset) of the file"])
    }
    guard case .object(let members) = json else {
      throw Diagnostic("the safetensors header is not an object", at: .file(file.path))
    }
    var ranges: [(name: String, begin: Int, end: Int)] = []
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      if name == "__metadata__" {
        metadata = try texts(value)
        continue
      }
      let (type, begin, end) = try entry(name, value)
      entries[name] = Entry(type: type, offsetBytes: 8 + lengthBytes + begin)
      ranges.append((name, begin, end))
    }
    try checkCoverage(ranges, dataBytes: file.sizeBytes - 8 - lengthBytes)
  }

  private static func headerLength(_ file: ReadableFile) throws(Diagnostic) -> Int {
    guard file.sizeBytes > 0 else { throw Diagnostic("the file is empty", at: .file(file.path)) }
    let start = try file.bytes(at: 0, count: min(file.sizeBytes, 24))
    guard start.count >= 8 else {
      throw Diagnostic(
        "a file of \(file.sizeBytes) bytes is too short for a safetensors header",
        at: .file(file.path))
    }
    let kind = try FileKind(file.path)
    if [.npz, .torch, .torchScript, .archive].contains(kind) {
      throw Diagnostic("is a zip archive, expected safetensors", at: .file(file.path))
    }
    if [.npy, .pickle, .legacyTorch, .framedTorch, .pointer].contains(kind),
      let refusal = kind.refusal(file.path)
    {
      throw refusal
    }
    let length = start[0..<8].enumerated().reduce(UInt64(0)) { $0 | UInt64($1.1) << (8 * $1.0) }
    guard length <= UInt64(lengthLimitBytes) else {
      throw Diagnostic(
        "the safetensors header claims \(length) bytes; the format allows \(lengthLimitBytes)",
        at: .file(file.path), hint: "the file is damaged or of another format")
    }
    guard Int(length) <= file.sizeBytes - 8 else {
      throw Diagnostic(
        "the safetensors header claims \(length) bytes, but only \(file.sizeBytes - 8) follow",
        at: .file(file.path), hint: "the file is truncated; download it again")
    }
    return Int(length)
  }

  private func texts(_ value: JSONValue) throws(Diagnostic) -> [String: String] {
    if case .null = value { return [:] }
    guard case .object(let members) = value else {
      throw Diagnostic(
        "'__metadata__' is \(value.described), expected an object", at: .file(file.path))
    }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      guard case .string = value else {
        throw Diagnostic(
          "'__metadata__' entry '\(key)' is \(value.described), expected a string",
          at: .file(file.path))
      }
    }
    return members.compactMapValues(\.string)
  }

  private func entry(
    _ name: String, _ value: JSONValue
  ) throws(Diagnostic) -> (StoredType, begin: Int, end: Int) {
    func fault(_ message: String, hint: String? = nil) -> Diagnostic {
      Diagnostic(message, at: .tensor(name, file: file.path), hint: hint)
    }
    guard case .object(let members) = value else {
      throw fault("the header has \(value.described), expected an object")
    }
    guard case .string(let dtype)? = members["dtype"] else {
      throw fault("'dtype' is \(members["dtype"]?.described ?? "absent"), expected a string")
    }
    guard let element = StoredElement(rawValue: dtype) else {
      let known = StoredElement.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault("unknown dtype '\(dtype)'", hint: "the format knows \(known)")
    }
    guard let shape = Self.naturals(members["shape"]) else {
      throw fault(
        "'shape' is \(members["shape"]?.described ?? "absent"), expected an array of extents, "
          + "each 0 or more")
    }
    guard let range = Self.naturals(members["data_offsets"]), range.count == 2 else {
      throw fault(
        "'data_offsets' is \(members["data_offsets"]?.described ?? "absent"), "
          + "expected two offsets, 0 or more")
    }
    guard range[0] <= range[1] else {
      throw fault("'data_offsets' \(range) end before they begin")
    }
    var bits = element.bits
    for extent in shape {
      let (product, overflow) = bits.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw fault("the size of shape \(shape) overflows") }
      bits = product
    }
    guard bits % 8 == 0 else {
      throw fault("shape \(shape) of \(dtype) is not a whole number of bytes")
    }
    guard range[1] - range[0] == bits / 8 else {
      throw fault(
        "shape \(shape) of \(dtype) takes \(bits / 8) bytes, but 'data_offsets' \(range) span "
          + "\(range[1] - range[0])")
    }
    return (StoredType(element, shape), range[0], range[1])
  }

  /// Returns the elements of an array of non-negative integers, or `nil` for anything else.
  private static func naturals(_ value: JSONValue?) -> [Int]? {
    guard case .array(let elements)? = value else { return nil }
    var result: [Int] = []
    for element in elements {
      guard case .integer(let value) = element, value >= 0 else { return nil }
      result.append(value)
    }
    return result
  }

  /// Checks that the ranges follow each other without overlap or hole, and end with the file.
  private func checkCoverage(
    _ ranges: [(name: String, begin: Int, end: Int)], dataBytes: Int
  ) throws(Diagnostic) {
    var end = 0
    var last: String?
    for range in ranges.sorted(by: { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }) {
      let location = Diagnostic.Location.tensor(range.name, file: file.path)
      if range.end > dataBytes {
        throw Diagnostic(
          "ends at byte \(range.end) of the data, but the file holds \(dataBytes)", at: location,
          hint: "the file is truncated or damaged; download it again")
      }
      if range.begin < end {
        throw Diagnostic(
          "begins at byte \(range.begin) of the data, inside '\(last ?? "")', which ends at \(end)",
          at: location)
      }
      if range.begin > end {
        throw Diagnostic(
          "begins at byte \(range.begin) of the data; the \(range.begin - end) bytes before it "
            + "belong to no tensor", at: location)
      }
      end = range.end
      last = range.name
    }
    guard end == dataBytes else {
      throw Diagnostic(
        "the tensors end at byte \(end) of the data, but the file holds \(dataBytes)",
        at: .file(file.path))
    }
  }
}
