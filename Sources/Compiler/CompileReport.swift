import Diagnostics
import Models
import Packaging
import Passes

/// What one compilation did: the matter of what `vitc compile` prints.
public struct CompileReport {
  /// One stage of the work and its time.
  public struct Stage {
    /// What was done, such as `pack weights`.
    public var name: String
    /// How long it took.
    public var seconds: Double
  }

  /// What a calibration found.
  public struct Calibration {
    /// The number of photos, or of texts.
    public var sources: Int
    /// `true` iff they are texts.
    public var isOfTexts = false
    /// The number of images made of the photos, or of the texts themselves.
    public var images: Int
    /// By output, the geometric mean of the images' errors, relative to the model in floats.
    public var errors: [String: Double]
    /// What is computed in bf16 for the error's sake, first what gains most for its work.
    public var raised: [String] = []
    /// `true` iff nothing less than `--precision bf16` has an error as small as demanded, so that
    /// the model is compiled as with it.
    public var fellBack = false
  }

  /// The model.
  public var configuration: any ModelConfiguration
  /// The sizes of its images, the first of which all that follows is of, but for the arena.
  public var sizes: [ImageSize] = []
  /// What the passes did.
  public var passes: PassManager.Report
  /// The stages of the work, in order.
  public var stages: [Stage] = []
  /// Floating-point operations of one image as the model is written, 2 for each multiply-add.
  public var modelFlops = 0
  /// The same after the passes.
  public var flops = 0
  /// What matrices are multiplied in, with the part of the work that each has.
  public var precision = ""
  /// The size of the packed weights.
  public var weightsBytes = 0
  /// The size of one image's activations, of the size that has most.
  public var arenaBytes = 0
  /// How integers were calibrated; `nil`: not at all.
  public var calibration: Calibration?
  /// What fitting a head to photos found; `nil`: none was fitted.
  public var headFit: HeadReport?
  /// The number of parallel steps of one run.
  public var programSteps = 0
  /// The size of the generated code, as an object file.
  public var objectBytes = 0
  /// The target's name and vector unit.
  public var target = ""
  /// The files written, the artifact first.
  public var files: [String] = []
  /// What users of the artifact are told about it; `nil` where none was made.
  public var interface: ModelInterface?
  /// What the artifact was made of; `nil` where none was made.
  public var provenance: Provenance?
  /// The text answered, for the emissions that are text.
  public var text: String?
  /// What was assumed, decided or left out, a line each.
  public var notes: [String] = []
  /// What the user should know, such as weights that are not numbers.
  public var warnings: [Diagnostic] = []
}
