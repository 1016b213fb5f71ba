import Diagnostics
import Glibc

/// A compiled model on its way to the disk: library, archive or object, with its header, module map
/// and weights.
///
/// Use: create; write the packed weights with `writeWeights` or into `weights`; `sealWeights()`;
/// compile the program, which holds their hash; `finish(objects:interface:)`. Until then nothing
/// but
/// a hidden folder of unfinished files is in the destination, and it goes with this object.
public final class Artifact {
  /// What is made.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A shared library, `.so`.
    case library
    /// An archive, `.a`.
    case `static`
    /// One relocatable object, `.o`.
    case object
  }

  /// Where the weights go.
  public enum Placement: Hashable, Sendable {
    /// Into the artifact.
    case embedded
    /// Into a page-aligned file beside it.
    case file

    /// Embedded as long as that links everywhere, else in a file.
    public static func automatic(weightsBytes: Int) -> Placement {
      weightsBytes <= WeightFile.mostEmbeddedBytes ? .embedded : .file
    }
  }

  /// Where the files are.
  public enum Arrangement: Hashable, Sendable {
    /// The output is a file, and the others are beside it.
    case beside
    /// The output is a folder with `lib` and `include`, and what pkg-config and CMake read.
    case package
  }

  /// The prefix of every symbol.
  public let name: String
  /// The name of the weights file beside the artifact, which the program looks for; `nil` for
  /// embedded weights.
  public let weightsFileName: String?

  /// `true` iff a library keeps the names of local functions, which are those of steps and kernels.
  ///
  /// Archives and objects always do: the program that links them decides.
  public var keepsSymbols = false
  /// `true` iff the model reads tokens, not images: it exports other functions.
  public var readsTokens = false
  /// `true` iff the model holds a tokenizer, which it exports a function of.
  public var hasTokenizer = false
  /// `true` iff the model is for images of several sizes: it exports more functions.
  public var hasSizes = false

  private let kind: Kind
  private let weightsBytes: Int
  private let architecture: Architecture
  private let places: ArtifactPlaces
  private let workspace: Workspace
  private let weightFile: WeightFile
  private let weightPath: String
  private var hash: WeightHash?

  /// Starts an artifact.
  ///
  /// - Parameters:
  ///   - output: the path of the library, archive or object, or of the package; its folder must
  ///     exist.
  ///   - name: the prefix of every symbol, see `ExportedSymbols.check(name:)`.
  ///   - weightsBytes: the size of the packed weights.
  public init(
    output: String, name: String, kind: Kind, architecture: Architecture, placement: Placement,
    weightsBytes: Int, arrangement: Arrangement = .beside
  ) throws(Diagnostic) {
    try ExportedSymbols.check(name: name)
    self.name = name
    self.kind = kind
    self.weightsBytes = weightsBytes
    self.architecture = architecture
    places = try ArtifactPlaces(
      output: output, name: name, kind: kind, arrangement: arrangement,
      hasWeightsFile: placement == .file)
    try ExistingFile.check(places)
    workspace = try Workspace(in: places.root)
    switch placement {
    case .embedded:
      weightsFileName = nil
      // In a library they are where they stay: the linked rest joins them.
      weightPath = workspace.file(kind == .library ? "artifact" : "weights.o")
      let symbol = Artifact.staticSymbol(name)
      weightFile = try WeightFile(
        path: weightPath, bytes: weightsBytes,
        form: kind == .library ? .library : .object(architecture, symbol: symbol))
    case .file:
      weightsFileName = "\(name).weights"
      weightPath = workspace.file("weights")
      weightFile = try WeightFile(path: weightPath, bytes: weightsBytes, form: .file)
    }
  }

  /// In archives the hidden symbol of the weights is not yet resolved, so two models need two.
  private static func staticSymbol(_ name: String) -> String { "\(name)_vitc_weights" }

  /// Where the packed weights are written, 4096-byte aligned, zero at first.
  public var weights: UnsafeMutableRawBufferPointer { weightFile.region }

  /// Writes packed weights at their place, from any thread: the fast way, see `MappedOutput`.
  public func writeWeights(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: Int
  ) throws(Diagnostic) {
    try weightFile.write(bytes, at: offsetBytes)
  }

  /// Ends the writing of weights (`weights` must not be used any more) and returns their hash.
  public func sealWeights() -> WeightHash {
    if let hash { return hash }
    let sealed = weightFile.finish()
    hash = sealed
    return sealed
  }

  /// Links a library for this machine of other code that reads the same weights, to be run before
  /// the artifact is complete: of an artifact that this machine cannot run as it is, for its
  /// self-test values.
  ///
  /// - Parameters:
  ///   - objects: code for this machine, which expects its weights in a file.
  ///   - body: gets the paths of the library and of its weights, which are gone afterwards.
  public func rehearse<R>(
    objects: [[UInt8]], _ body: (_ library: String, _ weights: String) -> R
  ) throws(Diagnostic) -> R {
    let hash = sealWeights()
    var linker = Linker(workspace: workspace, architecture: .host, name: name)
    (linker.readsTokens, linker.hasTokenizer) = (readsTokens, hasTokenizer)
    linker.hasSizes = hasSizes
    let (code, needsMath) = try write(objects, for: .host, named: "rehearsal", linker)
    let library = workspace.file("rehearsal.so")
    try linker.linkLibrary(code, soname: "rehearsal.so", needsMath: needsMath, to: library)
    var weights = weightPath
    if weightsFileName == nil {
      weights = workspace.file("rehearsal.weights")
      let copied = try weightFile.copy(to: weights)
      guard copied == hash else {
        throw Diagnostic(
          "the weights changed while they were copied", at: .file(places.artifact))
      }
    }
    defer {
      unlink(library)
      if weightsFileName == nil { unlink(weights) }
    }
    return body(library, weights)
  }

  /// Links, writes header and module map, puts everything in its place.
  ///
  /// - Parameters:
  ///   - objects: the compiled program, whose first object defines
  ///     `ExportedSymbols.names(for: name)`.
  ///   - selfTestValues: gets the paths of the complete shared library and of its weights file,
  ///     which are in their hidden folder still; returns the values of its outputs for the
  ///     self-test image, or `nil` to leave them out or where the code has them. Not called for
  ///     archives and objects, which cannot be run: see `rehearse(objects:_:)`.
  /// - Returns: the paths of all files, the artifact first.
  public func finish(
    objects: [[UInt8]], interface: ModelInterface,
    selfTestValues: (_ library: String, _ weights: String?) -> [SelfTestValues]? = { _, _ in nil }
  ) throws(Diagnostic) -> [String] {
    let (output, needsMath) = try link(objects)
    if kind == .library,
      let values = selfTestValues(output, weightsFileName == nil ? nil : weightPath)
    {
      try Proof.write(values, to: output)
    }
    // The linker made it executable or not, as it pleased.
    let executable: mode_t = kind == .library ? 0o777 : 0o666
    if let permissions = workspace.permissions() { chmod(output, permissions & executable) }

    let map = ModuleMap(existing: try ExistingFile.text(places.map)).adding(
      name: name, library: kind == .object ? nil : places.fileName, needsMath: needsMath)
    var texts = [
      ("header", HeaderWriter(interface).text, places.header),
      ("header++", CPlusPlusHeaderWriter(interface).text, places.cPlusPlusHeader),
      ("map", map, places.map),
    ]
    if let package = places.package {
      let files = PackageFiles(interface, kind: kind, fileName: places.fileName)
      texts += [
        ("pc", files.pkgConfig, package.pkgConfig), ("cmake", files.cmake, package.cmake),
      ]
    }
    for (file, text, _) in texts { try FileError.write(text, to: workspace.file(file)) }
    var files = places.weights.map { [("weights", $0)] } ?? []
    files += texts.map { ($0.0, $0.2) } + [("artifact", places.artifact)]
    try workspace.publish(files, folders: places.folders)
    return files.reversed().map(\.1)
  }

  /// Links, and lets `body` use what that makes, which goes with this object.
  public func tryOut<R>(
    objects: [[UInt8]],
    _ body: (_ artifact: String, _ weights: String?) throws(Diagnostic) -> R
  ) throws(Diagnostic) -> R {
    let output = try link(objects).output
    return try body(output, weightsFileName == nil ? nil : weightPath)
  }

  /// Writes objects and the runtime, last; returns their paths, and whether the objects need libm.
  private func write(
    _ objects: [[UInt8]], for architecture: Architecture, named stem: String, _ linker: Linker
  ) throws(Diagnostic) -> (files: [String], needsMath: Bool) {
    guard
      let runtime = EmbeddedRuntime.objects(architecture, hasTokenizer: hasTokenizer)
    else {
      throw Diagnostic("vitc has no runtime for \(architecture.rawValue)")
    }
    var files: [String] = []
    for (index, object) in (objects + runtime).enumerated() {
      files.append(workspace.file("\(stem)\(index).o"))
      try FileError.write(object, to: files[index])
    }
    return (files, try linker.checkSymbols(objects, files: files))
  }

  /// Returns the path of the linked artifact, and whether it needs libm.
  private func link(
    _ objects: [[UInt8]]
  ) throws(Diagnostic) -> (output: String, needsMath: Bool) {
    _ = sealWeights()
    var linker = Linker(
      workspace: workspace, architecture: architecture, name: name, keepsSymbols: keepsSymbols)
    (linker.readsTokens, linker.hasTokenizer) = (readsTokens, hasTokenizer)
    linker.hasSizes = hasSizes
    let (code, needsMath) = try write(objects, for: architecture, named: "model", linker)
    let embedded = weightsFileName == nil ? [weightPath] : []
    let output = workspace.file("artifact")
    switch kind {
    case .library where weightsFileName == nil:
      let linked = workspace.file("linked")
      let note = workspace.file("note.o")
      try writeNote(to: note)
      try linker.linkLibrary(
        code + [note], soname: places.fileName, needsMath: needsMath, to: linked)
      var segment = try WeightSegment(architecture: architecture, linked: linked)
      try segment.complete(output, weightsBytes: weightsBytes)
    case .library:
      try linker.linkLibrary(code, soname: places.fileName, needsMath: needsMath, to: output)
    case .static, .object:
      let joined = workspace.file("\(name).o")
      try linker.linkCode(code, weightsSymbol: Artifact.staticSymbol(name), to: joined)
      let inputs = [joined] + embedded
      if kind == .static {
        try linker.archive(inputs, to: output)
      } else {
        try linker.join(inputs, to: output)
      }
    }
    return (output, needsMath)
  }

  /// Writes the object whose note stands for the weights while the library is linked.
  private func writeNote(to path: String) throws(Diagnostic) {
    let layout = ELFObject(
      architecture: architecture, symbol: WeightFile.symbol, bytes: WeightSegment.note.count,
      content: .note)
    let object = try MappedOutput(path: path, count: layout.fileBytes)
    layout.write(to: object.bytes)
    UnsafeMutableRawBufferPointer(rebasing: object.bytes[ELFObject.dataOffset...])
      .copyBytes(from: WeightSegment.note)
    object.finish()
  }
}
