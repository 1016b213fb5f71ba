import Diagnostics

/// The places of a grid, as queries and as keys of an attention, relative to each other.
///
/// Places are counted row by row; with a prefix there is one token before them. A table of relative
/// places has a number for each distance: a query `dr` rows below and `dc` columns to the right of
/// the key reads number `(dr + rows - 1) * (2 * columns - 1) + dc + columns - 1`. With a prefix
/// three numbers follow: for the first token as query, as key, and as both.
///
/// The grid may be one window of many, which cover an image that has been moved up and to the left,
/// what leaves it coming back in from the other side: places that were not neighbours share the
/// last windows of a row and of a column. So windows are of at most four kinds (``WindowKinds``).
public struct RelativePlaces: Hashable, Sendable {
  /// Rows and columns of the grid.
  public var grid: [Int]
  /// `true` iff there is a token before the places.
  public var hasPrefix: Bool
  /// Rows and columns of windows where each has its own seams; `nil`: the windows are alike.
  public var windows: [Int]?
  /// What the image has been moved by.
  public var shift: [Int]
  /// What is subtracted from the score of a query and a key on different sides of a seam.
  public var separation: Float

  /// Creates the places.
  public init(
    grid: [Int], hasPrefix: Bool = false, windows: [Int]? = nil, shift: [Int] = [0, 0],
    separation: Float = 100
  ) {
    self.grid = grid
    self.hasPrefix = hasPrefix
    self.windows = windows
    self.shift = shift
    self.separation = separation
  }

  /// Reads what follows the grid in an operation's attributes; `windows`: their name there.
  init(grid: [Int], _ list: inout Attributes, windows name: String) throws(Diagnostic) {
    self.init(
      grid: grid, hasPrefix: try list.boolean("prefix"),
      windows: list.names.contains(name) ? try list.integers(name) : nil,
      shift: list.names.contains("shift") ? try list.integers("shift") : [0, 0],
      separation: try list.number("separation", default: 100))
  }

  /// Adds what follows the grid to an operation's attributes.
  func set(_ list: inout Attributes, windows name: String) {
    if hasPrefix { list.set("prefix", .boolean(true)) }
    if let windows { list.set(name, .integers(windows)) }
    if shift != [0, 0] { list.set("shift", .integers(shift)) }
    if separation != 100 { list.set("separation", .number(separation)) }
  }

  /// The kinds of windows that are not alike; `nil`: the windows are.
  public var kinds: WindowKinds? { windows.map(WindowKinds.init) }
  /// The places, and the token before them.
  public var tokens: Int { grid[0] * grid[1] + (hasPrefix ? 1 : 0) }
  /// The numbers of a table for the distances of a grid.
  static func distances(_ grid: [Int]) -> Int { (2 * grid[0] - 1) * (2 * grid[1] - 1) }
  /// The numbers of a table.
  public var tableCount: Int { Self.distances(grid) + (hasPrefix ? 3 : 0) }

  /// Which number of a table is for each query and key, queries first.
  var indices: [Int] {
    let (prefix, places, tokens) = (hasPrefix ? 1 : 0, grid[0] * grid[1], tokens)
    let (width, count) = (2 * grid[1] - 1, Self.distances(grid))
    var result = Array(repeating: 0, count: tokens * tokens)
    for query in 0..<places {
      for key in 0..<places {
        let rows = query / grid[1] - key / grid[1] + grid[0] - 1
        let columns = query % grid[1] - key % grid[1] + grid[1] - 1
        result[(query + prefix) * tokens + key + prefix] = rows * width + columns
      }
    }
    guard hasPrefix else { return result }
    for token in 1..<tokens {
      result[token] = count
      result[token * tokens] = count + 1
    }
    result[0] = count + 2
    return result
  }

  /// For each place of a window, counted row by row, which side of its seams it lies on.
  func sides(window: Int) -> [Int] {
    let windows = windows ?? [1, 1]
    let isLast = [window / windows[1] == windows[0] - 1, window % windows[1] == windows[1] - 1]
    return (0..<grid[0] * grid[1]).map { place in
      let below = isLast[0] && place / grid[1] >= grid[0] - shift[0]
      let right = isLast[1] && place % grid[1] >= grid[1] - shift[1]
      return (below ? 2 : 0) + (right ? 1 : 0)
    }
  }

  /// What a window adds to the scores, `[heads, tokens, tokens]`; `table`: the number of a head at
  /// an index of its table.
  func scores<S: TensorScalar>(
    window: Int, heads: Int, _ table: (_ head: Int, _ index: Int) -> S
  ) -> [S] {
    let (indices, sides, tokens) = (indices, sides(window: window), tokens)
    var values: [S] = []
    values.reserveCapacity(heads * tokens * tokens)
    for head in 0..<heads {
      for query in 0..<tokens {
        for key in 0..<tokens {
          let bias = table(head, indices[query * tokens + key])
          let isApart = !hasPrefix && sides[query] != sides[key]
          values.append(isApart ? bias - S(separation) : bias)
        }
      }
    }
    return values
  }

  /// A table `[n, heads]` that was made for the grid `from`, for this one.
  ///
  /// What is for the token before the places is not resized.
  func resized<S: TensorScalar>(
    _ table: DenseTensor<S>, from: [Int], by method: RelativeResizeMethod
  ) -> DenseTensor<S> {
    guard from != grid else { return table }
    let heads = table.columns
    let taps = zip(from, grid).map { method.taps(from: $0, to: $1) }
    let (width, oldWidth) = (2 * grid[1] - 1, 2 * from[1] - 1)
    var values: [S] = []
    for place in 0..<Self.distances(grid) {
      for head in 0..<heads {
        var sum = 0.0
        for (row, rowWeight) in taps[0][place / width] {
          for (column, columnWeight) in taps[1][place % width] {
            let value = table.values[(row * oldWidth + column) * heads + head]
            sum += rowWeight * columnWeight * Double(value)
          }
        }
        values.append(S(sum))
      }
    }
    let last = table.values.suffix(hasPrefix ? 3 * heads : 0)
    return DenseTensor<S>(shape: [tableCount, heads], values: values + last)
  }

  /// `nil`, or what is wrong with windows and shift.
  var problem: String? {
    let isRight =
      windows.map { Self.isGrid($0) && !hasPrefix } ?? (shift == [0, 0])
      && shift.count == 2 && zip(shift, grid).allSatisfy { 0..<$1 ~= $0 }
    return isRight
      ? nil
      : "windows: expected two positive extents and no prefix, and a shift within the grid, found "
        + "\(windows ?? []) and \(shift)"
  }

  /// `true` iff these are the extents of a grid.
  static func isGrid(_ extents: [Int]) -> Bool {
    extents.count == 2 && TensorType(.f32, extents).isAllowed
      && extents.allSatisfy { $0 <= WindowGrid.largestExtent }
  }
}
