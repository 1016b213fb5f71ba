import Diagnostics
import Files
import FoundationEssentials
import JSON
import VitRuntime

/// The files that a job writes, with its index where it can be resumed.
final class EmbedJob {
  /// The paths of the photos that have rows, in order.
  let photos: StoredTexts
  /// Photos that cannot be used.
  private(set) var skipped: SkippedFiles
  /// How many of those were tried to be read.
  private(set) var failures = 0
  /// The paths of the photos that were done before, with a row or without.
  private(set) var done: TextSorter

  private let files: [RowFile]
  private let index: EmbedIndex?
  private let job: JSONValue

  /// Begins or goes on.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - targets: The files.
  ///   - orients: Whether photos are turned as their EXIF data says.
  ///   - resumes: Whether to go on with what an interrupted job left, if it left something.
  ///   - space: Where paths are put.
  ///   - skipped: Files that are no photos, to which photos are added that cannot be used.
  ///
  /// Errors: a target that cannot be resumed; what ``EmbedIndex`` and ``RowFile`` report.
  init(
    _ model: CompiledModel, _ targets: [RowTarget], orients: Bool, resumes: Bool,
    _ space: ScratchSpace, skipped: SkippedFiles
  ) throws(Diagnostic) {
    photos = StoredTexts(space)
    done = TextSorter(space, by: .bytes)
    self.skipped = skipped
    job = Self.description(model, targets, orients)
    if resumes, let target = targets.first(where: { !$0.isResumable }) {
      throw Diagnostic(
        target.path == nil
          ? "what goes to standard output cannot be resumed" : "an archive cannot be resumed",
        at: .argument("--resume"), hint: "write .npy or .jsonl files")
    }
    guard targets.allSatisfy(\.isResumable), let first = targets.first?.path else {
      index = nil
      files = try Self.new(targets, isForgotten: true)
      return
    }
    guard EmbedIndex.exists(for: first) else {
      // The index comes first: an unfinished file is never without one.
      let index = try EmbedIndex(beginning: job, for: first)
      do throws(Diagnostic) {
        files = try Self.new(targets, isForgotten: false)
      } catch {
        index.remove()
        throw error
      }
      self.index = index
      return
    }
    guard resumes else { throw RowFile.unfinished("\(first).partial") }
    let sizes = targets.map { RegularFile.size(($0.path ?? "") + ".partial") }
    // Properties cannot be changed by closures before all are set.
    var (known, failed, count) = (done, skipped, 0)
    let index = try EmbedIndex(resuming: job, for: first, sizes: sizes) {
      [photos] (line) throws(Diagnostic) in
      switch line {
      case .row(let path):
        try photos.append(path)
        try known.append(path)
      case .skipped(let path, let reason):
        try failed.add(path, reason)
        try known.append(path)
        count += 1
      }
    }
    done = known
    self.skipped = failed
    failures = count
    self.index = index
    let state = index.state
    files = try targets.indices.map { (number) throws(Diagnostic) in
      let target = targets[number]
      if sizes[number] == nil {
        guard state.isComplete, let path = target.path, RegularFile.size(path) != nil else {
          guard state.bytes == nil else {
            throw Diagnostic(
              "the unfinished file is not there", at: .file((target.path ?? "") + ".partial"),
              hint: "remove '\(EmbedIndex.path(of: first))' and begin again")
          }
          return try RowFile(target, isForgotten: false)
        }
        return RowFile(finished: target)
      }
      // Before the first row there may be half a header.
      guard let bytes = state.bytes?[number] else {
        try? FileManager.default.removeItem(atPath: (target.path ?? "") + ".partial")
        return try RowFile(target, isForgotten: false)
      }
      return try RowFile(target, isForgotten: false, keeping: bytes)
    }
  }

  /// Begins all files, or none.
  private static func new(
    _ targets: [RowTarget], isForgotten: Bool
  ) throws(Diagnostic) -> [RowFile] {
    var files: [RowFile] = []
    do throws(Diagnostic) {
      for target in targets { files.append(try RowFile(target, isForgotten: isForgotten)) }
    } catch {
      for file in files { file.discard() }
      throw error
    }
    return files
  }

  /// What a job makes: the first line of its index, and what ``RowNotes`` are made of.
  private static func description(
    _ model: CompiledModel, _ targets: [RowTarget], _ orients: Bool
  ) -> JSONValue {
    .object([
      "vitc": .string("embed 1"),
      "weights": .string(model.description.weightsHash),
      "orient": .bool(orients),
      "outputs": .array(
        targets.map { target in
          .array(
            target.tensors.map {
              .array([.string($0.name), .array($0.shape.map { .integer($0) })])
            })
        }),
      "files": .array(targets.map { .string("\($0.form.rawValue) \($0.path ?? "")") }),
    ])
  }

  /// Writes what was made of a photo.
  func add(_ photo: String, _ values: [String: [Float]]) throws(Diagnostic) {
    for file in files { try file.append(photo, values) }
    try photos.append(photo)
    try index?.add(row: photo, bytes: files.map(\.bytes))
  }

  /// Notes that a photo cannot be used.
  func skip(_ photo: String, _ reason: String) throws(Diagnostic) {
    try skipped.add(photo, reason)
    failures += 1
    try index?.add(skipped: photo, reason: reason)
  }

  /// Gives the files their names, with the paths of their photos beside each array.
  func finish(_ model: CompiledModel) throws(Diagnostic) {
    for file in files { try file.close() }
    try index?.complete()
    for file in files {
      if let path = file.target.path, file.target.form == .array {
        try RowNotes(
          library: model.path, weights: model.description.weightsHash,
          model: model.description.model, output: file.target.tensors.first?.name ?? ""
        ).write(beside: path, photos: photos)
      }
      try file.publish(photos)
    }
    index?.remove()
  }

  /// Removes everything: of no photo a row could be made.
  func abandon() {
    for file in files { file.discard() }
    index?.remove()
  }
}
