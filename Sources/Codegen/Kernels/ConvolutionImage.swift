import IR

/// The image that a convolution's tiles read: `x` itself, or a task's private copy.
///
/// A copy is normalized and has its border of zeros, so that a tap of the window is a displacement
/// known at compile time. It is made line by line just before the lines are needed and is read from
/// the caches. Where the window is one pixel, only the pixels that are read are copied, densely.
/// Strides count groups of 32 bits: a copy of bf16 has two channels in each.
struct ConvolutionImage: Hashable {
  enum Kind: Hashable {
    /// `x` itself.
    case inPlace
    /// The pixels that are read, one after the other.
    case dense
    /// Lines with their border; a planar image has one plane of lines for each channel.
    case bordered
  }

  var windows: Windows
  var channels: Int
  /// `true` iff `x` is `[channels, height, width]`.
  var isPlanar: Bool
  /// Elements from one pixel of `x` to the next.
  var xStride: Int
  /// Elements from the scales to the shifts; `nil`: `x` is not normalized.
  var scaleShiftStride: Int?
  var activation: ActivationFunction?
  /// The type of the operands: f32, or bf16 of an even number of channels.
  var operandType = ElementType.f32
  /// The steps of one accumulator in a block of a sum, at most.
  var summationBlock = Tile.standardSummationBlock

  /// Its part in the title of a kernel.
  var title: String {
    let kernel = "\(windows.kernelHeight)x\(windows.kernelWidth)"
    return "\(operandType.rawValue)_\(windows.height)x\(windows.width)x\(channels)_\(kernel)"
  }

  /// The groups of a pixel.
  private var groups: Int { operandType.format.groups(channels) }

  /// The length of the sums, in groups.
  var depth: Int { windows.kernelHeight * windows.kernelWidth * groups }

  var kind: Kind {
    if scaleShiftStride == nil, windows.padding == Padding(), operandType == .f32 {
      return .inPlace
    }
    return windows.isOnePixel ? .dense : .bordered
  }

  /// The lines and pixels of a line that windows reach.
  private var lines: Int { (windows.rows - 1) * windows.stride + windows.kernelHeight }
  private var pixels: Int { (windows.columns - 1) * windows.stride + windows.kernelWidth }

  /// Groups from one pixel to the next.
  var pixelStride: Int {
    if isPlanar { return 1 }
    return kind == .inPlace ? xStride : RowStride.padded(groups)
  }
  /// Groups from one line to the next.
  var lineStride: Int {
    switch kind {
    case .inPlace: windows.width * pixelStride
    case .dense: windows.columns * pixelStride
    case .bordered: isPlanar ? RowStride.padded(pixels) : pixels * pixelStride
    }
  }
  /// Groups from one plane to the next.
  var planeStride: Int {
    kind == .inPlace ? windows.height * windows.width : lines * lineStride
  }

  /// Groups from one pixel of the result to the next, in the image, and for lines likewise.
  var tileStride: Int { kind == .dense ? pixelStride : windows.stride * pixelStride }
  var tileLineStride: Int { kind == .dense ? lineStride : windows.stride * lineStride }

  /// `true` iff the pixels of the result follow each other without regard to lines.
  var isStraight: Bool { tileLineStride == windows.columns * tileStride }

  /// The memory of the copy of `rows` pixels of the result, in bytes.
  func bytes(rows: Int) -> Int {
    switch kind {
    case .inPlace: 0
    case .dense: rows * pixelStride * 4
    case .bordered: (isPlanar ? channels * planeStride : lines * lineStride) * 4
    }
  }

  /// The bytes of the image that one more line of the result needs.
  var bytesPerLine: Int {
    switch kind {
    case .inPlace, .dense: windows.columns * pixelStride * 4
    case .bordered: windows.stride * lineStride * (isPlanar ? channels : 1) * 4
    }
  }

  /// How the sum of a tile goes over it.
  ///
  /// Runs longer than a block of a sum are divided, if they can be without a remainder.
  var addressing: (addressing: ImplicitGEMM, depth: Int) {
    let g = windows
    guard !isPlanar else {
      let addressing = ImplicitGEMM(
        counts: [channels, g.kernelHeight, 1], strides: [planeStride, lineStride, 0])
      return (addressing, g.kernelWidth)
    }
    let pieces = (groups + summationBlock - 1) / summationBlock
    let parts = groups % (4 * pieces) == 0 ? pieces : 1
    let addressing = ImplicitGEMM(
      counts: [g.kernelHeight, g.kernelWidth, parts],
      strides: [lineStride, pixelStride, groups / parts])
    return (addressing, groups / parts)
  }

  /// Emits the copy of what the pixels `first ..< end` of the result need and is not there yet.
  ///
  /// - Parameters:
  ///   - done: the first line that has not been copied, of a bordered image.
  /// - Returns: the new `done`.
  func copy(
    _ b: Builder, _ x: Value, _ scaleShift: Value, to copy: Value, from first: Value,
    to end: Value, done: Value
  ) -> Value {
    switch kind {
    case .inPlace: return done
    case .dense:
      copyPixels(b, x, scaleShift, to: copy, from: first, to: end)
      return done
    case .bordered:
      let width = b.constant(windows.columns)
      let stride = b.constant(windows.stride)
      let start = b.multiply(b.divide(first, width), stride)
      let lastLine = b.divide(b.subtract(end, b.constant(1)), width)
      let stop = b.add(b.multiply(lastLine, stride), b.constant(windows.kernelHeight))
      b.forLoop(from: b.maximum(start, done), to: stop) { line, _ in
        if isPlanar {
          b.forLoop(from: b.constant(0), to: b.constant(channels)) { plane, _ in
            let source = b.multiply(plane, b.constant(windows.height * windows.width))
            let target = b.multiply(plane, b.constant(planeStride))
            copyLine(b, b.element(x, source), scaleShift, b.element(copy, target), line)
            return []
          }
        } else {
          copyLine(b, x, scaleShift, copy, line)
        }
        return []
      }
      return stop
    }
  }

  /// Emits the dense copy of the pixels of the result `first ..< end`.
  private func copyPixels(
    _ b: Builder, _ x: Value, _ scaleShift: Value, to copy: Value, from first: Value,
    to end: Value
  ) {
    let g = windows
    let rows = rows(xStride: g.stride * xStride)
    guard g.stride > 1 else {
      let source = b.element(x, b.multiply(first, b.constant(xStride)))
      b.call(
        rows,
        [
          .x: source, .scaleShift: scaleShift, .residual: b.null, .residualScaleShift: b.null,
          .output: copy, .rows: b.subtract(end, first),
        ])
      return
    }
    let width = b.constant(g.columns)
    b.forLoop(from: b.divide(first, width), to: b.divide(end, width)) { line, _ in
      let source = b.multiply(line, b.constant(g.stride * g.width * xStride))
      let target = b.multiply(
        b.subtract(b.multiply(line, width), first), b.constant(pixelStride))
      b.call(
        rows,
        [
          .x: b.element(x, source), .scaleShift: scaleShift, .residual: b.null,
          .residualScaleShift: b.null, .output: b.element(copy, target), .rows: width,
        ])
      return []
    }
  }

  private func rows(xStride: Int) -> NormalizeRows {
    NormalizeRows(
      channels: channels, xStride: xStride, outputStride: pixelStride,
      scaleShiftStride: scaleShiftStride, activation: activation, result: operandType)
  }

  /// Emits line `line` of the bordered copy.
  private func copyLine(
    _ b: Builder, _ x: Value, _ scaleShift: Value, _ copy: Value, _ line: Value
  ) {
    let g = windows
    let left = min(g.padding.left, pixels)
    let inside = min(g.width, pixels - left)
    let unit = isPlanar ? 1 : pixelStride
    let target = b.element(copy, b.multiply(line, b.constant(lineStride)))
    func clear(_ from: Int, _ count: Int) {
      if count > 0 {
        b.call(
          ZeroFill(),
          [.to: b.offset(target, bytes: from * unit * 4), .count: b.constant(count * unit)])
      }
    }
    let (above, below) = (b.constant(g.padding.top), b.constant(g.padding.top + g.height))
    b.ifThen(b.less(line, above)) { clear(0, pixels) }
    b.ifThen(b.less(line, below)) {
      b.ifThen(b.less(b.constant(g.padding.top - 1), line)) {
        clear(0, left)
        let y = b.subtract(line, above)
        let source = b.element(x, b.multiply(y, b.constant(g.width * (isPlanar ? 1 : xStride))))
        let start = b.offset(target, bytes: left * unit * 4)
        if inside > 0 {
          let plane = NormalizeRows(channels: inside, xStride: 0, outputStride: 0)
          b.call(
            isPlanar ? plane : rows(xStride: xStride),
            [
              .x: source, .scaleShift: scaleShift, .residual: b.null, .residualScaleShift: b.null,
              .output: start, .rows: b.constant(isPlanar ? 1 : inside),
            ])
        }
        clear(left + inside, pixels - left - inside)
      }
    }
    b.ifThen(b.less(b.constant(g.padding.top + g.height - 1), line)) { clear(0, pixels) }
  }
}

/// Stores zeros.
struct ZeroFill: Kernel {
  enum Parameter: KernelParameter {
    /// Where, and how many floats.
    case to, count
    var type: ParameterType { self == .count ? .index : .address }
  }

  var title: String { "fill_zero" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let whole = b.divide(p[.count], b.constant(lanes))
    b.forLoop(from: b.constant(0), to: whole) { index, _ in
      b.store(
        b.floats(0, lanes), b.element(p[.to], b.multiply(index, b.constant(lanes))))
      return []
    }
    b.forLoop(from: b.multiply(whole, b.constant(lanes)), to: p[.count]) { index, _ in
      b.store(b.float(0), b.element(p[.to], index))
      return []
    }
  }
}

extension Windows {
  /// `true` iff each window is one pixel of the image.
  var isOnePixel: Bool { kernelHeight == 1 && kernelWidth == 1 && padding == Padding() }
}
