/// The left operands of the seven products, in the order of their use.
enum StrassenLeft: CaseIterable {
  case a11, a12, s2, s3, a22, s1, s4

  /// Those that are sums.
  static let sums: [StrassenLeft] = [.s2, .s3, .s1, .s4]
}

/// Which left operands of a block are made, and where they lie, in elements.
struct StrassenLeftLayout: Hashable {
  /// In the order in which they lie.
  var operands: [StrassenLeft]
  /// Half a chunk of the depth, and the number of chunks.
  var depth: Int
  var chunks: Int
  /// From one pair of rows to the next, from one operand to the next, from one chunk to the next.
  var pairStride: Int
  var operandStride: Int
  var chunkStride: Int

  /// The size of all chunks.
  var bytes: Int { (chunks * chunkStride * 4 + 63) / 64 * 64 }

  /// What makes the operands of a pair of rows of `kernel`.
  func rows(of kernel: StrassenKernel) -> StrassenRows {
    StrassenRows(
      distance: kernel.rows / 2 * kernel.aStride, epsilon: kernel.epsilon, layout: self)
  }
}

/// What the rows of a pair are multiplied by, 4 elements a pair: the scales of its two rows, then
/// what undoes them.
enum StrassenScales {
  static let stride = 4

  /// Loads the scale of a row of pair `pair` beyond `scales`.
  static func load(_ b: Builder, _ scales: Value, _ pair: Int, _ half: Int) -> Value {
    b.load(b.f32, b.offset(scales, bytes: (pair * stride + half) * 4))
  }
}

/// The left operands from pairs of rows: their quarters, and `S1 = A21 + A22`, `S2 = S1 - A11`,
/// `S3 = A11 - A21`, `S4 = A12 - S2`.
///
/// Row `m` is added to row `m + distance`. Each row is brought to about the same size before: a row
/// of large values would otherwise leave its rounding errors in its partner.
struct StrassenRows: Kernel {
  enum Parameter: KernelParameter {
    /// The first row of the pair, and where its operands and its scales go.
    case row, operands, scales
    var isUnaliased: Bool { true }
  }

  /// Elements from a row to its partner.
  var distance: Int
  /// The term of the rows' norm, as in ``FusedLinearKernel``; `nil`: rows are not normalized, but
  /// scaled by a power of two, which the epilogue takes back.
  var epsilon: Float?
  var layout: StrassenLeftLayout

  private var depth: Int { layout.depth }
  private var columns: Int { 2 * depth * layout.chunks }

  var title: String { "strassen_rows_\(columns)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let sources = [p[.row], b.offset(p[.row], bytes: distance * 4)]
    let scales = sources.enumerated().map { half, source in
      let (scale, inverse) = self.scale(b, source)
      b.store(scale, b.offset(p[.scales], bytes: half * 4))
      b.store(inverse, b.offset(p[.scales], bytes: (2 + half) * 4))
      return b.splat(scale, lanes)
    }
    for chunk in 0..<layout.chunks {
      b.forLoop(from: b.constant(0), to: b.constant(depth), step: lanes) { column, _ in
        func quarter(_ row: Int, _ side: Int) -> Value {
          let address = b.element(sources[row], column)
          let x = b.load(
            b.floats(lanes), b.offset(address, bytes: (2 * chunk + side) * depth * 4))
          return b.multiplyFloat(x, scales[row])
        }
        let (a11, a12, a21, a22) = (quarter(0, 0), quarter(0, 1), quarter(1, 0), quarter(1, 1))
        let s1 = b.addFloat(a21, a22)
        let s2 = b.subtractFloat(s1, a11)
        let target = b.element(p[.operands], column)
        for (index, operand) in layout.operands.enumerated() {
          let value =
            switch operand {
            case .a11: a11
            case .a12: a12
            case .a22: a22
            case .s1: s1
            case .s2: s2
            case .s3: b.subtractFloat(a11, a21)
            case .s4: b.subtractFloat(a12, s2)
            }
          let element = chunk * layout.chunkStride + index * layout.operandStride
          b.store(value, b.offset(target, bytes: element * 4), alignment: lanes * 4)
        }
        return []
      }
    }
  }

  /// Emits what a row is multiplied by, and what undoes that to its results.
  private func scale(_ b: Builder, _ source: Value) -> (scale: Value, inverse: Value) {
    if let epsilon {
      let norm = RowNorm(columns: columns, epsilon: epsilon).inverseRoot(b, source)
      return (norm, b.float(1))
    }
    // The power of two below 1 / rms: multiplications by it are exact. Both it and its inverse stay
    // finite, however large or small the row is.
    let inverseRoot = RowNorm(columns: columns, epsilon: 1e-30).inverseRoot(b, source)
    let bounded = b.maximumFloat(inverseRoot, b.float(1e-15))
    let exponent = b.and(b.bitcast(bounded, to: b.i32), b.constant32(0x7f80_0000))
    let scale = b.bitcast(exponent, to: b.f32)
    return (scale, b.divideFloat(b.float(1), scale))
  }
}
