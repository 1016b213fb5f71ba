import ArgumentParser
import Diagnostics
import Files
import VitRuntime

/// `vitc run --text`: texts through the library of a text tower, by the tokenizer inside.
struct TextRun {
  /// The model.
  let model: CompiledModel

  /// Takes a model.
  ///
  /// Errors: it reads images, or holds no tokenizer.
  init(model: CompiledModel) throws(Diagnostic) {
    self.model = model
    guard model.description.input.holdsTokens else {
      throw Diagnostic(
        "the model reads images, not texts", at: .file(model.path),
        hint: "'vitc compile FOLDER --tower text' makes the library of a text tower")
    }
    guard model.model.hasTokenizer else {
      throw Diagnostic(
        "the library holds no tokenizer", at: .file(model.path),
        hint: "give the ids of the texts with --ids; a folder that has the tokenizer's files is "
          + "compiled with it")
    }
  }

  /// The texts that arguments mean: each of `--text`, and the lines of a file, `-` for standard
  /// input.
  static func texts(_ given: [String], file: String?) throws(Diagnostic) -> [String] {
    guard let file else { return given }
    let isInput = file == "-"
    let text = try TextFile.text(
      isInput ? TextFile.standardInput() : TextFile.bytes(file), isInput ? "standard input" : file)
    // By scalars: `\r\n` is one character of Swift's.
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.last == "\r" ? $0.dropLast() : $0 }
    if lines.last?.isEmpty == true { lines.removeLast() }
    guard !lines.isEmpty else {
      throw Diagnostic("there is no text", at: .file(isInput ? "standard input" : file))
    }
    return given + lines.map { String($0) }
  }

  /// The ids of texts; what is cut is told.
  func ids(_ texts: [String]) throws(Diagnostic) -> [Int32] {
    var ids: [Int32] = []
    var cut: [String] = []
    for text in texts {
      let tokens = try CompiledModel.telling(model.path) { try model.model.tokenize(text) }
      if tokens.isTruncated { cut.append(text) }
      ids += tokens.ids
    }
    if let first = cut.first {
      Console.tell(
        Diagnostic(
          "\(cut.count) of \(texts.count) texts are longer than the "
            + "\(model.description.input.elements) tokens that the model reads, and are cut: "
            + "'\(Format.beginning(first))'", severity: .warning, at: .argument("--text")))
    }
    return ids
  }

  /// Runs texts and prints the outputs.
  func print(_ texts: [String], isJSON: Bool) throws(Diagnostic) {
    let tensors = model.description.outputs
    let values = try ids(texts).map { Float($0) }
    let results = try BatchRun(model: model).run(
      values, ImageBatch(count: texts.count, size: 0), outputs: tensors.map(\.name))
    let blocks = texts.enumerated().map { index, text in
      var own: [String: [Float]] = [:]
      for tensor in tensors {
        let start = index * tensor.elements
        own[tensor.name] = Array((results[tensor.name] ?? [])[start..<start + tensor.elements])
      }
      return isJSON
        ? ValueRun.json(text, own, tensors, key: "text") : ValueRun.text(text, own, tensors)
    }
    Swift.print(
      isJSON ? "[\n" + blocks.joined(separator: ",\n") + "\n]\n" : blocks.joined(), terminator: "")
  }
}
