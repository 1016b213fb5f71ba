import Diagnostics
import Files

/// What a folder with two towers says of its texts, as far as a tokenizer must know it.
public struct TextOrigin: Hashable, Sendable {
  /// `model_type` of `config.json`; empty for a folder of OpenCLIP.
  public var modelType: String
  /// `true` iff the folder is OpenCLIP's.
  public var isOpenCLIP: Bool
  /// OpenCLIP's `hf_tokenizer_name`: the text is read by transformers' tokenizer of this name.
  public var tokenizerName: String?
  /// `clean` of OpenCLIP's `tokenizer_kwargs`.
  public var cleaning: String?

  /// Reads `config.json`, or where there is none `open_clip_config.json`.
  ///
  /// - Throws: what is wrong with the file, or that there is neither.
  public static func read(folder: String) throws(Diagnostic) -> TextOrigin {
    let configuration = Path.joining(folder, "config.json")
    if Path.exists(configuration) {
      let root = try ConfigurationFile(path: configuration).root
      return TextOrigin(modelType: try root.string("model_type") ?? "", isOpenCLIP: false)
    }
    let root = try ConfigurationFile(path: Path.joining(folder, OpenCLIPFolder.fileName)).root
    let text = try root.part("model_cfg").part("text_cfg")
    return TextOrigin(
      modelType: "", isOpenCLIP: true, tokenizerName: try text.string("hf_tokenizer_name"),
      cleaning: try text.part("tokenizer_kwargs").string("clean"))
  }
}
