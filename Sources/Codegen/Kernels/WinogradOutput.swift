import IR

/// The output transform of some rows of tiles and the columns of one panel: `Y = A^T M A`, then
/// bias and residual.
///
/// What reaches beyond the image is not stored. For 16 columns of a tile of 4 that is 36 loads, 120
/// operations and 16 stores, where the products of 64 channels are 2304 multiply-adds.
struct WinogradOutput: Kernel {
  enum Parameter: KernelParameter {
    /// `M`, which begins with the row of tiles `first`; `first ..< end` are to be done.
    case products, output, bias, residual, first, end
    var type: ParameterType { self == .first || self == .end ? .index : .address }
    var isUnaliased: Bool { self == .products }
  }

  /// What is convolved.
  var shape: WinogradShape
  /// The columns of the panel, at most `Tile.panelWidth`.
  var columns: Int
  /// Elements from one pixel of the result, and of the residual, to the next.
  var outputStride: Int
  var residualStride: Int
  var hasBias: Bool
  var hasResidual: Bool
  /// Elements from one frequency to the next of M; its tiles are `Tile.panelWidth` wide.
  var frequencyStride: Int

  private var tile: Int { shape.tile.rawValue }
  private var points: Int { shape.tile.points }

  var title: String { "winograd_output_\(shape.title)_\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (vectors, tail) = (columns / lanes, columns % lanes)
    b.forLoop(from: b.constant(0), to: b.constant(vectors)) { vector, _ in
      emit(b, p, b.multiply(vector, b.constant(lanes * 4)), count: lanes)
      return []
    }
    if tail > 0 { emit(b, p, b.constant(vectors * lanes * 4), count: tail) }
  }

  /// Emits all tiles for one vector of columns, `bytes` from the panel's first.
  private func emit(_ b: Builder, _ p: Arguments<Parameter>, _ bytes: Value, count: Int) {
    let lanes = b.target.lanes
    let bias =
      hasBias ? b.loadFloats(b.offset(p[.bias], bytes), lanes, count: count) : nil
    let (wholeRows, raggedRow) = (shape.height / tile, shape.height % tile)
    let (wholeColumns, raggedColumn) = (shape.width / tile, shape.width % tile)

    /// One row of tiles, `rows` of whose results lie within the image.
    func row(_ index: Value, rows: Int) {
      let first = b.multiply(b.subtract(index, p[.first]), b.constant(shape.tileColumns))
      let top = b.multiply(index, b.constant(tile * shape.width))
      func one(_ column: Value, columns: Int) {
        let products = b.offset(
          p[.products],
          b.add(bytes, b.multiply(b.add(first, column), b.constant(Tile.panelWidth * 4))))
        let pixel = b.add(top, b.multiply(column, b.constant(tile)))
        func at(_ name: Parameter, _ stride: Int) -> Value {
          b.offset(p[name], b.add(bytes, b.multiply(pixel, b.constant(stride * 4))))
        }
        square(
          b, products, at(.output, outputStride),
          hasResidual ? at(.residual, residualStride) : nil, bias, (rows, columns), count)
      }
      b.forLoop(from: b.constant(0), to: b.constant(wholeColumns)) { column, _ in
        one(column, columns: tile)
        return []
      }
      if raggedColumn > 0 { one(b.constant(wholeColumns), columns: raggedColumn) }
    }

    let endOfWhole = b.minimum(p[.end], b.constant(wholeRows))
    b.forLoop(from: p[.first], to: endOfWhole) { index, _ in
      row(index, rows: tile)
      return []
    }
    if raggedRow > 0 {
      b.ifThen(b.less(b.constant(wholeRows), p[.end])) {
        row(b.constant(wholeRows), rows: raggedRow)
      }
    }
  }

  /// Emits one tile, `extent` of whose results lie within the image.
  private func square(
    _ b: Builder, _ products: Value, _ output: Value, _ residual: Value?, _ bias: Value?,
    _ extent: (rows: Int, columns: Int), _ count: Int
  ) {
    let lanes = b.target.lanes
    let transform = WinogradTransform(tile: shape.tile)
    let halves = (0..<points).map { e in
      let column = (0..<points).map { f in
        b.load(
          b.floats(lanes), b.offset(products, bytes: (f * points + e) * frequencyStride * 4),
          alignment: lanes * 4)
      }
      return transform.output(b, column, count: extent.rows)
    }
    for i in 0..<extent.rows {
      let line = transform.output(b, halves.map { $0[i] }, count: extent.columns)
      for (j, sum) in line.enumerated() {
        let pixel = i * shape.width + j
        var value = bias.map { b.addFloat(sum, $0) } ?? sum
        if let residual {
          let address = b.offset(residual, bytes: pixel * residualStride * 4)
          value = b.addFloat(value, b.loadFloats(address, lanes, count: count))
        }
        b.storeFloats(value, b.offset(output, bytes: pixel * outputStride * 4), count: count)
      }
    }
  }
}
