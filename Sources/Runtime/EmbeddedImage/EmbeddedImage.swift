/// The embedded runtime as relocatable objects: what is linked into every compiled model.
///
/// The bytes are part of vitc, so that it works wherever it is copied.
public enum EmbeddedImage {
  /// The architectures there is an object for, as in target triples.
  public static var architectures: [String] {
    objects.filter { $0.name == "runtime" }.map(\.architecture)
  }

  /// Returns the ELF object of an architecture ("x86_64", "aarch64"), whose global symbols are the
  /// `vit_rt_*` functions of vit_abi.h, without `vit_rt_tokenize`; `nil` for an architecture that
  /// vitc does not know.
  public static func object(architecture: String) -> [UInt8]? {
    object(architecture, named: "runtime")
  }

  /// Returns the object with `vit_rt_tokenize`.
  public static func tokenizer(architecture: String) -> [UInt8]? {
    object(architecture, named: "tokenizer")
  }

  private static func object(_ architecture: String, named name: String) -> [UInt8]? {
    guard
      let found = objects.first(where: { $0.architecture == architecture && $0.name == name })
    else { return nil }
    return found.base64.withUTF8Buffer { decode($0) }
  }

  /// Decodes base64 (RFC 4648, padded); `nil` if it is none.
  private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    var count = 0
    for character in text {
      let value: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"): value = 62
      case UInt8(ascii: "/"): value = 63
      case UInt8(ascii: "="): continue
      default: return nil
      }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }
}
