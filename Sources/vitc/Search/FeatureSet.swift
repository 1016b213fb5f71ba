import Diagnostics
import Files
import Npy
import Photos
import VitRuntime

/// The features of photos: made by a library, or read from a file that `vitc embed` wrote.
struct FeatureSet {
  /// The photos' paths, row by row.
  private(set) var paths: [String] = []
  /// `[paths, width]`.
  private(set) var rows: [Float] = []
  /// The number of features of a photo.
  let width: Int
  /// What was left out, and why.
  private(set) var skipped = SkippedFiles()
  /// Where they come from.
  let source: String

  /// The output that is compared.
  struct Kind {
    /// The library.
    let library: PhotoLibrary
    /// The output's name.
    let output: String
    /// The number of its elements.
    let width: Int

    /// Takes the output of this name, or else `features`, or else the first.
    ///
    /// Errors: the library has none of this name; it has more than one row.
    init(_ library: PhotoLibrary, output name: String?) throws(Diagnostic) {
      self.library = library
      let outputs = library.model.description.outputs
      let known = outputs.first { $0.name == "features" } ?? outputs.first
      let tensor =
        if let name { try library.model.output(name) } else if let known {
          known
        } else {
          try library.model.first()
        }
      guard tensor.shape.count == 1 else {
        throw Diagnostic(
          "the output '\(tensor.name)' is \(Format.shape(tensor.shape)), expected one row",
          at: .file(library.model.path), hint: "compile the library with --outputs features")
      }
      output = tensor.name
      width = tensor.elements
    }
  }

  /// Reads a file of features, or makes those of all photos below a folder.
  ///
  /// Errors: neither; a file of other features, or without names; no photo that can be used.
  init(_ source: String, _ kind: Kind) throws(Diagnostic) {
    self.source = source
    width = kind.width
    if FolderWalk.isFolder(source) {
      try run(try PhotoNames([source]), kind)
    } else {
      try read(source, kind)
    }
  }

  /// Makes the features of photos.
  ///
  /// Errors: one is a folder; none of them can be used.
  init(photos: [String], _ kind: Kind) throws(Diagnostic) {
    if let folder = photos.first(where: FolderWalk.isFolder) {
      throw Diagnostic("expected a photo, found a folder", at: .file(folder))
    }
    source = photos.first ?? ""
    width = kind.width
    try run(try PhotoNames(photos), kind)
  }

  private mutating func run(_ names: PhotoNames, _ kind: Kind) throws(Diagnostic) {
    try kind.library.model.checkShapes(of: [kind.output])
    for warning in names.warnings { Console.tell(warning) }
    var left = SkippedFiles()
    for (path, reason) in names.skipped { try left.add(path, reason) }
    let pace = Pace(total: names.paths.count)
    let line = ProgressLine("embedding")
    defer { line.finish() }
    var (found, features) = ([String](), [Float]())
    try kind.library.photos.forEach(names.paths, outputs: [kind.output]) {
      (index, result) throws(Diagnostic) in
      switch result {
      case .success(let made):
        found.append(names.paths[index])
        features += made.values[kind.output] ?? []
      case .failure(let diagnostic):
        try left.add(names.paths[index], SkippedFiles.reason(diagnostic))
      }
      line.update(
        pace.text("embedding", done: index + 1),
        fraction: Double(index + 1) / Double(names.paths.count))
    }
    (paths, rows, skipped) = (found, features, left)
    guard !paths.isEmpty else {
      throw Diagnostic(
        "found no photo that can be used", at: .file(source), notes: skipped.lines)
    }
  }

  private mutating func read(_ path: String, _ kind: Kind) throws(Diagnostic) {
    let array = try NpyArray(path: path)
    guard array.shape.count == 2, array.shape[1] == kind.width, array.shape[0] > 0 else {
      throw Diagnostic(
        "the array has shape \(Format.shape(array.shape)), expected [n, \(kind.width)] for the "
          + "output '\(kind.output)'", at: .file(path),
        hint: "'vitc embed' writes such a file, of this library")
    }
    if let wrong = NonFinite.text(array.values, of: "features") {
      throw Diagnostic(wrong, at: .file(path))
    }
    let notes = try RowNotes.read(beside: path, rows: array.shape[0])
    let wanted = kind.library.model.description.weightsHash
    if !notes.weights.isEmpty, notes.weights != wanted {
      Console.tell(
        Diagnostic(
          "the features were made by another library, '\(notes.library)': comparisons may mean "
            + "nothing", severity: .warning, at: .file(path)))
    }
    if !notes.output.isEmpty, notes.output != kind.output {
      throw Diagnostic(
        "holds the output '\(notes.output)', expected '\(kind.output)'", at: .file(path),
        hint: "say --output-name \(notes.output)")
    }
    (paths, rows) = (notes.photos, array.values)
  }

  /// The features of photo `index`.
  func row(_ index: Int) -> [Float] { Array(rows[index * width..<(index + 1) * width]) }
}
