import Diagnostics
import Files
import IR
import JSON

/// A head in a safetensors file: a weight `[K, D]`, a bias `[K]`, and what they are in the
/// metadata.
///
/// | metadata | meaning |
/// |---|---|
/// | `labels` | a JSON list of the K names, or a name on each line |
/// | `features` | what the head reads: `class` (if not said), `mean` or `class+mean` |
/// | `scores` | `softmax`, `sigmoid` or `identity` |
///
/// What the two tensors are called does not matter; without a bias it is 0.
public enum HeadFile {
  /// Reads a head.
  ///
  /// Errors: what ``Safetensors`` reports; other tensors than these; numbers that are not finite;
  /// metadata that say something else.
  public static func read(_ path: String) throws(Diagnostic) -> SuppliedHead {
    let file = try Safetensors(path: path)
    let (weight, bias) = try tensors(file)
    let head = SuppliedHead(
      weight: weight.values, bias: bias?.values ?? [Float](repeating: 0, count: weight.shape[0]),
      width: weight.shape[1], labels: try labels(file, classes: weight.shape[0]),
      reads: try word(file, "features") ?? .token, scores: try word(file, "scores"), source: path)
    return head
  }

  private static func tensors(
    _ file: Safetensors
  ) throws(Diagnostic) -> (weight: Tensor, bias: Tensor?) {
    let shapes = file.names.compactMap { name in file.type(of: name).map { (name, $0.shape) } }
    let weights = shapes.filter { $0.1.count == 2 && !$0.1.contains(0) }
    let biases = shapes.filter { $0.1.count == 1 }
    guard weights.count == 1, let weight = weights.first, biases.count <= 1,
      shapes.count == weights.count + biases.count,
      biases.first.map({ $0.1[0] == weight.1[0] }) ?? true
    else {
      throw Diagnostic(
        "expected a head: a weight [K, D] and a bias [K], for K classes and D features",
        at: .file(file.path),
        notes: ShortList.lines(
          shapes.map { name, shape in "found '\(PlainText.escaped(name))' \(shape)" }),
        hint: "of a whole checkpoint give the folder, or the file with --weights")
    }
    var read: [Tensor] = []
    for (name, _) in [weight] + biases {
      let tensor = try file.read(name)
      let count = Widening.countNonFinite(tensor.values)
      guard count == 0 else {
        throw Diagnostic(
          "\(count) of \(tensor.values.count) values are NaN or infinite",
          at: .tensor(name, file: file.path))
      }
      read.append(tensor)
    }
    return (read[0], read.count > 1 ? read[1] : nil)
  }

  private static func labels(
    _ file: Safetensors, classes: Int
  ) throws(Diagnostic) -> [String] {
    guard let text = file.metadata["labels"] else { return [] }
    let names: [String]
    if let list = (try? JSONValue(parsing: text))?.array {
      names = list.compactMap(\.string)
      guard names.count == list.count else {
        throw Diagnostic(
          "'labels' in the metadata is not a list of strings", at: .file(file.path))
      }
    } else {
      names = text.split(whereSeparator: \.isNewline).map(String.init)
    }
    guard names.count == classes else {
      throw Diagnostic(
        "found \(names.count) labels in the metadata, expected \(classes), one for each class",
        at: .file(file.path))
    }
    return names
  }

  private static func word<Word: RawRepresentable & CaseIterable>(
    _ file: Safetensors, _ key: String
  ) throws(Diagnostic) -> Word? where Word.RawValue == String {
    guard let text = file.metadata[key] else { return nil }
    guard let word = Word(rawValue: text) else {
      let known = Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw Diagnostic(
        "'\(key)' in the metadata is '\(PlainText.escaped(text))', expected one of \(known)",
        at: .file(file.path))
    }
    return word
  }

  /// Writes a head as ``read(_:)`` reads it: the tensors `weight` and `bias`.
  ///
  /// - Parameters:
  ///   - head: The head.
  ///   - metadata: What else to say of it.
  ///   - path: The file; one of this name is replaced.
  /// - Throws: What ``AtomicFile`` reports.
  public static func write(
    _ head: SuppliedHead, metadata: [String: String], to path: String
  ) throws(Diagnostic) {
    var texts = metadata
    texts["labels"] = JSONValue.array(head.labels.map { .string($0) }).text(.compact)
    texts["features"] = head.reads.rawValue
    texts["scores"] = head.scores?.rawValue
    texts["format"] = "pt"
    let (weights, biases) = (4 * head.weight.values.count, 4 * head.bias.values.count)
    func entry(_ tensor: Tensor, _ begin: Int, _ end: Int) -> JSONValue {
      .object([
        "dtype": .string("F32"), "shape": .array(tensor.shape.map { .integer($0) }),
        "data_offsets": .array([.integer(begin), .integer(end)]),
      ])
    }
    var header = JSONValue.object([
      "__metadata__": .object(texts.mapValues { .string($0) }),
      "weight": entry(head.weight, 0, weights),
      "bias": entry(head.bias, weights, weights + biases),
    ]).text(.compact)
    // Tensors begin at a multiple of 8, as the reference writer has them.
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let length = header.utf8.count
    try AtomicFile.write(path: path) { (file: inout OutputFile) throws(Diagnostic) in
      try file.append((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
      try file.append(Array(header.utf8))
      try file.append(head.weight.values)
      try file.append(head.bias.values)
    }
  }
}
