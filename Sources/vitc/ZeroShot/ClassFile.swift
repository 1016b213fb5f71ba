import Compiler
import Diagnostics
import Npy

/// The files of `--classes` and `--text-vectors`.
enum ClassFile {
  /// More classes than any list of words has; their weights would be larger than most encoders.
  static let mostClasses = 100_000

  /// Reads names of classes: of the forms that ``Labels`` knows.
  ///
  /// Errors, at `.file(path)`: what ``Labels`` reports; no name, a name twice, too many.
  static func names(_ path: String) throws(Diagnostic) -> [String] {
    let names = try Labels.names(path)
    guard !names.isEmpty else {
      throw Diagnostic(
        "there is no name of a class", at: .file(path), hint: "write one name a line")
    }
    guard names.count <= mostClasses else {
      throw Diagnostic(
        "found \(names.count) classes, expected \(mostClasses) at most", at: .file(path),
        hint: "to search among more texts, compile the features and compare their vectors")
    }
    var seen: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      if let first = seen.updateValue(index, forKey: name) {
        throw Diagnostic(
          "the class '\(name)' is there twice: it is the \(first + 1). and the \(index + 1). name",
          at: .file(path), hint: "two classes of one text would share its score")
      }
    }
    return names
  }

  /// Reads classes and their vectors: an array `[classes, width]`.
  ///
  /// Errors, at `.file(vectors)`: another shape, a number that is not finite, a vector of zeros.
  static func classes(_ path: String, vectors: String) throws(Diagnostic) -> TextClasses {
    let labels = try names(path)
    let array = try NpyArray(path: vectors)
    guard array.shape.count == 2, array.shape[0] == labels.count, array.shape[1] > 0 else {
      throw Diagnostic(
        "found an array \(array.shape), expected [\(labels.count), width]: a vector for each class "
          + "of \(path)", at: .file(vectors),
        hint: "rows are in the order of the names")
    }
    let width = array.shape[1]
    for (row, label) in labels.enumerated() {
      let vector = array.values[row * width..<(row + 1) * width]
      guard vector.allSatisfy(\.isFinite) else {
        throw Diagnostic(
          "the vector of '\(label)', row \(row), has a number that is NaN or infinite",
          at: .file(vectors))
      }
      guard vector.contains(where: { $0 != 0 }) else {
        throw Diagnostic("the vector of '\(label)', row \(row), is zero", at: .file(vectors))
      }
    }
    return TextClasses(labels: labels, vectors: array.values, source: vectors)
  }
}
