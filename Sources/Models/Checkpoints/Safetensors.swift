import Diagnostics
import IR

/// One safetensors file: the header is read and checked at once, a tensor when it is asked for.
public struct Safetensors: Checkpoint {
  /// What messages call it.
  public let path: String
  /// The names of all tensors, sorted.
  public let names: [String]
  private let file: ReadableFile
  private let entries: [String: SafetensorsHeader.Entry]
  /// What the file says of itself, under `__metadata__`.
  public let metadata: [String: String]

  /// Converted elements pass through a buffer of this size, which stays in the cache.
  private static let chunkBytes = 1 << 18

  /// Opens a file and checks its header, by the rules of `SafetensorsHeader`.
  public init(path: String) throws(Diagnostic) {
    self.path = path
    file = try ReadableFile(path)
    let header = try SafetensorsHeader(file)
    entries = header.entries
    metadata = header.metadata
    names = entries.keys.sorted()
  }

  /// The type of a tensor, or `nil` if there is none of this name.
  public func type(of name: String) -> StoredType? { entries[name]?.type }

  /// Returns a tensor's values as `f32`.
  public func read(_ name: String) throws(Diagnostic) -> Tensor {
    guard let entry = entries[name] else { throw missing(name) }
    let shape = entry.type.shape
    let count = shape.reduce(1, *)
    let values: [Float]
    switch entry.type.element {
    case .f32:
      values = try filled(count) { (target) throws(Diagnostic) in
        try file.read(at: entry.offsetBytes, into: UnsafeMutableRawBufferPointer(target))
      }
    case .f16: values = try converted(entry, count, Widening.widenF16)
    case .bf16: values = try converted(entry, count, Widening.widenBF16)
    case .f64: values = try converted(entry, count, Widening.roundF64)
    case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64, .c64, .f8e4m3, .f8e5m2, .f8e8m0,
      .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4:
      throw Diagnostic(
        "holds \(entry.type.element.rawValue), expected F32, F16, BF16 or F64",
        at: .tensor(name, file: path),
        hint: "convert it, for example with tensor.float() and safetensors.torch.save_file")
    }
    return Tensor(shape: shape, values: values)
  }

  /// The values of a tensor of 64-bit integers; `nil` if there is none of this name and type.
  public func integers(_ name: String) throws(Diagnostic) -> [Int]? {
    guard let entry = entries[name], entry.type.element == .i64 else { return nil }
    let count = entry.type.shape.reduce(1, *)
    let bytes = try file.bytes(at: entry.offsetBytes, count: count * 8)
    return (0..<count).map { index in
      (0..<8).reduce(0) { $0 | Int(bytes[index * 8 + $1]) << (8 * $1) }
    }
  }

  /// Returns an array of `count` elements that `body` writes.
  ///
  /// At least one has a place: the count of an empty array would be written where all threads read.
  private func filled(
    _ count: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [Float] {
    do {
      return try [Float](unsafeUninitializedCapacity: max(1, count)) { buffer, initialized in
        try body(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
      }
    } catch let diagnostic as Diagnostic {
      throw diagnostic
    } catch {
      throw Diagnostic("\(error)", at: .file(path))
    }
  }

  /// Reads `count` elements of type `Stored`, chunk by chunk, through `convert`.
  private func converted<Stored: FixedWidthInteger>(
    _ entry: SafetensorsHeader.Entry, _ count: Int,
    _ convert: (UnsafeBufferPointer<Stored>, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws(Diagnostic) -> [Float] {
    let width = MemoryLayout<Stored>.size
    let chunkCount = Self.chunkBytes / width
    let chunk = UnsafeMutableBufferPointer<Stored>.allocate(capacity: min(count, chunkCount))
    defer { chunk.deallocate() }
    return try filled(count) { (target) throws(Diagnostic) in
      for start in stride(from: 0, to: count, by: chunkCount) {
        let part = min(chunkCount, count - start)
        let source = UnsafeMutableBufferPointer(rebasing: chunk[..<part])
        try file.read(
          at: entry.offsetBytes + start * width, into: UnsafeMutableRawBufferPointer(source))
        convert(
          UnsafeBufferPointer(source),
          UnsafeMutableBufferPointer(rebasing: target[start..<start + part]))
      }
    }
  }
}
