import Diagnostics
import IR

/// Four neighbouring pixels of a map as one, of twice the width: side by side, a norm, a linear
/// layer without bias; or the norm after that.
///
/// A map of an odd number of rows or columns is widened by zeros. The pixels come column by column;
/// the norm's and the layer's columns are brought into the order of rows instead, which is that of
/// windows.
struct PatchMerging: Hashable, Sendable {
  /// Rows and columns of the map.
  var map: [Int]
  /// The norm of the four pixels, or of the result.
  var norm: Normalization
  /// The width of the result.
  var outputs: Int
  /// `true` iff the result is normed, not the four pixels.
  var normsLast = false

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let width = builder.type(x).shape[1]
    let windows = WindowGrid(image: map, window: [2, 2])
    let places = try builder.append(
      .windowPartition(WindowPartition(windows)), [x], name: "\(name).places")
    let rows = try builder.append(
      .reshape(Reshape([windows.count, 4 * width])), [places], name: "\(name).pixels")
    let inputs = normsLast ? rows : try normed(name, rows, width, &builder)
    let weight = try builder.weight("\(name).reduction.weight", [outputs, 4 * width])
    let reduced = try builder.append(
      .linear(Linear()),
      [inputs, try byRows(weight, axis: 1, width, "\(name).reduction.weight", &builder)],
      name: "\(name).reduction")
    return normsLast ? try norm.append("\(name).norm", reduced, to: &builder) : reduced
  }

  /// The norm of the four pixels.
  private func normed(
    _ name: String, _ rows: Value, _ width: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var affine: [Value] = []
    for leaf in ["weight", "bias"] {
      let tensor = try builder.weight("\(name).norm.\(leaf)", [4 * width])
      affine.append(try byRows(tensor, axis: 0, width, "\(name).norm.\(leaf)", &builder))
    }
    return try builder.append(
      .layerNorm(LayerNorm(epsilon: Float(norm.epsilon))), [rows] + affine, name: "\(name).norm")
  }

  /// The second and the third quarter along an axis change places.
  private func byRows(
    _ value: Value, axis: Int, _ width: Int, _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var parts: [Value] = []
    for index in [0, 2, 1, 3] {
      parts.append(
        try builder.append(
          .slice(Slice(axis: axis, start: index * width, count: width)), [value],
          name: "\(name).\(index)"))
    }
    return try builder.append(
      .concatenate(Concatenate(axis: axis)), parts, name: "\(name).by_rows")
  }

  /// The multiply-adds of one image, for pixels of this width.
  func multiplyAdds(dim: Int) -> Int {
    WindowGrid(image: map, window: [2, 2]).count * 4 * dim * outputs
  }
}
