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

  private let model: PhotoLibrary
  private let top: Int
  private let labels: [String]
  private let function: VitDescription.ScoreFunction
  private let isJSON: Bool
  private let classes: Int
  /// The output that labels are made from.
  private let output: String

  /// Labels printed for each photo if not said.
  private static let defaultTop = 5

  /// Finds the class scores and their labels.
  ///
  /// Errors: the model has no output 'logits', or it is no scores of classes; the label file is
  /// wrong.
  init(
    model: PhotoLibrary, top: Int?, labelFile: String?, isJSON: Bool
  ) throws(Diagnostic) {
    self.model = model
    self.isJSON = isJSON
    let outputs = model.model.description.outputs
    guard let logits = model.model.logits else {
      throw Diagnostic(
        "the model has no class scores", at: .file(model.model.path),
        notes: ["outputs: \(outputs.map(\.name).joined(separator: ", "))"],
        hint: "without --top and --labels the values are printed; 'vitc embed' writes those of "
          + "many photos")
    }
    guard model.model.hasClasses else {
      throw Diagnostic(
        "its logits are the projection of an image encoder, an embedding of \(logits.elements) "
          + "numbers to compare with those of texts: there are no classes",
        at: .file(model.model.path),
        hint: "without --top and --labels the values are printed; if it is a head of your own, "
          + "compile with --scores, such as --scores softmax")
    }
    output = logits.name
    classes = logits.elements
    // Libraries that do not say were compiled when there was only this.
    function = model.model.description.scores ?? .softmax
    self.top = min(top ?? Self.defaultTop, classes)
    labels =
      if let labelFile {
        try Labels.read(labelFile, classes: classes)
      } else {
        model.model.labels
      }
  }

  /// Classifies photos and prints the answers; what cannot be read is told, and the others go on.
  ///
  /// - Parameter overlays: draws what the model looked at.
  func run(_ list: PhotoList, overlays: PhotoOverlays?) throws {
    var answers: [Answer] = []
    let outputs = [output] + (overlays.map { [$0.output] } ?? [])
    let failures = try model.run(list, "classifying", outputs: outputs) {
      (file, made) throws(Diagnostic) in
      try overlays?.add(file, made)
      answers.append(answer(file, made.values[output] ?? []))
    }
    try overlays?.finish()
    try print(answers)
    if failures > 0 { throw ExitCode.failure }
  }

  private func answer(_ file: String, _ logits: [Float]) -> Answer {
    Answer(
      file: file, scores: function.rawValue,
      predictions: Prediction.top(top, logits: logits, by: function, labels: labels))
  }

  private func print(_ answers: [Answer]) throws(Diagnostic) {
    if isJSON { return try JSONValue.print(answers) }
    Swift.print(Self.text(answers, top: top), terminator: "")
  }

  /// The answers for people: a line each if only one label is wanted, otherwise a block each, which
  /// says what makes the scores.
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
      return "\(PlainText.escaped(answer.file)) (\(answer.scores))\n" + table.text(indentation: 2)
    }.joined()
  }
}
