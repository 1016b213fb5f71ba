/// The version of vitc, as compiled models and `vitc --version` state it.
public enum Version {
  /// Semantic versioning; the binary interface has a version of its own in `vit_abi.h`.
  public static let current = "0.2.0"
}
