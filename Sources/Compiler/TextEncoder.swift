import Diagnostics
import IR
import Models
import Passes
import VitRuntime

/// Vectors of texts by the text tower of a folder with two towers, compiled for this machine.
///
/// A causal tower is compiled for the longest of the texts, as what follows end-of-text has no
/// influence; any other for as many tokens as it has positions.
public struct TextEncoder {
  private let folder: String
  private let weights: String?
  private let ignoredTensors: [String]
  private let whole: Model

  /// What it reads.
  public let text: TextInput
  /// How its vectors are compared with those of images.
  public let comparison: TextComparison

  /// Loads the tower.
  ///
  /// - Parameters:
  ///   - folder: of two towers; see `Model.loadText`.
  ///   - weights: a checkpoint elsewhere; `nil`: the folder's own.
  ///   - ignoredTensors: patterns of tensors that are treated as absent.
  /// - Throws: what loading throws; a checkpoint that does not say how vectors are compared.
  public init(
    folder: String, weights: String? = nil, ignoredTensors: [String] = []
  ) throws(Diagnostic) {
    let model = try Model.loadText(folder, weights: weights, ignoring: ignoredTensors)
    guard let text = model.text, let comparison = model.comparison else {
      throw Diagnostic(
        "the checkpoint has no 'logit_scale', so it does not say how texts and images are compared",
        at: .file(weights ?? folder))
    }
    (self.folder, self.weights, self.ignoredTensors) = (folder, weights, ignoredTensors)
    (whole, self.text, self.comparison) = (model, text, comparison)
  }

  /// Returns the vector of each text: projected, not normalized, as transformers'
  /// `get_text_features` and OpenCLIP's `encode_text` give it.
  ///
  /// - Parameters:
  ///   - rows: the tokens of each text, end-of-text included. Of a causal tower they may be of any
  ///     lengths; what is missing to the longest is filled up with the text's last token. Of any
  ///     other each has as many as there are positions.
  ///   - output: a path; unfinished files are put beside it.
  ///   - progress: hears the part that is done.
  /// - Throws: a text of a wrong length, a token that is not in the vocabulary, a text without
  ///   end-of-text; what compiling throws.
  public func vectors(
    of rows: [[Int32]], beside output: String = "",
    progress: @escaping Compiler.Progress = { _, _ in }
  ) throws(Diagnostic) -> [[Float]] {
    for (index, row) in rows.enumerated() { try check(row, index) }
    guard let longest = rows.map(\.count).max() else { return [] }
    progress("compile text tower", 0)
    let model =
      longest == text.length
      ? whole
      : try Model.loadText(
        folder, weights: weights, length: longest, ignoring: ignoredTensors)
    let graph = try PassManager(Pipeline.passes(for: .f32))
      .run(try model.graph(outputs: [.features])).graph
    let checkpoint = model.checkpoint
    let trial = TrialLibrary(model.configuration, beside: output, purpose: .file(folder))
    return try trial.use(
      graph, weights: { (name) throws(Diagnostic) in try checkpoint.read(name) },
      { library in
        let context = try library.makeContext()
        var vectors: [[Float]] = []
        vectors.reserveCapacity(rows.count)
        // As many as keep all threads busy by whole texts, and progress seen.
        let batch = 64
        for start in stride(from: 0, to: rows.count, by: batch) {
          let part = rows[start..<min(start + batch, rows.count)]
          let ids = part.flatMap { row in
            row + Array(repeating: row.last ?? 0, count: longest - row.count)
          }
          let found = try context.run(ids: ids, count: part.count)
          let width = found.count / part.count
          for index in 0..<part.count {
            vectors.append(Array(found[index * width..<(index + 1) * width]))
          }
          progress("run text tower", Double(vectors.count) / Double(rows.count))
        }
        return vectors
      })
  }

  /// Throws where a text cannot be run as it is meant.
  private func check(_ row: [Int32], _ index: Int) throws(Diagnostic) {
    func fault(_ message: String) -> Diagnostic {
      Diagnostic("text \(index): \(message)", at: .file(folder))
    }
    if text.mayBeCut {
      guard (1...text.positions).contains(row.count) else {
        throw fault("\(row.count) tokens, expected 1 to \(text.positions)")
      }
    } else if row.count != text.length {
      throw fault("\(row.count) tokens, expected \(text.length): texts are filled up to that")
    }
    if let wrong = row.first(where: { !(0..<text.vocabulary).contains(Int($0)) }) {
      throw fault("token \(wrong) is not in the vocabulary, 0 to \(text.vocabulary - 1)")
    }
    if let required = text.required, !row.contains(Int32(required)) {
      throw fault("there is no end-of-text, \(required)")
    }
  }
}
