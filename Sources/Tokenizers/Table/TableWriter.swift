import Tokenizing

/// Words of a ``TokenTable`` while it is made.
struct TableWriter {
  /// All words so far.
  private(set) var words: [UInt32]

  /// A table without sections.
  init() {
    words = [UInt32](repeating: 0, count: TokenField.allCases.count)
    words[TokenField.mark.rawValue] = TokenTable.mark
    words[TokenField.version.rawValue] = TokenTable.version
  }

  /// Sets a word of the beginning.
  subscript(field: TokenField) -> UInt32 {
    get { words[field.rawValue] }
    set { words[field.rawValue] = newValue }
  }

  /// Appends words; returns their place.
  mutating func append(_ section: [UInt32]) -> UInt32 {
    words += section
    return UInt32(words.count - section.count)
  }

  /// Appends a count and so many words.
  mutating func append(list: [UInt32]) -> UInt32 { append([UInt32(list.count)] + list) }

  /// Appends bytes, and zeros up to a whole word.
  mutating func append(bytes: [UInt8]) -> UInt32 {
    let place = UInt32(words.count)
    words.reserveCapacity(words.count + bytes.count / 4 + 1)
    for start in stride(from: 0, to: bytes.count, by: 4) {
      var word: UInt32 = 0
      for index in start..<min(start + 4, bytes.count) {
        word |= UInt32(bytes[index]) << (8 * UInt32(index - start))
      }
      words.append(word)
    }
    return place
  }

  /// Appends the section of a `TextList`: a count, and the place and length of each text.
  mutating func append(texts: [[UInt32]]) -> UInt32 {
    var section = [UInt32(texts.count)]
    for text in texts { section += [append(text), UInt32(text.count)] }
    return append(section)
  }

  /// Appends the section of a `ScalarMap`.
  mutating func append(map: [UInt32: [UInt32]]) -> UInt32 {
    let keys = map.keys.sorted()
    var places: [UInt32] = [0]
    var values: [UInt32] = []
    for key in keys {
      values += map[key] ?? []
      places.append(UInt32(values.count))
    }
    return append([UInt32(keys.count)] + keys + places + values)
  }

  /// Appends the section of `ScalarRuns`: first scalars with their bits.
  mutating func append(runs: [(first: UInt32, bits: UInt32)]) -> UInt32 {
    append(list: runs.map { $0.first << 8 | $0.bits })
  }
}
