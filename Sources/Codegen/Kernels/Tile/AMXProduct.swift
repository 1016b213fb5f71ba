import IR

/// What AMX multiplies: a block of one or two tiles of rows by one or two tiles of columns of a
/// panel, over the whole depth.
///
/// A step of a tile goes over 16 groups of the depth, each of the result's 16 x 16 sums over as
/// many products of groups. Sums of integers are exact. Of bf16 an instruction sums the first and
/// the second elements of the groups apart, 16 products each in the order of the depth, adds the
/// two, and adds that to the sum (Intel SDM, volume 2B, TDPBF16PS): the longest chain of additions
/// is that of the steps, so sums are never divided into blocks. All of it is a function of the
/// depth alone, so results do not depend on which block a row is in.
///
/// Going around the four products of a block each needs one operand that the one before had: four
/// loads for four products, where the tiles last for two of each operand.
struct AMXProduct {
  /// The tiles of the operands, those of rows and those of columns.
  ///
  /// One tile may stand for two: then the second is loaded where the first was.
  struct Operands {
    var left: [Int]
    var right: [Int]
  }

  let element: ElementType
  /// The rows of a tile of sums: 1...16.
  let rows: Int
  /// The length of the sums, in groups.
  let depth: Int
  /// Groups from one row to the next of the left matrix.
  let aStride: Int
  /// The tiles of sums, by rows and columns; of whole steps, and of what is left of the depth.
  let sums: [[Int]]
  let whole: Operands
  let last: Operands

  /// A block of `rowTiles` by `columnTiles` tiles of sums, 1 or 2 each.
  ///
  /// With two kinds of steps there are two tiles of operands for each, and a block of four products
  /// takes five loads.
  init(
    _ element: ElementType, rows: Int, depth: Int, aStride: Int, rowTiles: Int, columnTiles: Int
  ) {
    (self.element, self.rows, self.depth, self.aStride) = (element, rows, depth, aStride)
    sums = (0..<rowTiles).map { row in (0..<columnTiles).map { 2 * row + $0 } }
    let pairs = Operands(left: [4, 5], right: [6, 7])
    let hasBoth = depth > AMXConfiguration.extent && depth % AMXConfiguration.extent > 0
    whole = hasBoth ? Operands(left: [4, 4], right: [5, 5]) : pairs
    last = hasBoth ? Operands(left: [6, 6], right: [7, 7]) : pairs
  }

  /// `true` iff there are products of tiles of a type.
  static func multiplies(_ element: ElementType) -> Bool { instruction(element) != nil }

  /// LLVM's name of the instruction: of integers, the left ones without a sign.
  private static func instruction(_ element: ElementType) -> String? {
    switch element {
    case .s8: "tdpbusd"
    case .bf16: "tdpbf16ps"
    case .f32, .f16, .i32: nil
    }
  }

  /// The steps of whole tiles.
  var rounds: Int { depth / AMXConfiguration.extent }

  /// The bytes of the sums of a row in memory.
  static let sumStrideBytes = Tile.panelWidth * 4

  /// Emits the products of rows at `a`, an address for each tile of rows, with the columns at
  /// `panel`, and their store, a row after the other, to the addresses `places`, one for each tile
  /// of rows.
  ///
  /// - Parameter prefetch: emits the prefetches of a round, given where they begin.
  func emit(
    _ b: Builder, a: [Value], panel: Value, ahead: Value, step: Value, to places: [Value],
    prefetch: (Value) -> Void
  ) {
    let columnTiles = sums[0].count
    for tile in sums.joined() { b.zeroTile(tile) }
    let leftBytes = AMXConfiguration.extent * 4
    let panelBytes = AMXConfiguration.extent * Tile.panelWidth * 4
    var (a, panel) = (a, panel)
    if rounds > 0 {
      let end = b.forLoop(
        from: b.constant(0), to: b.constant(rounds), carrying: a + [panel, ahead]
      ) { _, carried in
        let (left, right, ahead) = (
          Array(carried[..<a.count]), carried[a.count], carried[a.count + 1]
        )
        prefetch(ahead)
        emitStep(b, whole, left, right, columnTiles)
        return left.map { b.offset($0, bytes: leftBytes) }
          + [b.offset(right, bytes: panelBytes), b.offset(ahead, step)]
      }
      (a, panel) = (Array(end[..<a.count]), end[a.count])
    }
    if depth % AMXConfiguration.extent > 0 { emitStep(b, last, a, panel, columnTiles) }
    for (row, place) in places.enumerated() {
      for (column, tile) in sums[row].enumerated() {
        b.storeTile(
          tile, b.offset(place, bytes: column * AMXConfiguration.extent * 4),
          strideBytes: Self.sumStrideBytes)
      }
    }
  }

  /// Emits the products of one step, around the block.
  private func emitStep(
    _ b: Builder, _ operands: Operands, _ a: [Value], _ panel: Value, _ columnTiles: Int
  ) {
    guard let instruction = Self.instruction(element) else {
      preconditionFailure("AMX multiplies no \(element)")
    }
    // Which row or column of tiles an operand's tile holds.
    var held: [Int: Int] = [:]
    for row in a.indices {
      let columns = Array(0..<columnTiles)
      for column in row == 0 ? columns : columns.reversed() {
        let (left, right) = (operands.left[row], operands.right[column])
        if held[left] != row {
          b.loadTile(left, a[row], strideBytes: aStride * 4)
          held[left] = row
        }
        if held[right] != column {
          b.loadTile(
            right, b.offset(panel, bytes: column * AMXConfiguration.extent * 4),
            strideBytes: Tile.panelWidth * 4)
          held[right] = column
        }
        b.multiplyTiles(instruction, sums: sums[row][column], left: left, right: right)
      }
    }
  }
}
