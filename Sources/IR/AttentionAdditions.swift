import Diagnostics

/// What an attention adds to its scores.
extension Attention {
  /// Throws unless what is added fits the queries and the tokens.
  func requireAdditions(_ operands: [TensorType]) throws(Diagnostic) {
    let (queries, tokens) = (operands[0].shape[0], operands[1].shape[0] / windows)
    if let bias = operand(.scores, of: operands) {
      if let kinds {
        try require(
          "C6", RelativePlaces.isGrid(kinds.windows) && kinds.windows.reduce(1, *) == windows,
          "window_grid: expected \(windows) windows, found \(kinds.windows)")
      }
      let maps = (kinds?.count ?? 1) * heads
      try requireType("C6", "a", bias, .f32(maps, queries / windows, tokens))
    }
    if let places { try requirePlaces(places, operands, tokens) }
    guard let grid else { return }
    try require(
      "C7",
      grid.count == 2 && TensorType(.f32, grid).isAllowed && grid[0] * grid[1] == tokens
        && !hasBias,
      "grid: expected two extents of \(tokens) places and no bias, found \(grid)")
    for (role, extent) in zip([OperandRole.rowScores, .columnScores], grid) {
      guard let found = operand(role, of: operands) else { continue }
      try requireType(
        "C7", role == .rowScores ? "rows" : "columns", found, .f32(queries, heads * extent))
    }
  }

  private func requirePlaces(
    _ places: RelativePlaces, _ operands: [TensorType], _ tokens: Int
  ) throws(Diagnostic) {
    try require(
      "C10",
      RelativePlaces.isGrid(places.grid) && places.tokens == tokens
        && operands[0].shape[0] == operands[1].shape[0] && !hasBias && grid == nil,
      "places: expected two extents of \(tokens) tokens, as many queries and neither bias nor "
        + "grid, found \(places.grid)")
    if let problem = places.problem { throw violation("C10", problem) }
    try require(
      "C10", places.windows.map { $0[0] * $0[1] == windows } ?? true,
      "window_grid: expected \(windows) windows, found \(places.windows ?? [])")
    if let table = operand(.scoreTable, of: operands) {
      try requireType("C10", "table", table, .f32(heads, places.tableCount))
    }
  }

  /// What is added to the scores of one window, by the operation's operands; `nil`: nothing.
  ///
  /// - Parameter shape: That of the result, `[heads, queries, tokens]`.
  public func added<S: TensorScalar>(
    _ operands: [DenseTensor<S>], _ window: Int, _ shape: [Int]
  ) -> [S]? {
    if let bias = operand(.scores, of: operands) {
      let count = shape.reduce(1, *)
      let first = (kinds?.kind(of: window) ?? 0) * count
      return Array(bias.values[first..<first + count])
    }
    if let places, let table = operand(.scoreTable, of: operands) {
      let distances = RelativePlaces.distances(places.grid)
      // Distances are read from the last one on.
      return places.scores(window: places.windows == nil ? 0 : window, heads: heads) {
        table.values[$0 * table.columns + ($1 < distances ? distances - 1 - $1 : $1)]
      }
    }
    guard let grid, let rows = operand(.rowScores, of: operands),
      let columns = operand(.columnScores, of: operands)
    else { return nil }
    let (ofRows, ofColumns) = (part(window, of: rows), part(window, of: columns))
    var values: [S] = []
    values.reserveCapacity(shape.reduce(1, *))
    for head in 0..<heads {
      for query in 0..<shape[1] {
        let row = (query * heads + head) * grid[0]
        let column = (query * heads + head) * grid[1]
        for place in 0..<shape[2] {
          values.append(
            ofRows.values[row + place / grid[1]] + ofColumns.values[column + place % grid[1]])
        }
      }
    }
    return values
  }
}
