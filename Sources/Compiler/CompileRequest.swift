import Codegen
import JSON
import Models
import Packaging
import Passes

/// What a user asks `vitc compile` for.
public struct CompileRequest {
  /// The form of the answer.
  public enum Emission: String, CaseIterable, Sendable {
    /// A shared library with header and module map.
    case library
    /// An archive with header and module map.
    case `static`
    /// One relocatable object with header and module map.
    case object
    /// The program as LLVM's text.
    case llvm
    /// The program as assembly.
    case asm
    /// The graph after the last pass that ran.
    case ir

    /// What is packaged; `nil` where the answer is text.
    public var artifact: Artifact.Kind? {
      switch self {
      case .library: .library
      case .static: .static
      case .object: .object
      case .llvm, .asm, .ir: nil
      }
    }
  }

  /// What a folder has beside an image encoder.
  public enum Tower: Sendable {
    /// The text tower, for texts of so many tokens; `nil`: as many as it has positions for.
    case text(length: Int?)
  }

  /// Where the weights go.
  public enum WeightPlacement: Sendable {
    /// Into the artifact, or into a file where it would be too large to link.
    case automatic
    /// Into a file beside the artifact.
    case file
  }

  /// A variant's name, or a model folder.
  public var model: String
  /// Which tower of a folder with two; `nil`: the image encoder.
  public var tower: Tower?
  /// A checkpoint file or folder, or `seed:N`; `nil`: the model folder's own.
  public var weights: String?
  /// Where the answer goes; `nil` for text: to standard output.
  public var output: String?
  /// The prefix of every symbol; `nil`: made from the output's file name.
  public var name: String?
  /// The sizes of the images; a library of several has a program for each.
  public var imageSizes = ImageSizes.own
  /// Height and width of the images, of several sizes those of the first; `nil`: the model's own,
  /// or to be found by the model's preprocessing.
  public var imageSize: (height: Int, width: Int)? {
    get {
      guard case .listed(let sizes) = imageSizes, let first = sizes.first else { return nil }
      return (first.height, first.width)
    }
    set {
      imageSizes = newValue.map { .listed([ImageSize(height: $0.height, width: $0.width)]) } ?? .own
    }
  }
  /// The number of classes; `nil`: the model's own.
  public var classes: Int?
  /// `false` iff the head is left out.
  public var wantsHead = true
  /// A file with a head that takes the place of the checkpoint's, as ``HeadFile`` has it.
  public var headFile: String?
  /// The texts that images are compared with, by a head that takes the place of the checkpoint's.
  public var textClasses: TextClasses?
  /// The photos that a head is fitted to, which takes the place of the checkpoint's.
  public var headFit: HeadFitRequest?
  /// Whose arithmetic the model follows; `nil`: that of the checkpoint's family.
  public var numerics: NumericsConvention?
  /// What makes scores of the logits; `nil`: as the model says.
  public var scores: ScoreFunction?
  /// Patterns of tensors of the checkpoint that are treated as absent.
  public var ignoredTensors: [String] = []
  /// What the library returns; empty: logits, or features where there is no head.
  public var outputs: [ModelOutput] = []
  /// The form of the answer.
  public var emission = Emission.library
  /// The targets, as `Target.list` reads them.
  public var target = "portable"
  /// Where the weights go.
  public var weightPlacement = WeightPlacement.automatic
  /// `true` iff the output is a folder with `lib` and `include`, for build systems.
  public var isPackage = false
  /// `false` iff the graph stays as the model says it; for `ir` only.
  public var runsPasses = true
  /// What large matrices are multiplied in.
  public var precision = Precision.f32
  /// What attentions are multiplied in, if not as ``precision`` says: `int8`.
  public var attention: Precision?
  /// Operations that are computed in another precision, by name.
  public var precisionOverrides: [String: Precision] = [:]
  /// Paths of photos to calibrate bf16 and int8 with; empty: they are not calibrated.
  ///
  /// Only what holds weights is calibrated: of code and graphs nothing depends on the photos.
  public var calibration: [String] = []
  /// Texts to calibrate a text tower with, in the place of photos; empty: it is not calibrated.
  public var calibrationTexts: [String] = []
  /// The largest error on the photos or texts that a calibrated model may have; `nil`: any.
  ///
  /// For artifacts that hold weights.
  public var errorLimit: Double?
  /// `false` iff neither Strassen's nor Winograd's algorithm is used.
  public var usesFastMatmul = true
  /// `false` iff the library gets no self-test values, which cost one run of its code for AVX2 or
  /// the baseline.
  public var wantsSelfTest = true
  /// `true` iff a library keeps the names of steps and kernels, for profilers and debuggers.
  public var keepsSymbols = false
  /// The options that decide what is computed, as a file `NAME.vit.json` has them, for the
  /// library's ``Provenance``.
  public var options: [String: JSONValue] = [:]
  /// The files that ``textClasses`` and ``calibrationTexts`` were read from, for the same.
  public var textFiles: [(role: SourceFile.Role, path: String)] = []
  /// The commit that vitc was built from; `nil` where the build was not told.
  public var compilerCommit: String?
  /// Has code that was generated before; `nil`: everything is generated.
  public var store: (any ObjectStore)?
  /// What to show of the passes, and where to stop.
  public var passOptions = PassManager.Options()

  /// Creates a request with every option at its default.
  public init(model: String) { self.model = model }

  /// `true` iff rounding is calibrated.
  var calibrates: Bool { !calibration.isEmpty || !calibrationTexts.isEmpty }

  /// The same request after a calibration, which may have found that bf16 is needed everywhere.
  func resolved(by calibration: CalibrationStage.Result?) -> CompileRequest {
    guard let calibration else { return self }
    var result = self
    result.precision = calibration.precision
    if calibration.report.fellBack { result.attention = nil }
    return result
  }

  /// The passes to run, with the operations that are computed in another precision: those of
  /// ``precisionOverrides``, and what a calibration has found besides.
  func passes(overriding precisions: [String: Precision]) -> [Pass] {
    guard runsPasses else { return [] }
    let fast = [Pass.padHidden, .chooseStrassen, .chooseWinograd].map(\.name)
    return Pipeline.passes(
      for: precision, overrides: precisions, unrotated: Set(precisionOverrides.keys),
      calibrated: calibrates, attention: attention
    )
    .filter { usesFastMatmul || !fast.contains($0.name) }
  }
}
