/// Which tokenizer a model's folder asks for.
public struct TokenizerRequest: Hashable, Sendable {
  /// What open_clip's configuration says of texts.
  public struct OpenCLIP: Hashable, Sendable {
    /// `true` iff `hf_tokenizer_name` is there: transformers' tokenizer of the folder's files, not
    /// open_clip's own.
    public var usesTransformers: Bool
    /// `tokenizer_kwargs.clean`; `nil` where it is absent.
    public var cleaning: String?

    /// Creates what a configuration says.
    public init(usesTransformers: Bool, cleaning: String?) {
      self.usesTransformers = usesTransformers
      self.cleaning = cleaning
    }
  }

  /// The folder with the tokenizer's files.
  public var folder: String
  /// `model_type` of `config.json`; empty for a folder of open_clip.
  public var modelType: String
  /// The positions of the text tower.
  public var length: Int
  /// For a folder of open_clip.
  public var openCLIP: OpenCLIP?

  /// Creates a request.
  public init(folder: String, modelType: String, length: Int, openCLIP: OpenCLIP? = nil) {
    self.folder = folder
    self.modelType = modelType
    self.length = length
    self.openCLIP = openCLIP
  }
}
