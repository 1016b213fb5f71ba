import EmbeddedImage

/// The runtime's objects by architecture.
enum EmbeddedRuntime {
  /// Those that a model needs, which holds a tokenizer or none; `nil` for an unknown architecture.
  static func objects(_ architecture: Architecture, hasTokenizer: Bool) -> [[UInt8]]? {
    let name = architecture.rawValue
    guard let runtime = EmbeddedImage.object(architecture: name) else { return nil }
    guard hasTokenizer else { return [runtime] }
    return EmbeddedImage.tokenizer(architecture: name).map { [runtime, $0] }
  }
}
