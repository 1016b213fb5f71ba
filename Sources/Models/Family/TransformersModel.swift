import Diagnostics

/// A `model_type` of transformers that a family answers to: how its folders are read.
struct TransformersModel: Sendable {
  /// What a preprocessor's crop says of the image size.
  enum CropRule: Sendable {
    /// Nothing: the configuration does.
    case isScaled
    /// The crop is the image size, if whole patches cover it: the model takes any size.
    case isImageIfPatchesFit
    /// The crop is the image size: the configuration says none.
    case isImage
  }

  /// What folders without `preprocessor_config.json` are assumed to mean.
  struct AssumedPreprocessing: Sendable {
    var specification: Preprocessing
    /// What the specification crops to.
    var crop: Int

    init(
      mode: Preprocessing.Mode, edge: Int, _ filter: Preprocessing.Filter,
      _ constants: ([Double], [Double]), crop: Int = 224
    ) {
      specification = Preprocessing(
        mode: mode, resizeWidth: edge, resizeHeight: edge, filter: filter, mean: constants.0,
        deviation: constants.1, cropRounding: .down)
      self.crop = crop
    }
  }

  /// The `model_type`.
  let modelType: String
  /// What precedes the body's tensors in a file written from a model with a head.
  let prefix: String
  /// The tensors that its checkpoints are known by, without prefix.
  let anchor: Anchor
  /// The image processor where `preprocessor_config.json` names none: transformers' class, without
  /// `ImageProcessor`.
  let processor: String
  /// What holds without `preprocessor_config.json`: what the hub's folders of this type say; `nil`:
  /// nothing is known.
  let assumed: AssumedPreprocessing?
  /// What a preprocessor's crop says of the image size.
  let crop: CropRule
  /// Reads the configuration, for a model of this name.
  ///
  /// Absent keys have the defaults of transformers' configuration class.
  let read: @Sendable (ConfigurationObject, String) throws(Diagnostic) -> any Family
}
