import Diagnostics
import Files
import JSON

/// The names of a model's classes.
enum Labels {
  /// Reads names from a file.
  ///
  /// It holds a JSON list; a JSON object from index to name, which may be in a member `id2label`,
  /// or a list in `label_names` (so a checkpoint's `config.json` will do); an object from index to
  /// a list that ends with the name (Keras's `imagenet_class_index.json`); or a text with one name
  /// a line. The text is UTF-8, or UTF-16 after a byte-order mark.
  ///
  /// Errors, at `.file(path)`: the file cannot be read, or is no such text; other JSON; indices
  /// that are not
  /// 0..<count; not as many names as the model has classes.
  static func read(_ path: String, classes: Int) throws(Diagnostic) -> [String] {
    let names = try names(path)
    guard names.count == classes else {
      throw Diagnostic(
        "found \(names.count) labels, expected \(classes), one for each class",
        at: .file(path),
        hint: "a label file is a JSON list, a JSON object from index to name, or a text with one "
          + "name per line")
    }
    return names
  }

  /// Reads names from a file, however many.
  ///
  /// Errors: those of ``read(_:classes:)`` but the number.
  static func names(_ path: String) throws(Diagnostic) -> [String] {
    let bytes = text(try TextFile.bytes(path))
    if let json = try? JSONReader.read(bytes, allowsNonFinite: true) {
      return try labels(json, path: path)
    }
    return try TextFile.text(bytes, path).split(whereSeparator: \.isNewline)
      .map { $0.trimmed }.filter { !$0.isEmpty }
  }

  /// The bytes as UTF-8, without the mark that some editors put before a text.
  private static func text(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes.dropFirst(3)) }
    let isLittle = bytes.starts(with: [0xFF, 0xFE])
    guard isLittle || bytes.starts(with: [0xFE, 0xFF]) else { return bytes }
    let units = stride(from: 2, to: bytes.count - 1, by: 2).map {
      let (first, second) = (UInt16(bytes[$0]), UInt16(bytes[$0 + 1]))
      return isLittle ? second << 8 | first : first << 8 | second
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  private static func labels(_ json: JSONValue, path: String) throws(Diagnostic) -> [String] {
    let source = json["id2label"] ?? json["label_names"] ?? json
    if let list = source.array {
      let names = list.compactMap(\.string)
      guard names.count == list.count else {
        throw Diagnostic("expected a list of strings", at: .file(path))
      }
      return names
    }
    guard case .object(let members) = source else {
      throw Diagnostic(
        "expected a list of labels or an object from index to label", at: .file(path))
    }
    var names = [String?](repeating: nil, count: members.count)
    for (key, value) in members {
      guard let index = Int(key), names.indices.contains(index),
        let name = value.string ?? value.array?.last?.string
      else {
        throw Diagnostic(
          "found the label '\(key)': \(value.brief), expected indices from 0 to "
            + "\(members.count - 1), each with a string", at: .file(path))
      }
      names[index] = name
    }
    // Distinct keys may spell one index ("1" and "01"), which leaves another without a name.
    guard names.allSatisfy({ $0 != nil }) else {
      throw Diagnostic("the labels name an index twice", at: .file(path))
    }
    return names.compactMap(\.self)
  }
}
