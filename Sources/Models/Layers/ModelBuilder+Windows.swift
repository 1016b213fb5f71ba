import Diagnostics
import IR

extension ModelBuilder {
  /// Queries, keys or values of an attention, by their index, in the order of windows.
  ///
  /// Windows that reach beyond the map are filled with zeros before the projection, which makes its
  /// bias of them; here the rows of the map alone are projected, and the bias is what they are
  /// widened by.
  ///
  /// - Parameters:
  ///   - biases: which of the three have biases.
  ///   - projections: how timm stores them.
  ///   - windows: `nil`: in the order of the map.
  mutating func windowed(
    _ name: String, _ index: Int, _ x: Value, biases: AttentionBiases,
    projections: TimmProjections = .together, windows: WindowGrid?
  ) throws(Diagnostic) -> Value {
    let dim = type(x).shape[1]
    let hasBias = biases.contains([.query, .key, .value][index])
    let part = "\(name).\(["q", "k", "v"][index])"
    var operands = [x]
    for (suffix, shape) in [("weight", [dim, dim]), ("bias", [dim])].prefix(hasBias ? 2 : 1) {
      guard fusesQKV else {
        operands.append(try weight("\(part).\(suffix)", shape))
        continue
      }
      if projections == .biasesApart, suffix == "bias" {
        operands.append(try weight("\(part)_bias", shape))
        continue
      }
      let whole = try weight("\(name).qkv.\(suffix)", [3 * dim] + shape.dropFirst())
      operands.append(
        try rows(whole, from: index * dim, count: dim, name: "\(part).\(suffix)"))
    }
    let projected = try append(.linear(Linear()), operands, name: part)
    guard let windows else { return projected }
    let border = hasBias && windows.places < windows.widenedPlaces ? [operands[2]] : []
    return try append(
      .windowPartition(WindowPartition(windows)), [projected] + border, name: "\(part).windows")
  }
}
