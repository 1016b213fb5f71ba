/// The version of vitc-serve.
public enum ServerVersion {
  /// The same as vitc's; Scripts/check-style compares the two.
  public static let current = "0.2.0"
}
