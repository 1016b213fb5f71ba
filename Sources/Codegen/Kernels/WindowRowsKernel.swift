import IR

/// Rows of an image's places in the order of windows, or back (``WindowGrid``).
///
/// Tasks share the rows of the result, each of which is copied from one row: cost, one pass over
/// them. The row is found by divisions by constants.
struct WindowRowsKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, border, output, task, count
  }

  /// What becomes what.
  enum Direction: Hashable {
    case toWindows
    case toImage
  }

  var direction: Direction
  /// The image, the windows, and where they are.
  var grid: WindowGrid
  /// The columns of a row.
  var columns: Int
  /// `true` iff places that the image is widened by have a row of their own; else they are zero.
  var hasBorder: Bool
  /// Elements from one row to the next.
  var xStride: Int
  var outputStride: Int

  var title: String {
    "window_\(direction == .toWindows ? "partition" : "merge")_\(image[0])x\(image[1])x\(columns)"
  }

  private var image: [Int] { grid.image }
  private var window: [Int] { grid.window }
  private var shift: [Int] { grid.shift }
  /// The rows of the result.
  private var rows: Int { direction == .toWindows ? grid.widenedPlaces : grid.places }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      let output = b.element(p[.output], b.multiply(row, b.constant(outputStride)))
      func copy(from source: Value) {
        let x = b.element(p[.x], b.multiply(source, b.constant(xStride)))
        b.visitRow(columns: columns) { bytes, count in
          let elements = b.loadFloats(b.offset(x, bytes), b.target.lanes, count: count)
          b.storeFloats(elements, b.offset(output, bytes), count: count)
        }
      }
      switch direction {
      case .toImage: copy(from: placeInWindows(b, row))
      case .toWindows:
        let (source, isInside) = placeInImage(b, row)
        guard grid.places < grid.widenedPlaces else {
          copy(from: source)
          return []
        }
        b.ifThen(isInside) { copy(from: source) }
        b.ifThen(b.not(isInside)) { fill(b, p[.border], output) }
      }
      return []
    }
  }

  /// Emits the row of a place that the image is widened by.
  private func fill(_ b: Builder, _ border: Value, _ output: Value) {
    let lanes = b.target.lanes
    b.visitRow(columns: columns) { bytes, count in
      let elements =
        hasBorder
        ? b.loadFloats(b.offset(border, bytes), lanes, count: count) : b.floats(0, lanes)
      b.storeFloats(elements, b.offset(output, bytes), count: count)
    }
  }

  /// Emits the place of the image that a place in the windows shows, and whether there is one.
  private func placeInImage(_ b: Builder, _ place: Value) -> (place: Value, isInside: Value) {
    let area = b.constant(window[0] * window[1])
    let (index, within) = (b.divide(place, area), b.remainder(place, area))
    let perRow = b.constant(grid.windows[1])
    var isInside = b.less(b.constant(0), b.constant(1))
    func coordinate(_ axis: Int, _ index: Value, _ within: Value) -> Value {
      let widened = b.add(b.multiply(index, b.constant(window[axis])), within)
      let moved =
        shift[axis] == 0
        ? widened
        : b.remainder(b.add(widened, b.constant(shift[axis])), b.constant(grid.moved[axis]))
      isInside = b.and(
        isInside, b.less(grid.movesFirst ? widened : moved, b.constant(image[axis])))
      return moved
    }
    let width = b.constant(window[1])
    let row = coordinate(0, b.divide(index, perRow), b.divide(within, width))
    let column = coordinate(1, b.remainder(index, perRow), b.remainder(within, width))
    return (b.add(b.multiply(row, b.constant(image[1])), column), isInside)
  }

  /// Emits the place in the windows that shows a place of the image.
  private func placeInWindows(_ b: Builder, _ place: Value) -> Value {
    func coordinate(_ axis: Int, _ coordinate: Value) -> (index: Value, within: Value) {
      let extent = grid.moved[axis]
      let moved =
        shift[axis] == 0
        ? coordinate
        : b.remainder(b.add(coordinate, b.constant(extent - shift[axis])), b.constant(extent))
      let size = b.constant(window[axis])
      return (b.divide(moved, size), b.remainder(moved, size))
    }
    let row = coordinate(0, b.divide(place, b.constant(image[1])))
    let column = coordinate(1, b.remainder(place, b.constant(image[1])))
    let index = b.add(b.multiply(row.index, b.constant(grid.windows[1])), column.index)
    let within = b.add(b.multiply(row.within, b.constant(window[1])), column.within)
    return b.add(b.multiply(index, b.constant(window[0] * window[1])), within)
  }
}
