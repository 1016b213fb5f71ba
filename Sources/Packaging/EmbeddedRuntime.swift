import EmbeddedImage

/// The runtime's objects by architecture.
enum EmbeddedRuntime {
  static func object(_ architecture: Architecture) -> [UInt8]? {
    EmbeddedImage.object(architecture: architecture.rawValue)
  }
}
