import ArgumentParser
import Diagnostics
import JSON
import VitRuntime

/// `vitc run PHOTO …`: labels and their scores.
struct PhotoRun {
  /// What is known about one photo.
  struct Answer: Encodable {
    /// The photo's path.
    let file: String
    /// What made the scores of the logits: `softmax`, `sigmoid` or `identity`.
    let scores: String
    /// The classes of the highest scores, the highest first.
    let predictions: [Prediction]
  }

  private let model: CompiledModel
  private let top: Int
  private let labels: [String]
  private let function: VitDescription.ScoreFunction
  private let isJSON: Bool
  private let orients: Bool
  private let classes: Int

  /// The output that labels are made from.
  private static let scores = "logits"
  /// Photos that are decoded before they are run together: enough that every thread has one.
  private static let batch = 32
  /// Labels printed for each photo if not said.
  private static let defaultTop = 5

  /// Finds the class scores and their labels.
  ///
  /// Errors: the model cannot preprocess photos or has no output 'logits'; the label file is
  /// wrong.
  init(
    model: CompiledModel, top: Int?, labelFile: String?, isJSON: Bool, orients: Bool = false
  ) throws(Diagnostic) {
    self.model = model
    self.orients = orients
    self.isJSON = isJSON
    if let reason = model.extras["preprocessingRefusal"]?.string {
      throw Diagnostic(
        "photos cannot be preprocessed: \(reason)", at: .file(model.path),
        hint: "preprocess them as the checkpoint's library does, and run arrays with --input")
    }
    let outputs = model.description.outputs
    guard let logits = outputs.first(where: { $0.name == Self.scores }) else {
      throw Diagnostic(
        "the model has no class scores", at: .file(model.path),
        notes: ["outputs: \(outputs.map(\.name).joined(separator: ", "))"],
        hint: "use --input and --output for features, or compile a checkpoint with a head")
    }
    guard model.extras["logits"]?.string != "embedding" else {
      throw Diagnostic(
        "its logits are the projection of an image encoder, an embedding of \(logits.elements) "
          + "numbers to compare with those of texts: there are no classes", at: .file(model.path),
        hint: "take the embedding with --input and --output; if it is a head of your own, compile "
          + "with --scores, such as --scores softmax")
    }
    classes = logits.elements
    // Libraries that do not say were compiled when there was only this.
    function = model.description.scores ?? .softmax
    self.top = min(top ?? Self.defaultTop, classes)
    labels =
      if let labelFile { try Labels.read(labelFile, classes: classes) } else { model.labels }
  }

  /// Classifies photos and prints the answers; what cannot be read is told, and the others go on.
  func run(_ arguments: [String]) throws {
    let list = try PhotoList(arguments)
    let paths = list.paths
    for diagnostic in list.skipped { Console.tell(diagnostic) }
    let progress = ProgressLine("classifying")
    defer { progress.finish() }
    var answers: [Answer] = []
    var failures = list.skipped.count
    for start in stride(from: 0, to: paths.count, by: Self.batch) {
      let end = min(start + Self.batch, paths.count)
      var files: [String] = []
      var images: [Float] = []
      for path in paths[start..<end] {
        do throws(Diagnostic) {
          images += try model.preprocess(path, orients: orients)
          files.append(path)
        } catch {
          failures += 1
          Console.tell(error)
        }
      }
      guard !files.isEmpty else { continue }
      let results = try BatchRun(model: model)
        .run(images, count: files.count, outputs: [Self.scores])[Self.scores]
      for (index, file) in files.enumerated() {
        do throws(Diagnostic) {
          answers.append(try answer(file, results ?? [], index))
        } catch {
          failures += 1
          Console.tell(error)
        }
      }
      progress.update(fraction: Double(end) / Double(paths.count))
    }
    progress.finish()
    try print(answers)
    if failures > 0 { throw ExitCode.failure }
  }

  /// Errors: a logit is NaN or infinite, which is not an answer.
  private func answer(
    _ file: String, _ results: [Float], _ index: Int
  ) throws(Diagnostic) -> Answer {
    let logits = Array(results[index * classes..<(index + 1) * classes])
    if let wrong = BatchRun.nonFinite(logits, of: Self.scores) {
      throw Diagnostic(wrong, at: .file(file), hint: BatchRun.nonFiniteHint)
    }
    return Answer(
      file: file, scores: function.rawValue,
      predictions: Prediction.top(top, logits: logits, by: function, labels: labels))
  }

  private func print(_ answers: [Answer]) throws(Diagnostic) {
    if isJSON { return try JSONValue.print(answers) }
    Swift.print(Self.text(answers, top: top), terminator: "")
  }

  /// The answers for people: a line each if only one label is wanted, otherwise a block each.
  static func text(_ answers: [Answer], top: Int) -> String {
    if top == 1 {
      var table = TextTable([.left, .left, .right])
      for answer in answers {
        for prediction in answer.predictions {
          table.add([answer.file, prediction.label, prediction.text])
        }
      }
      return table.text()
    }
    return answers.map { answer in
      var table = TextTable([.left, .right])
      for prediction in answer.predictions {
        table.add([prediction.label, prediction.text])
      }
      return "\(PlainText.escaped(answer.file))\n" + table.text(indentation: 2)
    }.joined()
  }
}
