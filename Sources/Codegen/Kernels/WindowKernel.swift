import IR

/// Visits the windows of an image.
extension Builder {
  /// The range of a window's taps that lie in the image, along one side whose first tap is at
  /// `start`, which may lie before the image.
  func taps(from start: Value, size: Int, extent: Int) -> (first: Value, end: Value) {
    (
      maximum(constant(0), subtract(constant(0), start)),
      minimum(constant(size), subtract(constant(extent), start))
    )
  }

  /// Visits the taps of window `index` that lie in the image: row and column of the tap, and the
  /// index of the pixel.
  func visitTaps(
    of windows: Windows, _ index: Value, carrying initial: [Value] = [],
    _ body: (_ u: Value, _ v: Value, _ pixel: Value, _ carried: [Value]) -> [Value]
  ) -> [Value] {
    let columns = constant(windows.columns)
    let step = constant(windows.stride)
    let top = subtract(
      multiply(divide(index, columns), step), constant(windows.padding.top))
    let left = subtract(
      multiply(remainder(index, columns), step), constant(windows.padding.left))
    let rows = taps(from: top, size: windows.kernelHeight, extent: windows.height)
    let inRow = taps(from: left, size: windows.kernelWidth, extent: windows.width)
    return forLoop(from: rows.first, to: rows.end, carrying: initial) { u, carried in
      let line = add(multiply(add(top, u), constant(windows.width)), left)
      return forLoop(from: inRow.first, to: inRow.end, carrying: carried) { v, carried in
        body(u, v, add(line, v), carried)
      }
    }
  }

  /// `true` iff window `index` lies wholly in the image.
  func isInside(_ windows: Windows, _ index: Value) -> Value {
    let columns = constant(windows.columns)
    func isInside(_ place: Value, _ before: Int, _ size: Int, _ extent: Int) -> Value {
      let start = subtract(multiply(place, constant(windows.stride)), constant(before))
      return and(
        less(constant(-1), start), less(start, constant(extent - size + 1)))
    }
    return and(
      isInside(
        divide(index, columns), windows.padding.top, windows.kernelHeight, windows.height),
      isInside(
        remainder(index, columns), windows.padding.left, windows.kernelWidth, windows.width))
  }
}

/// A convolution that no pass has rewritten, kept so that every legal graph runs.
///
/// Each window is gathered into a row of scratch memory, its elements in the order of a filter's;
/// each element of the result is the sum of products of that row and a filter. The filters are
/// read whole for each window. Tasks share the windows.
struct Conv2dKernel: StepKernel {
  enum Parameter: StepParameter {
    case image, weight, bias, output, scratch, task, count
  }

  var windows: Windows
  /// Channels of the image.
  var channels: Int
  /// Channels of the result.
  var filters: Int
  /// `true` iff the image is planar: `[channels, height, width]`.
  var isPlanar: Bool
  var hasBias: Bool
  /// Elements from one pixel to the next.
  var xStride: Int
  var outputStride: Int

  private var taps: Int { windows.kernelHeight * windows.kernelWidth }
  private var depth: Int { channels * taps }
  /// The row of one window.
  var scratchBytes: Int { depth * 4 }

  var title: String { "conv2d_\(windows.height)x\(windows.width)x\(channels)_to\(filters)" }

  func division(on target: Target) -> Division {
    Division(windows.count)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let row = p[.scratch]
    let (first, end) = b.share(of: b.constant(windows.count), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { index, _ in
      gather(b, p[.image], index, row)
      let output = b.element(p[.output], b.multiply(index, b.constant(outputStride)))
      b.forLoop(from: b.constant(0), to: b.constant(filters)) { filter, _ in
        let line = b.element(p[.weight], b.multiply(filter, b.constant(depth)))
        let sums = b.visitRow(columns: depth, sums: b.floats(0, lanes)) { bytes, count, sum in
          b.multiplyAdd(
            b.loadFloats(b.offset(row, bytes), lanes, count: count),
            b.loadFloats(b.offset(line, bytes), lanes, count: count), sum)
        }
        let sum = b.total(sums)
        let result =
          hasBias ? b.addFloat(sum, b.load(b.f32, b.element(p[.bias], filter))) : sum
        b.store(result, b.element(output, filter))
        return []
      }
      return []
    }
  }

  /// Emits the copy of window `index` to `row`.
  private func gather(_ b: Builder, _ image: Value, _ index: Value, _ row: Value) {
    if taps > 1 {
      let lanes = b.target.lanes
      b.visitRow(columns: depth) { bytes, count in
        b.storeFloats(b.floats(0, lanes), b.offset(row, bytes), count: count)
      }
    }
    let pixels = b.constant(windows.height * windows.width)
    _ = b.visitTaps(of: windows, index) { u, v, pixel, _ in
      let tap = b.element(row, b.add(b.multiply(u, b.constant(windows.kernelWidth)), v))
      let from = b.element(
        image, isPlanar ? pixel : b.multiply(pixel, b.constant(xStride)))
      b.forLoop(from: b.constant(0), to: b.constant(channels)) { channel, _ in
        let x = b.load(b.f32, b.element(from, isPlanar ? b.multiply(channel, pixels) : channel))
        b.store(x, b.element(tap, b.multiply(channel, b.constant(taps))))
        return []
      }
      return []
    }
  }
}

/// The maximum of each channel in each window of an image; tasks share the windows.
struct MaxPoolKernel: StepKernel {
  enum Parameter: StepParameter {
    case image, output, task, count
  }

  var windows: Windows
  var channels: Int
  var border: PoolBorder
  /// Elements from one pixel to the next.
  var xStride: Int
  var outputStride: Int

  var title: String { "max_pool_\(windows.height)x\(windows.width)x\(channels)" }

  func division(on target: Target) -> Division {
    Division(windows.count)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (first, end) = b.share(of: b.constant(windows.count), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { index, _ in
      let output = b.element(p[.output], b.multiply(index, b.constant(outputStride)))
      let isInside = b.isInside(windows, index)
      guard windows.kernelHeight * windows.kernelWidth <= MaxPoolKernel.mostTaps else {
        let (lowest, zero) = (b.floats(-.infinity, lanes), b.floats(0, lanes))
        let start = border == .lowest ? lowest : b.select(isInside, lowest, zero)
        visit(b, p[.image], index, output, start: start)
        return []
      }
      b.ifThen(isInside) { inside(b, p[.image], index, output) }
      b.ifThen(b.not(isInside)) {
        let start = b.floats(border == .lowest ? -.infinity : 0, lanes)
        visit(b, p[.image], index, output, start: start)
      }
      return []
    }
  }

  /// More taps than this are a loop everywhere.
  private static let mostTaps = 16

  /// Emits a window of which some taps may lie outside of the image.
  private func visit(
    _ b: Builder, _ image: Value, _ index: Value, _ output: Value, start: Value
  ) {
    b.visitRow(columns: channels) { bytes, count in
      let largest = b.visitTaps(of: windows, index, carrying: [start]) { _, _, pixel, largest in
        let from = b.element(image, b.multiply(pixel, b.constant(xStride)))
        let x = b.loadFloats(b.offset(from, bytes), b.target.lanes, count: count)
        return [b.maximumOrNaN([largest[0], x])]
      }
      b.storeFloats(largest[0], b.offset(output, bytes), count: count)
    }
  }

  /// Emits a window that lies wholly in the image, as nearly all do: every tap is a displacement.
  private func inside(_ b: Builder, _ image: Value, _ index: Value, _ output: Value) {
    let lanes = b.target.lanes
    func corner(_ place: Value, _ before: Int) -> Value {
      b.subtract(b.multiply(place, b.constant(windows.stride)), b.constant(before))
    }
    let columns = b.constant(windows.columns)
    let line = corner(b.divide(index, columns), windows.padding.top)
    let column = corner(b.remainder(index, columns), windows.padding.left)
    let pixel = b.add(b.multiply(line, b.constant(windows.width)), column)
    let from = b.element(image, b.multiply(pixel, b.constant(xStride)))
    b.visitRow(columns: channels) { bytes, count in
      let taps = (0..<windows.kernelHeight).flatMap { u in
        (0..<windows.kernelWidth).map { v in
          let tap = b.offset(from, bytes: (u * windows.width + v) * xStride * 4)
          return b.loadFloats(b.offset(tap, bytes), lanes, count: count)
        }
      }
      b.storeFloats(b.maximumOrNaN(taps), b.offset(output, bytes), count: count)
    }
  }
}
