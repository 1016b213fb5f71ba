/// Which tokens of a model see each other.
public enum TokenGeometry: Hashable, Sendable {
  /// In every block each token attends to all: tokens before the patches, then patches row by row.
  case grid(TokenMap)
  /// Tokens are the places of a map, and most of them attend within windows.
  case windows
  /// Places of maps that convolutions make; nothing attends.
  case convolutions
}
