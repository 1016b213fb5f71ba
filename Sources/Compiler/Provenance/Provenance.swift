import Codegen
import Diagnostics
import Files
import JSON
import Models
import Packaging

/// What a library was made of, and by what: the member `provenance` of what `vitc inspect --json`
/// prints under `details`.
///
/// The same inputs give the same bytes: there is no time in it, no path of a folder, no name of a
/// machine or a person. Files are known by their names and digests; what the options say of the
/// form of the answer (`--emit`, `--target`, `--weights-file`, `--package`, `--name`) is in the
/// library itself and not repeated.
public struct Provenance: Encodable, Sendable {
  /// The name that MODEL was given by; absent for a folder.
  public let model: String?
  /// The options that decide what is computed, as a file `NAME.vit.json` has them.
  public let options: [String: JSONValue]
  /// The files that were read.
  public let files: [SourceFile]
  /// Where the model comes from, see ``ModelOrigin``; absent where nothing says it.
  public let repository: String?
  /// The commit there.
  public let revision: String?
  /// The licences that the model card names, in the Hugging Face hub's spelling; absent without a
  /// card.
  public let licenses: [String]?
  /// What the card calls a licence of its own.
  public let licenseName: String?
  /// Where that is to be read.
  public let licenseLink: String?
  /// The version of vitc.
  public let vitc: String
  /// The commit that vitc was built from; absent where the build was not told.
  public let commit: String?
  /// The version of LLVM.
  public let llvm: String
  /// The version of the linker, as it says itself.
  public let linker: String?

  /// The work on what is not known at once.
  struct Pending {
    private let request: CompileRequest
    private let digests: SourceDigests
    private let origin: ModelOrigin?

    /// Begins, for the architecture that the library is for.
    init(_ request: CompileRequest, _ architecture: Architecture?) {
      self.request = request
      digests = SourceDigests(Self.inputs(request)) {
        architecture.flatMap { LinkerPath.version(for: $0) }
      }
      origin = Self.folder(request).map { ModelOrigin(folder: $0) }
    }

    /// Waits for the digests.
    ///
    /// - Throws: a file that cannot be read.
    func result() throws(Diagnostic) -> Provenance {
      let (files, linker) = try digests.results()
      let licenses = origin?.licenses ?? []
      return Provenance(
        model: Path.kind(of: request.model) == nil ? request.model : nil,
        options: request.options, files: files, repository: origin?.repository,
        revision: origin?.revision, licenses: licenses.isEmpty ? nil : licenses,
        licenseName: origin?.licenseName, licenseLink: origin?.licenseLink,
        vitc: Version.current, commit: request.compilerCommit, llvm: LLVMVersion.current,
        linker: linker)
    }

    /// The folder that may tell of the model: its own, or the one of the weights.
    private static func folder(_ request: CompileRequest) -> String? {
      if Path.kind(of: request.model) == .folder { return request.model }
      guard let weights = request.weights else { return nil }
      switch Path.kind(of: weights) {
      case .folder: return weights
      case .other:
        let folder = Path.folder(of: weights)
        return folder.isEmpty ? "." : folder
      case nil: return nil
      }
    }

    /// The files that a request reads, in an order that depends on nothing else.
    private static func inputs(_ request: CompileRequest) -> [SourceDigests.Input] {
      var inputs: [SourceDigests.Input] = []
      func add(_ role: SourceFile.Role, _ paths: [String]) {
        for path in paths {
          inputs.append(.init(role: role, files: [(path, Path.name(of: path))], isOne: false))
        }
      }
      // The names of many photos begin with their classes'.
      func add(_ role: SourceFile.Role, photos: [String], in folder: String) {
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        inputs.append(
          .init(
            role: role,
            files: photos.map { path in
              (path, path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path)
            }, isOne: true))
      }
      let isText = request.tower != nil || request.textClasses != nil
      add(.model, ModelFiles.configurations(of: request.model, readsTexts: isText))
      let weights = request.weights ?? request.model
      add(.weights, ModelFiles.weights(of: weights))
      if let head = request.headFile { add(.headFile, [head]) }
      for (role, path) in request.textFiles { add(role, [path]) }
      add(.calibrate, request.calibration)
      if let fit = request.headFit {
        add(.fitHead, photos: fit.photos.photos.map(\.path), in: fit.photos.folder)
        if let test = fit.test {
          add(.fitTest, photos: test.photos.map(\.path), in: test.folder)
        }
      }
      return inputs
    }
  }
}
