import Diagnostics
import IR

/// A learned position for each patch and possibly for tokens before and after them, resized where
/// the stored grid is another one than the image's.
struct PositionTable: Hashable, Sendable {
  /// The canonical name of the stored table.
  static let name = "pos_embed"

  /// How a stored grid becomes that of the image.
  enum Fit: Hashable, Sendable {
    /// It is resized to it.
    case grid
    /// It is resized to a square of the image's longer side, whose upper left part counts, so that
    /// the aspect of the image is kept: RADIO's cropped positions, NaFlex's `ar_preserving`.
    case croppedSquare
  }

  /// How positions are stored.
  enum Storage: Hashable, Sendable {
    /// `[1, rows, D]`.
    case rows
    /// `[1, rows of the grid, columns of the grid, D]`.
    case grid
    /// A table for the rows of the grid and one for its columns, whose sum counts: NaFlex's
    /// `factorized`.
    case axes
  }

  /// How many of the tokens before the patches, counted from the first, have rows in the table.
  var prefix: Int
  /// How many tokens after the patches have rows in the table.
  var suffix = 0
  /// The stored grid: rows, then columns.
  var stored: [Int]
  /// The grid of the image.
  var grid: [Int]
  /// How the table is resized.
  var method: ResizeMethod
  /// How the stored grid becomes that of the image.
  var fit = Fit.grid
  /// How positions are stored; other than as rows, they are of the patches alone.
  var storage = Storage.rows
  /// What precedes the name of the stored table.
  var namePrefix = ""

  /// The number of rows of the stored table.
  var rows: Int { prefix + stored[0] * stored[1] + suffix }

  /// The patches between `tokens` and `following` (name and number of each kind), positions added.
  func append(
    _ patches: Value, after tokens: [(name: String, count: Int)],
    before following: [(name: String, count: Int)] = [], to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(patches).shape[1]
    let count = builder.type(patches).shape[0] + following.reduce(0) { $0 + $1.count }
    var values: [Value] = []
    for (name, count) in tokens { values.append(try builder.tokens(name, count, dim)) }
    var last = [patches]
    for (name, count) in following { last.append(try builder.tokens(name, count, dim)) }
    let positioned = numberOfPositioned(tokens.map(\.count))
    let table = try appendTable(dim, &builder)
    var x = try builder.sum(
      try builder.concatenated(values[..<positioned] + last, "embed"), table,
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

  // MARK: - The table

  private func appendTable(
    _ dim: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let name = Self.name
    switch storage {
    case .rows:
      return try resized(try builder.tokens(name, rows, dim), name, &builder)
    case .grid:
      let table = try builder.weight("\(namePrefix)\(name)", [1] + stored + [dim])
      let rows = try builder.append(
        .reshape(Reshape([stored[0] * stored[1], dim])), [table], name: "\(name).rows")
      return try resized(rows, name, &builder)
    case .axes: return try appendAxes(dim, &builder)
    }
  }

  /// The rows of a stored table for the grid of the image; those of the tokens before and after the
  /// patches stay as they are.
  ///
  /// - Parameter name: what the values are named after.
  func resized(
    _ table: Value, _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard grid != stored else { return table }
    guard suffix > 0 else { return try resizedPatches(table, name, &builder) }
    let count = rows - suffix
    let first = try builder.rows(table, from: 0, count: count, name: "\(name).stored")
    let last = try builder.rows(table, from: count, count: suffix, name: "\(name).after")
    return try builder.concatenated(
      [try resizedPatches(first, name, &builder), last], "\(name).all")
  }

  private func resizedPatches(
    _ table: Value, _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var x = table
    if resizedGrid != stored {
      let op = ResizePositionEmbedding(
        from: stored, to: resizedGrid, prefix: prefix, method: method)
      x = try builder.append(
        .resizePositionEmbedding(op), [table], name: "\(name).resized")
    }
    return try cropped(x, name, &builder)
  }

  /// What the stored grid is resized to.
  private var resizedGrid: [Int] {
    switch fit {
    case .grid: grid
    case .croppedSquare: Array(repeating: max(grid[0], grid[1]), count: 2)
    }
  }

  /// The upper left part of what was resized.
  private func cropped(
    _ table: Value, _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let (from, dim) = (resizedGrid, builder.type(table).shape[1])
    guard from != grid else { return table }
    var x = table
    if grid[0] < from[0] {
      x = try builder.rows(x, from: 0, count: grid[0] * from[1], name: "\(name).upper")
    }
    guard grid[1] < from[1] else { return x }
    let lines = try builder.append(
      .reshape(Reshape([grid[0], from[1] * dim])), [x], name: "\(name).lines")
    let left = try builder.append(
      .slice(Slice(axis: 1, start: 0, count: grid[1] * dim)), [lines], name: "\(name).left")
    return try builder.append(
      .reshape(Reshape([grid[0] * grid[1], dim])), [left], name: "\(name).cropped")
  }

  /// The sum of the row's and the column's position of each patch.
  ///
  /// Both tables are resized linearly, whatever the method of two axes; along the other axis, from
  /// one place to many, that repeats them.
  private func appendAxes(
    _ dim: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var parts: [Value] = []
    for (axis, letter) in ["y", "x"].enumerated() {
      let name = "\(namePrefix)\(Self.name)_\(letter)"
      let table = try builder.tokens(name, stored[axis], dim)
      let op = ResizePositionEmbedding(
        from: axis == 0 ? [stored[0], 1] : [1, stored[1]], to: resizedGrid, prefix: 0,
        method: .bilinear)
      let resized = try builder.append(
        .resizePositionEmbedding(op), [table], name: "\(name).resized")
      parts.append(try cropped(resized, name, &builder))
    }
    return try builder.sum(parts[0], parts[1], name: "\(Self.name).rows")
  }
}
