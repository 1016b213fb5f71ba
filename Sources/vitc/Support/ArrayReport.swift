/// An array that a command wrote, for `--json`.
struct ArrayReport: Encodable {
  /// The output.
  let name: String
  /// Its shape, the number of images first.
  let shape: [Int]
  /// The file; absent where the arrays are in one file that is named elsewhere.
  var file: String?
}
