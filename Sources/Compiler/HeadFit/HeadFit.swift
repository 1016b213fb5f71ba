import Diagnostics
import HeadFitting
import Models
import Photos

/// Fits a head to the features that a compiled model makes of photos.
public struct HeadFit {
  /// Hears the part of the photos that is done.
  public typealias Progress = (_ stage: String, _ fraction: Double) -> Void

  private let request: HeadFitRequest
  private let model: PhotoModel
  private let outputs: [String]
  private let row: @Sendable ([String: [Float]]) -> [Float]

  /// A class with fewer photos is warned of: the number that the paper's figures begin at.
  private static let fewPhotos = 5
  /// Photos to look at again.
  private static let suspectCount = 10
  /// Files that a warning names.
  private static let named = 3

  /// Describes a fit.
  ///
  /// - Parameters:
  ///   - request: The photos and the options.
  ///   - model: The model that makes the features.
  ///   - outputs: The outputs that `row` reads.
  ///   - row: Makes the features of a photo from the outputs.
  public init(
    _ request: HeadFitRequest, _ model: PhotoModel, outputs: [String],
    row: @escaping @Sendable ([String: [Float]]) -> [Float]
  ) {
    self.request = request
    self.model = model
    self.outputs = outputs
    self.row = row
  }

  /// Throws where photos cannot make a classifier, before any is run.
  public static func check(_ request: HeadFitRequest) throws(Diagnostic) {
    let names = request.photos.classes.map(\.name)
    guard names.count > 1 else {
      throw Diagnostic(
        "found one class, '\(names.first ?? "")', expected two or more",
        at: .file(request.photos.folder),
        hint: "a classifier tells classes apart: make a folder for each, also for what is none of "
          + "them")
    }
    guard let test = request.test else { return }
    for found in test.classes where !names.contains(found.name) {
      throw Diagnostic(
        "no class '\(found.name)' is fitted to", at: .file(test.folder),
        hint: Suggestion.hint(for: found.name, in: names)
          ?? "test folders have the names of those that are fitted to")
    }
  }

  /// Runs the photos and fits.
  ///
  /// Errors: what ``check(_:)`` finds; a class of which no photo can be used; what ``FittedHead``
  /// reports.
  ///
  /// - Returns: the head, whose source is the folder of photos, and what was found.
  public func run(
    progress: Progress = { _, _ in }
  ) throws(Diagnostic) -> (head: SuppliedHead, report: HeadReport) {
    try Self.check(request)
    let names = request.photos.classes.map(\.name)
    var photos = request.photos.photos
    if request.shots != nil {
      photos = PhotoFeatures.drawn(photos, classes: names.count, seed: request.seed)
    }
    let found = PhotoFeatures(
      photos, classes: names.count, shots: request.shots, model: model, outputs: outputs, row: row
    ) { progress("run photos", $0) }
    try checkClasses(found, names)
    let width = found.features.count / max(1, found.labels.count)
    let samples = Samples(
      features: found.features, labels: found.labels, width: width, classes: names.count)
    progress("fit the head", 0)
    let fitted: FittedHead
    do throws(Diagnostic) {
      fitted = try FittedHead(samples, l2: request.l2)
    } catch {
      var located = error
      located.location = located.location ?? .file(request.photos.folder)
      throw located
    }
    let test = try test(fitted.head, names, progress)
    let head = SuppliedHead(
      weight: fitted.head.weight.map { Float($0) }, bias: fitted.head.bias.map { Float($0) },
      width: width, labels: names, reads: request.reads, scores: .softmax,
      source: request.photos.folder)
    return (head, report(fitted, samples, found, test, names))
  }

  private func checkClasses(_ found: PhotoFeatures, _ names: [String]) throws(Diagnostic) {
    for (label, name) in names.enumerated() where !found.labels.contains(label) {
      let reasons = found.skipped.map { "\(PlainText.escaped($0.path)): \($0.reason)" }
      throw Diagnostic(
        "none of the photos of class '\(name)' can be used", at: .file(request.photos.folder),
        notes: ShortList.lines(reasons))
    }
  }

  private func test(
    _ head: LinearHead, _ names: [String], _ progress: Progress
  ) throws(Diagnostic) -> (score: HeadReport.Score, skipped: [(path: String, reason: String)])? {
    guard let test = request.test else { return nil }
    let labels = test.classes.map { found in names.firstIndex(of: found.name) ?? 0 }
    let photos = test.photos.map { (path: $0.path, label: labels[$0.label]) }
    let found = PhotoFeatures(
      photos, classes: names.count, shots: nil, model: model, outputs: outputs, row: row
    ) { progress("run test photos", $0) }
    guard !found.labels.isEmpty else {
      throw Diagnostic("none of the test photos can be used", at: .file(test.folder))
    }
    let score = HeadReport.Score(
      logits: head.scores(of: found.features), labels: found.labels, names: names)
    return (score, test.skipped + found.skipped)
  }

  private func report(
    _ fitted: FittedHead, _ samples: Samples, _ found: PhotoFeatures,
    _ test: (score: HeadReport.Score, skipped: [(path: String, reason: String)])?,
    _ names: [String]
  ) -> HeadReport {
    let out = fitted.leaveOneOut
    let hasPairs = samples.counts.contains { $0 > 1 }
    let order = out.labels.indices.sorted { (out.margin(of: $0), $0) < (out.margin(of: $1), $1) }
    let skipped = request.photos.skipped + found.skipped + (test?.skipped ?? [])
    return HeadReport(
      classes: zip(names, samples.counts).map { .init(name: $0, photos: $1) },
      features: request.reads.rawValue, width: samples.width, l2: fitted.l2,
      isChosen: request.l2 == nil && hasPairs, temperature: fitted.temperature,
      leaveOneOut: hasPairs
        ? HeadReport.Score(
          logits: out.scores.map { $0 * fitted.temperature }, labels: out.labels, names: names)
        : nil,
      test: test?.score,
      suspects: !hasPairs
        ? []
        : order.prefix(Self.suspectCount).map { index in
          HeadReport.Suspect(
            file: found.paths[index], class: names[out.labels[index]],
            takenFor: names[out.predictions[index]], margin: out.margin(of: index))
        },
      warnings: warnings(fitted, samples, found, names, hasPairs: hasPairs),
      skipped: skipped.map { .init(file: $0.path, reason: $0.reason) })
  }

  private func warnings(
    _ fitted: FittedHead, _ samples: Samples, _ found: PhotoFeatures, _ names: [String],
    hasPairs: Bool
  ) -> [String] {
    var warnings: [String] = []
    let few = zip(names, samples.counts).filter { $0.1 < Self.fewPhotos }
    if !few.isEmpty {
      warnings.append(
        "fewer than \(Self.fewPhotos) photos: "
          + ShortList.text(few.map { "'\($0.0)' has \($0.1)" }))
    }
    if !hasPairs {
      warnings.append(
        "with one photo of a class nothing can be said of accuracy, and probabilities are a guess")
    } else if !fitted.isCalibrated {
      warnings.append(
        "leave-one-out is no better than chance: the features do not tell the classes apart, and "
          + "probabilities are a guess")
    }
    let groups = EqualFiles.groups(found.paths)
    let isTorn = { (group: [Int]) in Set(group.map { found.labels[$0] }).count > 1 }
    for group in groups.filter(isTorn).prefix(ShortList.limit) {
      warnings.append(
        "one picture in two classes: "
          + ShortList.text(group.map { "'\(found.paths[$0])'" }))
    }
    let copies = groups.filter { !isTorn($0) }
    if !copies.isEmpty {
      let count = copies.reduce(0) { $0 + $1.count - 1 }
      let names = copies.prefix(Self.named).map { "'\(found.paths[$0[1]])'" }
      warnings.append(
        "\(count == 1 ? "one photo is a copy" : "\(count) photos are copies") of others of the "
          + "class, which makes leave-one-out too good: \(names.joined(separator: ", "))"
          + (copies.count > Self.named ? ", …" : ""))
    }
    if !found.skipped.isEmpty {
      warnings.append(
        "\(found.skipped.count == 1 ? "one photo" : "\(found.skipped.count) photos") cannot be "
          + "used: " + ShortList.text(found.skipped.map { "'\($0.path)' (\($0.reason))" }))
    }
    return warnings
  }
}
