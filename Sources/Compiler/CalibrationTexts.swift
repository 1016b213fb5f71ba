import Diagnostics
import IR
import Models
import Tokenizers

/// What a calibration of a text tower sees: the ids of texts, by the folder's own tokenizer.
///
/// Where nothing behind a text's end has an influence, the texts that follow take the place of
/// padding: rounding is to suit the rows that a vector depends on, and most rows of a short text
/// would be of padding, which none depends on. The vector of a row of ids is that of its first
/// text.
struct CalibrationTexts {
  private let folder: String
  private let text: TextInput
  private let tokenizer: Tokenizer

  /// Reads the tokenizer of a folder.
  ///
  /// - Throws: what reading it throws.
  init(folder: String, _ text: TextInput) throws(Diagnostic) {
    (self.folder, self.text) = (folder, text)
    do {
      tokenizer = try Tokenizer(folder: folder, length: text.length)
    } catch {
      var fault = error
      fault.message = "texts cannot be calibrated with, as there is no tokenizer: \(error.message)"
      fault.hint = "copy the tokenizer's files of the model into its folder"
      throw fault
    }
  }

  /// Returns the ids of each text, as many as the tower reads.
  ///
  /// - Throws: a text that the tokenizer refuses, or that has a number outside of the vocabulary.
  func ids(of texts: [String]) throws(Diagnostic) -> [Tensor] {
    var rows: [[Int32]] = []
    for text in texts { rows.append(try tokenizer.tokens(text).numbers) }
    return try rows.indices.map { (index) throws(Diagnostic) in
      var row = rows[index]
      var next = index + 1
      while text.mayBeCut, row.count < text.length {
        row += rows[next % rows.count]
        next += 1
      }
      row = tokenizer.padded(Array(row.prefix(text.length)))
      if let wrong = row.first(where: { !(0..<text.vocabulary).contains(Int($0)) }) {
        throw Diagnostic(
          "the text '\(texts[index])' has the token \(wrong), expected 0 to "
            + "\(text.vocabulary - 1)", at: .argument("--calibrate"))
      }
      return Tensor(shape: [text.length], values: row.map { Float($0) })
    }
  }
}
