import Diagnostics
import IR

/// What is added to the scores of attention in windows by the places of query and key relative to
/// each other, made of their distances by a small network of two linear layers.
struct ContinuousPositions: Hashable, Sendable {
  /// The width between the two layers.
  var hidden: Int
  /// The names of the layers within the attention.
  var layers: (first: String, second: String) {
    spacing == .relative ? ("cpb_mlp.0", "cpb_mlp.2") : ("meta_mlp.fc1", "meta_mlp.fc2")
  }
  /// How distances are spaced.
  var spacing: DistanceSpacing
  /// Rows and columns of the window that distances are relative to.
  var from: [Int]
  /// What the results lie below; `nil`: they are not limited.
  var limit: Float?
  /// `true` iff the second layer has a bias.
  var hasSecondBias: Bool
  /// What is subtracted where two places were not neighbours before the map was moved.
  var separation: Float = 100

  /// What is added in the attention of this name.
  func append(
    _ name: String, heads: Int, windows: WindowGrid, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let (first, second) = ("\(name).\(layers.first)", "\(name).\(layers.second)")
    var operands = [
      try builder.weight("\(first).weight", [hidden, 2]),
      try builder.weight("\(first).bias", [hidden]),
      try builder.weight("\(second).weight", [heads, hidden]),
    ]
    if hasSecondBias { operands.append(try builder.weight("\(second).bias", [heads])) }
    let table = try builder.append(
      .continuousPositionTable(
        ContinuousPositionTable(
          grid: windows.window, spacing: spacing, from: from, limit: limit)), operands,
      name: "\(name).positions")
    let kinds = windows.kinds
    return try builder.append(
      .relativePositionBias(
        RelativePositionBias(
          grid: windows.window, method: .geometric, windows: kinds?.windows, shift: windows.shift,
          separation: kinds == nil ? 100 : separation)), [table],
      name: "\(name).positions.bias")
  }
}
