/// The letters that stand for bytes in byte-level vocabularies, GPT-2's `bytes_to_unicode`:
/// printable bytes are themselves in Latin-1, the other 68 are U+0100 and following, in order.
enum ByteAlphabet {
  /// By byte.
  static let letters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte) ?? " "
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? " "
      }
    }
  }()

  /// The letters of a text's bytes in UTF-8.
  static func letters(_ text: Scalars) -> Scalars { UTF8Text.bytes(text).map { letters[Int($0)] } }

  /// The order in which CLIP numbers the letters: the printable bytes first.
  static let inOrder: [Unicode.Scalar] =
    letters.filter { $0.value < 0x100 } + letters.filter { $0.value >= 0x100 }
}
