/// SentencePiece's precompiled table of normalizations (`precompiled_charsmap`): a double array of
/// the sequences that change (Darts-clone: a label, a leaf bit and an offset in 32 bits), behind
/// which are what they become, each ended by a zero byte.
///
/// The section: the number of units, the place of the units, the number of bytes, their place.
struct CharsMap {
  private let unitCount: Int
  private let units: UnsafePointer<UInt32>
  private let textCount: Int
  private let texts: UnsafePointer<UInt8>

  init(_ table: TokenTable, _ section: UnsafePointer<UInt32>) {
    unitCount = Int(section[0])
    units = table.words + Int(section[1])
    textCount = Int(section[2])
    texts = UnsafeRawPointer(table.words + Int(section[3])).assumingMemoryBound(to: UInt8.self)
  }

  /// What a sequence becomes, and how long it is.
  struct Found {
    let bytes: UnsafePointer<UInt8>
    let count: Int
    let taken: Int
  }

  private static func offset(_ unit: UInt32) -> Int {
    Int((unit &>> 10) &<< ((unit & (1 &<< 9)) &>> 6))
  }

  /// The first, or the last, of the sequences that a text begins with, in growing length.
  private func prefix(_ text: UnsafePointer<UInt8>, _ count: Int, isLongest: Bool) -> Found? {
    guard unitCount > 0 else { return nil }
    var found: Found?
    var place = CharsMap.offset(units[0])
    for index in 0..<count {
      let byte = text[index]
      if byte == 0 { break }
      place ^= Int(byte)
      guard place < unitCount, units[place] & 0x8000_00FF == UInt32(byte) else { break }
      let unit = units[place]
      place ^= CharsMap.offset(unit)
      guard place < unitCount else { break }
      guard unit &>> 8 & 1 == 1 else { continue }
      found = replacement(Int(units[place] & 0x7FFF_FFFF), taken: index &+ 1)
      if !isLongest { break }
    }
    return found
  }

  private func replacement(_ start: Int, taken: Int) -> Found {
    guard start < textCount else { return Found(bytes: texts, count: 0, taken: taken) }
    var end = start
    while end < textCount, texts[end] != 0 { end &+= 1 }
    return Found(bytes: texts + start, count: end &- start, taken: taken)
  }

  /// The longest sequence at the beginning of a text that changes.
  func longest(_ text: UnsafePointer<UInt8>, _ count: Int) -> Found? {
    prefix(text, count, isLongest: true)
  }

  /// The shortest.
  func shortest(_ text: UnsafePointer<UInt8>, _ count: Int) -> Found? {
    prefix(text, count, isLongest: false)
  }
}

extension TokenMaker {
  /// Applies a table as the library `tokenizers` does: to each cluster of scalars of less than 6
  /// bytes as a whole, if it begins with a sequence, else to each scalar, each time the shortest
  /// sequence.
  mutating func mapClustersOfPart(_ index: Int) {
    guard let section = table.section(at: index) else { return }
    let map = CharsMap(table, section)
    spare.truncate(to: 0)
    var start = 0
    while start < part.count {
      let end = endOfCluster(start)
      word.truncate(to: 0)
      for index in start..<min(end, start &+ 6) { UTF8Bytes.append(part[index], to: &word) }
      if word.count < 6, appendMapped(map) {
        start = end
        continue
      }
      for index in start..<end {
        word.truncate(to: 0)
        UTF8Bytes.append(part[index], to: &word)
        if !appendMapped(map) { spare.append(part[index]) }
      }
      guard !word.isShort, !spare.isShort else { return }
      start = end
    }
    replacePart()
  }

  /// Appends to ``spare`` what the beginning of ``word`` becomes, if it changes.
  private mutating func appendMapped(_ map: CharsMap) -> Bool {
    guard let bytes = word.elements, let found = map.shortest(bytes, word.count) else {
      return false
    }
    // vitc has looked that all texts of a table are UTF-8.
    return UTF8Bytes.decode(found.bytes, found.count, into: &spare) == nil
  }

  /// Where the cluster that begins at an index of ``part`` ends (Unicode Standard Annex 29).
  ///
  /// Flags, which are pairs of letters of 4 bytes, may be divided: with anything that joins them
  /// they have more than 5 bytes.
  private func endOfCluster(_ start: Int) -> Int {
    let clusters = ScalarRuns(words: table.section(.clusters))
    var end = start &+ 1
    var bits = clusters.bits(part[start])
    // Whether a consonant, and behind it what joins consonants, have been seen.
    var isAfterConsonant = bits & ClusterClass.consonant.rawValue != 0
    var isLinked = false
    // Whether nothing but what extends it is behind a picture.
    var isAfterPicture = bits & ClusterClass.picture.rawValue != 0
    while end < part.count {
      let (last, scalar) = (part[end &- 1], part[end])
      let next = clusters.bits(scalar)
      let isControl = (bits | next) & ClusterClass.control.rawValue != 0
      let joins =
        isControl
        ? last == 0x0D && scalar == 0x0A
        : next & ClusterClass.extending.rawValue != 0 || bits & ClusterClass.prepended.rawValue != 0
          || Hangul.joins(last, scalar)
          || isAfterConsonant && isLinked && next & ClusterClass.consonant.rawValue != 0
          || isAfterPicture && last == 0x200D && next & ClusterClass.picture.rawValue != 0
      guard joins else { break }
      if next & ClusterClass.extending.rawValue == 0 {
        isAfterPicture = next & ClusterClass.picture.rawValue != 0
      }
      if next & ClusterClass.consonant.rawValue != 0 {
        (isAfterConsonant, isLinked) = (true, false)
      } else if next & ClusterClass.linker.rawValue != 0 {
        isLinked = true
      } else if next & ClusterClass.extending.rawValue == 0 {
        isAfterConsonant = false
      }
      bits = next
      end &+= 1
    }
    return end
  }
}
