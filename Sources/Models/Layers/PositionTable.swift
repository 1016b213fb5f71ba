import Diagnostics
import IR

/// A learned position for each patch and possibly for tokens before them, resized where the stored
/// grid is another one than the image's.
struct PositionTable: Hashable, Sendable {
  /// The canonical name of the stored table.
  static let name = "pos_embed"

  /// How many of the tokens before the patches, counted from the first, have rows in the table.
  var prefix: Int
  /// The stored grid: rows, then columns.
  var stored: [Int]
  /// The grid of the image.
  var grid: [Int]
  /// How the table is resized.
  var method: ResizeMethod

  /// The number of rows of the stored table.
  var rows: Int { prefix + stored[0] * stored[1] }

  /// The patches after `tokens` (name and number of each kind), positions added.
  func append(
    _ patches: Value, after tokens: [(name: String, count: Int)], to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(patches).shape[1]
    let count = builder.type(patches).shape[0]
    var values: [Value] = []
    for (name, count) in tokens { values.append(try builder.tokens(name, count, dim)) }
    let positioned = numberOfPositioned(tokens.map(\.count))
    let table = try appendTable(dim, &builder)
    var x = try builder.sum(
      try builder.concatenated(values[..<positioned] + [patches], "embed"), table,
      name: "\(Self.name).add")
    guard positioned < values.count else { return x }
    var parts: [Value] = []
    if prefix > 0 {
      parts.append(try builder.rows(x, from: 0, count: prefix, name: "embed.prefix"))
      x = try builder.rows(x, from: prefix, count: count, name: "embed.patches")
    }
    return try builder.concatenated(parts + values[positioned...] + [x], "embed.tokens")
  }

  /// The patches after `tokens` (name and number of each kind), without positions.
  static func appendWithout(
    _ patches: Value, after tokens: [(name: String, count: Int)], to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var values: [Value] = []
    for (name, count) in tokens {
      values.append(try builder.tokens(name, count, builder.type(patches).shape[1]))
    }
    return try builder.concatenated(values + [patches], "embed.tokens")
  }

  /// How many of the tokens, taken whole, have rows in the table.
  private func numberOfPositioned(_ counts: [Int]) -> Int {
    var rows = 0
    for (index, count) in counts.enumerated() {
      rows += count
      if rows > prefix { return index }
    }
    return counts.count
  }

  private func appendTable(
    _ dim: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let table = try builder.tokens(Self.name, rows, dim)
    guard grid != stored else { return table }
    return try builder.append(
      .resizePositionEmbedding(
        ResizePositionEmbedding(from: stored, to: grid, prefix: prefix, method: method)), [table],
      name: "\(Self.name).resized")
  }
}
