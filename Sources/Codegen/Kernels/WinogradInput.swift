import IR

/// The input transform of one row of tiles: `V = B^T d B` for each tile and channel.
///
/// The vertical transform of a column of pixels serves both tiles that read it: a step to the next
/// tile transforms `tile` new columns and keeps the last two of the old ones. Pixels beyond the
/// image are zero, after the prologue too. For 16 channels of a tile of 4 that is 24 loads, 140
/// operations and 36 stores, where the products of 64 columns are 2304 multiply-adds.
struct WinogradInput: Kernel {
  enum Parameter: KernelParameter {
    /// `row` is the index of the row of tiles.
    case x, scaleShift, v, row
    var type: ParameterType { self == .row ? .index : .address }
    var isUnaliased: Bool { self == .v }
  }

  /// What is convolved.
  var shape: WinogradShape
  /// Elements from one pixel to the next.
  var xStride: Int
  /// What happens to a pixel first.
  var prologue: WinogradKernel.Prologue
  /// Elements from one tile to the next, and from one frequency to the next, of V.
  var tileStride: Int
  var frequencyStride: Int

  private var tile: Int { shape.tile.rawValue }
  private var points: Int { shape.tile.points }

  var title: String { "winograd_input_\(shape.title)" }

  /// A row of pixels that a row of tiles reads.
  private struct Line {
    let address: Value
    /// All bits set within the image, none beyond it; `nil`: always within.
    let mask: Value?
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let top = b.subtract(b.multiply(p[.row], b.constant(tile)), b.constant(1))
    // The last row of tiles may reach beyond the image with all that is below the image's last row.
    let lastTop = (shape.tileRows - 1) * tile - 1
    let lines = (0..<points).map { i in
      let row = b.add(top, b.constant(i))
      let last = b.constant(shape.height - 1)
      let clamped = b.minimum(b.maximum(row, b.constant(0)), last)
      let address = b.element(
        p[.x], b.multiply(clamped, b.constant(shape.width * xStride)))
      let reachesBeyond = i == 0 || lastTop + i >= shape.height
      let isWithin = b.equal(row, clamped)
      return Line(
        address: address,
        mask: reachesBeyond
          ? b.splat(b.select(isWithin, b.constant32(-1), b.constant32(0)), lanes) : nil)
    }
    let (groups, tail) = (shape.channels / lanes, shape.channels % lanes)
    b.forLoop(from: b.constant(0), to: b.constant(groups)) { group, _ in
      channels(b, p, lines, b.multiply(group, b.constant(lanes * 4)), count: lanes)
      return []
    }
    if tail > 0 { channels(b, p, lines, b.constant(groups * lanes * 4), count: tail) }
  }

  /// Emits all tiles for one vector of channels, `bytes` from the first channel.
  private func channels(
    _ b: Builder, _ p: Arguments<Parameter>, _ lines: [Line], _ bytes: Value, count: Int
  ) {
    let lanes = b.target.lanes
    let transform = WinogradTransform(tile: shape.tile)
    let zero = b.floats(0, lanes)
    let scaleShift = prologue.scaleShift(b, p[.scaleShift], bytes, count: count)

    /// The vertical transform of the column of pixels at this index.
    func column(_ index: Value) -> [Value] {
      let place = b.add(bytes, b.multiply(index, b.constant(xStride * 4)))
      let pixels = lines.map { line in
        let x = b.loadFloats(b.offset(line.address, place), lanes, count: count)
        let value = prologue.apply(b, x, scaleShift)
        guard let mask = line.mask else { return value }
        let bits = b.and(b.bitcast(value, to: b.type(of: mask)), mask)
        return b.bitcast(bits, to: b.floats(lanes))
      }
      return transform.input(b, pixels)
    }
    /// The horizontal transform and the stores of the tile at this index.
    func finish(_ columns: [[Value]], _ index: Value) {
      let place = b.add(bytes, b.multiply(index, b.constant(tileStride * 4)))
      for f in 0..<points {
        let values = transform.input(b, columns.map { $0[f] })
        for (e, value) in values.enumerated() {
          b.store(
            value,
            b.offset(
              b.offset(p[.v], place), bytes: (f * points + e) * frequencyStride * 4))
        }
      }
    }

    let beyond = Array(repeating: zero, count: points)
    let last = shape.tileColumns - 1
    let carried = b.forLoop(
      from: b.constant(0), to: b.constant(last), carrying: beyond + column(b.constant(0))
    ) { index, carried in
      var columns = [Array(carried[..<points]), Array(carried[points...])]
      let left = b.multiply(index, b.constant(tile))
      for j in 1...tile { columns.append(column(b.add(left, b.constant(j)))) }
      finish(columns, index)
      return columns[tile] + columns[tile + 1]
    }
    var columns = [Array(carried[..<points]), Array(carried[points...])]
    for j in 1...tile {
      let index = last * tile + j
      columns.append(index < shape.width ? column(b.constant(index)) : beyond)
    }
    finish(columns, b.constant(last))
  }
}
