import ArgumentParser
import Compiler
import Diagnostics
import Models
import Photos

/// The options of `vitc compile` about a head that is not the checkpoint's.
struct HeadOptions: ParsableArguments {
  @Option(help: "'none' leaves out the classification head.")
  var head: String?

  @Option(
    help: ArgumentHelp(
      """
      A safetensors file with another head: a weight [K, D] and, if there is one, a bias [K], \
      whatever their names; labels in the metadata, as 'vitc fit-head' writes it.
      """, valueName: "file"))
  var headFile: String?

  @Option(
    help: ArgumentHelp(
      """
      A folder with a folder of photos for each class: a head for these classes is fitted to the \
      features that the compiled model makes of them.
      """, valueName: "folder"))
  var fitHead: String?

  @Option(
    help: ArgumentHelp(
      "What --fit-head takes as features: class (the output 'features'), mean (of the patches) or "
        + "class+mean.", valueName: "kind"))
  var fitFeatures: SuppliedHead.Features?

  @Option(help: "How many photos of each class --fit-head takes (default: all).")
  var fitShots: Int?

  @Option(help: "What draws the photos of --fit-shots.")
  var fitSeed: UInt64?

  @Option(
    name: .customLong("fit-l2"),
    help: """
      The strength of the regularization of --fit-head; 1024 is the paper's (default: chosen by \
      leave-one-out).
      """)
  var fitL2: Double?

  @Option(
    help: ArgumentHelp(
      "A folder like that of --fit-head, of photos to try the head on.", valueName: "folder"))
  var fitTest: String?

  @Option(
    help: ArgumentHelp(
      "A folder for what --fit-head found: report.json, confusion.svg, reliability.svg.",
      valueName: "folder"))
  var fitReport: String?

  @Option(
    help: ArgumentHelp(
      """
      A text with the name of a class a line: images are compared with texts, as CLIP and SigLIP \
      are made for. The model's text tower makes their vectors.
      """, valueName: "file"))
  var classes: String?

  @Option(
    help: ArgumentHelp(
      """
      What a class of --classes becomes a text by, with {} for its name; may be repeated: vectors \
      are averaged then (default: "a photo of a {}.").
      """, valueName: "text"))
  var prompt: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      An .npy array [classes, width] with the vector that the model's text tower makes of each \
      class of --classes, made elsewhere; of any length. Scale, bias and scores are the \
      checkpoint's.
      """, valueName: "file"))
  var textVectors: String?

  func validate() throws {
    if let head, head != "none" {
      throw ValidationError("invalid value '\(head)' for --head, expected 'none'.")
    }
    let given = [
      head.map { _ in "--head none" }, headFile.map { _ in "--head-file" },
      fitHead.map { _ in "--fit-head" }, classes.map { _ in "--classes" },
    ].compactMap(\.self)
    guard given.count <= 1 else {
      throw ValidationError("At most one of \(given.joined(separator: ", ")) may stand.")
    }
    if classes == nil,
      let option = textVectors.map({ _ in "--text-vectors" })
        ?? prompt.first.map({ _ in "--prompt" })
    {
      throw ValidationError("\(option) requires --classes.")
    }
    if textVectors != nil, !prompt.isEmpty {
      throw ValidationError("--prompt cannot stand with --text-vectors, which are made already.")
    }
    if let wrong = prompt.first(where: { !$0.contains(Prompts.place) }) {
      throw ValidationError(
        "--prompt '\(wrong)' has no {}, the place of a class's name; for example "
          + "'\(Prompts.standard)'.")
    }
    if fitHead == nil {
      let options = [
        (fitFeatures != nil, "--fit-features"), (fitShots != nil, "--fit-shots"),
        (fitSeed != nil, "--fit-seed"), (fitL2 != nil, "--fit-l2"), (fitTest != nil, "--fit-test"),
        (fitReport != nil, "--fit-report"),
      ].filter(\.0).map(\.1)
      if let option = options.first { throw ValidationError("\(option) requires --fit-head.") }
    }
    try Self.check(shots: fitShots, seed: fitSeed, l2: fitL2, prefix: "--fit-")
  }

  /// Throws where numbers are not possible.
  static func check(shots: Int?, seed: UInt64?, l2: Double?, prefix: String) throws {
    if let shots, shots < 1 {
      throw ValidationError("\(prefix)shots must be 1 or more, found \(shots).")
    }
    if seed != nil, shots == nil {
      throw ValidationError("\(prefix)seed requires \(prefix)shots.")
    }
    if let l2, !(l2 > 0 && l2.isFinite) {
      throw ValidationError("\(prefix)l2 must be above 0, found \(l2).")
    }
  }

  /// The files and folders that are read.
  var inputs: [String] { [headFile, fitHead, fitTest, classes, textVectors].compactMap(\.self) }

  /// The texts that images are compared with; `nil`: none.
  ///
  /// - Parameters:
  ///   - model: the model to compile, and what is said of its weights.
  ///   - output: a path; unfinished files are put beside it.
  func textClasses(
    _ model: String, weights: String?, ignoredTensors: [String], beside output: String
  ) throws(Diagnostic) -> TextClasses? {
    guard let classes else { return nil }
    if let textVectors { return try ClassFile.classes(classes, vectors: textVectors) }
    let labels = try ClassFile.names(classes)
    return try Prompts(model: model, weights: weights, ignoredTensors: ignoredTensors).classes(
      labels, templates: prompt.isEmpty ? [Prompts.standard] : prompt, beside: output)
  }

  /// What is to be fitted; `nil`: nothing.
  func request() throws(Diagnostic) -> HeadFitRequest? {
    guard let fitHead else { return nil }
    return try Self.request(
      fitHead, shots: fitShots, seed: fitSeed, l2: fitL2, reads: fitFeatures, test: fitTest)
  }

  /// Reads the folders; what should be told of them is told.
  static func request(
    _ folder: String, shots: Int?, seed: UInt64?, l2: Double?, reads: SuppliedHead.Features?,
    test: String?
  ) throws(Diagnostic) -> HeadFitRequest {
    var request = HeadFitRequest(photos: try PhotoClasses(folder))
    request.shots = shots
    request.seed = seed ?? 0
    request.l2 = l2
    request.reads = reads ?? .token
    if let test { request.test = try PhotoClasses(test) }
    for warning in request.photos.warnings + (request.test?.warnings ?? []) {
      Console.tell(warning)
    }
    return request
  }
}

extension SuppliedHead.Features: ExpressibleByArgument {}
