/// The symbol of a kernel's function: its title and a hash of all its stored properties.
///
/// The properties are found by reflection, those of nested values too, so that none can be
/// forgotten: a new property is in the symbol as soon as it is declared. The hash is 64-bit FNV-1a
/// over a text that says type, name and value of each; unlike Swift's `Hasher`, which is seeded in
/// each process, it gives the same symbols on every run and machine, since libraries are
/// reproducible. The text costs nothing that counts: it is made once for each function, beside
/// LLVM's work on its body.
///
/// Symbols are for people, profilers and disassemblers; code is shared by the equality of values,
/// so that two hashes that happen to be equal would give a suffix of LLVM's to the second symbol.
struct KernelSymbol {
  let text: String

  init(_ kernel: some Kernel) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in Self.description(of: kernel).utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    text = "\(kernel.title)_" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Says type, name and value of all that is stored in `value`: different for different values.
  static func description(of value: Any) -> String {
    switch value {
    // Not as a decimal number, which would not tell different NaNs apart.
    case let number as Float: return "\(number.bitPattern)"
    case let number as Double: return "\(number.bitPattern)"
    case is any BinaryInteger, is Bool: return "\(value)"
    case let text as String: return "\"\(text)\""
    default: break
    }
    let mirror = Mirror(reflecting: value)
    let children = mirror.children.map { child in
      (child.label.map { "\($0):" } ?? "") + description(of: child.value)
    }.joined(separator: ",")
    switch mirror.displayStyle {
    case .struct, .tuple: return "\(mirror.subjectType)(\(children))"
    case .collection: return "[\(children)]"
    case .optional: return children.isEmpty ? "nil" : children
    // Without a payload the case's name is the value's text.
    case .enum: return "\(mirror.subjectType)." + (children.isEmpty ? "\(value)" : children)
    default:
      preconditionFailure("a kernel cannot store a \(mirror.subjectType): it has no stable text")
    }
  }
}
