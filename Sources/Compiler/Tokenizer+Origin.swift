import Diagnostics
import Models
import Tokenizers

extension Tokenizer {
  /// Reads the tokenizer of a folder with two towers: what its configuration says of texts decides
  /// which one that is.
  ///
  /// - Parameter length: how many tokens a text has.
  /// - Throws: what reading the configuration and the tokenizer's files throws.
  public init(folder: String, length: Int) throws(Diagnostic) {
    let origin = try TextOrigin.read(folder: folder)
    try self.init(
      TokenizerRequest(
        folder: folder, modelType: origin.modelType, length: length,
        openCLIP: origin.isOpenCLIP
          ? .init(usesTransformers: origin.tokenizerName != nil, cleaning: origin.cleaning)
          : nil))
  }
}
