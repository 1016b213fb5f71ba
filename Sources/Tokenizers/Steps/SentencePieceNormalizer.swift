import Diagnostics

/// How a SentencePiece model normalizes texts (`NormalizerSpec`; normalizer.cc): at each place the
/// longest sequence of the table becomes what the table says, blanks become `▁`.
struct SentencePieceNormalizer: Sendable {
  private var map: CharsMap?
  private var addsPrefix = true
  private var removesExtraBlanks = true
  private var escapesBlanks = true
  private let userDefined: [[UInt8]]

  /// Reads the message of a file; `spec` is where it is.
  init(
    _ bytes: [UInt8], _ spec: Range<Int>?, userDefined: [[UInt8]], path: String
  ) throws(Diagnostic) {
    self.userDefined = userDefined.sorted { $0.count > $1.count }
    guard let spec else { return }
    var reader = ProtobufReader(bytes, spec, path: path)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (2, .bytes(let range)) where !range.isEmpty:
        map = try CharsMap(Array(bytes[range]), at: .file(path))
      case (3, .number(let flag)): addsPrefix = flag != 0
      case (4, .number(let flag)): removesExtraBlanks = flag != 0
      case (5, .number(let flag)): escapesBlanks = flag != 0
      default: break
      }
    }
  }

  /// Appends the section of `SentencePieces`; returns its place.
  ///
  /// - Parameters:
  ///   - unknown: the text of the unknown token.
  ///   - unknownCount: how many pieces that has.
  func write(
    lowersCase: Bool, unknown: Scalars, unknownCount: Int, to writer: inout TableWriter
  ) -> UInt32 {
    writer.append([
      (addsPrefix ? 1 : 0) | (removesExtraBlanks ? 2 : 0) | (escapesBlanks ? 4 : 0)
        | (lowersCase ? 8 : 0), map?.write(to: &writer) ?? 0,
      writer.append(texts: userDefined.map { $0.map { UInt32($0) } }),
      writer.append(list: unknown.map(\.value)), UInt32(unknownCount),
    ])
  }
}
