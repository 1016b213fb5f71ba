import CVitABI
import Diagnostics
import Files
import Glibc

/// Of one output for the self-test image: `vit_selftest_values` of vit_abi.h.
public struct SelfTestValues: Hashable, Sendable {
  /// The root mean square of the whole output.
  public var rms: Float
  /// Evenly spaced values, at most `VIT_SELFTEST_VALUES`.
  public var values: [Float]

  /// Takes the self-test values out of an output.
  public init(of output: [Float]) {
    let squares = output.reduce(0.0) { $0 + Double($1) * Double($1) }
    rms = Float((squares / Double(max(1, output.count))).squareRoot())
    values = (0..<vit_selftest_count(output.count)).map {
      output[Int(vit_selftest_index($0, output.count))]
    }
  }

  /// The floats of `vit_selftest_values`, in order.
  public var record: [Float] {
    [rms] + values + Array(repeating: 0, count: Int(VIT_SELFTEST_VALUES) - values.count)
  }
}

/// The record in a library by which it is checked without being loaded: `vit_proof` of vit_abi.h.
struct Proof: Hashable {
  /// Where it is in the file.
  let offset: Int
  let weightsBytes: Int
  let weightsHash: WeightHash
  /// Empty for embedded weights.
  let weightsFileName: String
  let outputCount: Int
  let hasValues: Bool

  /// Finds the record; `nil` if there is none or it is cut off.
  ///
  /// The first place with its mark is it: weights, which may hold any bytes, come last in a file.
  init?(in bytes: UnsafeRawBufferPointer) {
    func word(_ at: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) }
    // It begins at a multiple of its alignment, in memory and thus in the file.
    let last = bytes.count - MemoryLayout<vit_proof>.size
    let places = stride(from: 0, through: last, by: MemoryLayout<vit_proof>.alignment)
    let found = places.first {
      word($0) == VIT_PROOF_MARK_LOW && word($0 + 8) == VIT_PROOF_MARK_HIGH
    }
    guard let offset = found else { return nil }
    let record = bytes.loadUnaligned(fromByteOffset: offset, as: vit_proof.self)
    guard let weightsBytes = Int(exactly: record.weights_bytes) else { return nil }
    self.offset = offset
    self.weightsBytes = weightsBytes
    weightsHash = WeightHash(low: record.weights_hash.0, high: record.weights_hash.1)
    weightsFileName = withUnsafeBytes(of: record.weights_file_name) { name in
      String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }
    outputCount = Int(record.output_count)
    hasValues = record.has_values != 0
  }

  /// Writes self-test values into a library, in place.
  static func write(_ selfTestValues: [SelfTestValues], to library: String) throws(Diagnostic) {
    let proof = try MappedFile(library).withUnsafeBytes { Proof(in: $0) }
    guard let proof, proof.outputCount == selfTestValues.count,
      let flag = MemoryLayout<vit_proof>.offset(of: \.has_values)
    else {
      throw Diagnostic("the linked library has no place for self-test values", at: .file(library))
    }
    let bytes = selfTestValues.flatMap(\.record).withUnsafeBytes { Array($0) }
    let file = open(library, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError.diagnostic("cannot open the file", library, errno) }
    defer { close(file) }
    var one: UInt32 = 1
    guard
      pwrite(file, bytes, bytes.count, off_t(proof.offset + MemoryLayout<vit_proof>.size))
        == bytes.count, pwrite(file, &one, 4, off_t(proof.offset + flag)) == 4
    else { throw FileError.diagnostic("cannot write the self-test values", library, errno) }
  }
}
