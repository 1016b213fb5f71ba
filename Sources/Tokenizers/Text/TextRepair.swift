/// What ftfy and `html.unescape` replace, as a table; what is done with it says `TokenMaker` of
/// Tokenizing.
enum TextRepair {
  private static let replacements: [UInt32: [UInt32]] = {
    var table: [UInt32: [UInt32]] = [0x3000: [0x20]]
    // By scalars: some forms would join the blank before them to one character.
    let entries = Scalars(TextRepairTable.ligatures + " " + TextRepairTable.widths)
    for entry in entries.split(separator: " ") {
      table[entry[entry.startIndex].value] = entry.dropFirst().map { $0 == "_" ? 0x20 : $0.value }
    }
    // The forms of full width of ASCII, in its order.
    for offset: UInt32 in 0x21...0x7E { table[0xFEE0 + offset] = [offset] }
    for curly: UInt32 in [0x2BC, 0x2018, 0x2019, 0x201A, 0x201B] { table[curly] = [0x27] }
    for curly: UInt32 in 0x201C...0x201F { table[curly] = [0x22] }
    return table
  }()

  /// Appends the section; returns its place.
  static func write(to writer: inout TableWriter) -> UInt32 {
    writer.append([
      writer.append(map: replacements),
      writer.append(texts: TextRepairTable.bareEntities.map { $0.unicodeScalars.map(\.value) }),
      Mojibake.write(to: &writer),
    ])
  }
}
