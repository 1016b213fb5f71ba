import Compiler
import Diagnostics
import Files
import Models
import Tokenizers

/// Makes vectors of the names of classes, by the text tower of the model's own folder.
///
/// Each template makes a text of a name; the texts' vectors are divided by their lengths, averaged
/// over the templates, and divided by their length again (Radford et al. 2021, arXiv 2103.00020,
/// 3.1.4, and the notebooks of its code).
struct Prompts {
  /// What is replaced by the name of a class.
  static let place = "{}"
  /// Without `--prompt`: what CLIP's paper takes for photos.
  static let standard = "a photo of a {}."

  private let folder: String
  private let weights: String?
  private let ignoredTensors: [String]

  /// Creates a maker of vectors.
  ///
  /// - Parameters:
  ///   - model: the folder with both towers.
  ///   - weights: a checkpoint elsewhere; `nil`: the folder's own.
  init(model: String, weights: String?, ignoredTensors: [String]) throws(Diagnostic) {
    guard Path.kind(of: model) == .folder else {
      throw Diagnostic(
        "'\(model)' is not a model folder, so there is no text tower", at: .argument("--classes"),
        hint: "'--text-vectors' takes vectors that were made elsewhere")
    }
    (folder, self.weights, self.ignoredTensors) = (model, weights, ignoredTensors)
  }

  /// The classes with their vectors.
  ///
  /// - Parameters:
  ///   - templates: texts with a `{}`.
  ///   - output: a path; unfinished files are put beside it.
  /// - Throws: what reading the tower or the tokenizer throws, and what running the tower throws.
  func classes(
    _ labels: [String], templates: [String], beside output: String
  ) throws(Diagnostic) -> TextClasses {
    let line = ProgressLine("texts \(PlainText.escaped(folder))")
    defer { line.finish() }
    let encoder = try TextEncoder(
      folder: folder, weights: weights, ignoredTensors: ignoredTensors)
    let tokenizer = try Tokenizer(folder: folder, length: encoder.text.positions)
    var rows: [[Int32]] = []
    var cut: [String] = []
    for label in labels {
      for template in templates {
        let text = template.replacing(Self.place, with: label)
        let tokens = try tokenizer.tokens(text)
        if tokens.isTruncated { cut.append(text) }
        rows.append(
          encoder.text.mayBeCut ? tokens.numbers : tokenizer.padded(tokens.numbers))
      }
    }
    if let first = cut.first {
      Console.tell(
        Diagnostic(
          "\(cut.count) of \(rows.count) texts are longer than the \(tokenizer.length) tokens that "
            + "the text tower reads, and are cut: '\(Format.beginning(first))'", severity: .warning,
          at: .argument("--classes")))
    }
    warnOfEqual(labels, rows, each: templates.count)
    let vectors = try encoder.vectors(of: rows, beside: output) { stage, fraction in
      line.update(stage, fraction: fraction > 0 ? fraction : nil)
    }
    let means = (0..<labels.count).map { index in
      Self.mean(vectors[index * templates.count..<(index + 1) * templates.count])
    }
    return TextClasses(labels: labels, vectors: means.flatMap(\.self), source: folder)
  }

  /// Tells of classes whose texts are the same to the tower: CLIP's tokenizer makes no difference
  /// of capitals, and what is cut is not read.
  private func warnOfEqual(_ labels: [String], _ rows: [[Int32]], each count: Int) {
    var seen: [[Int32]: Int] = [:]
    var pairs: [String] = []
    for index in labels.indices {
      let tokens = rows[index * count..<(index + 1) * count].flatMap(\.self)
      if let first = seen[tokens] {
        pairs.append(
          "'\(Format.beginning(labels[first]))' and '\(Format.beginning(labels[index]))'")
      } else {
        seen[tokens] = index
      }
    }
    guard !pairs.isEmpty else { return }
    Console.tell(
      Diagnostic(
        "classes whose texts are the same tokens share a score: \(ShortList.text(pairs))",
        severity: .warning, at: .argument("--classes")))
  }

  /// The mean of vectors of length 1, in double precision.
  static func mean(_ vectors: ArraySlice<[Float]>) -> [Float] {
    var sum = [Double](repeating: 0, count: vectors.first?.count ?? 0)
    for vector in vectors {
      let length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      for (index, value) in vector.enumerated() { sum[index] += Double(value) / length }
    }
    return sum.map { Float($0 / Double(vectors.count)) }
  }
}
