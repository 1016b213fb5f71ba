import CSystem

/// Turns an RGB image into a model's input as the checkpoint's own pipeline does: resize (equal to
/// Pillow's in every bit), centred crop or pad, then value * scale + shift, planar.
struct Preprocess {
  let program: UnsafePointer<vit_program>
  let rgb: UnsafePointer<UInt8>
  let width: Int
  let height: Int
  let rowBytes: Int

  /// Checks the arguments and writes `image`, [3, height, width] of the model's input.
  static func run(
    _ program: UnsafePointer<vit_program>, _ rgb: UnsafePointer<UInt8>?, _ width: Int32,
    _ height: Int32, _ rowBytes: Int, _ image: UnsafeMutablePointer<Float>?
  ) -> vit_status {
    guard let recipe = program.pointee.preprocessing else {
      return fail(program, VIT_INVALID_ARGUMENT, "the model was compiled without preprocessing")
    }
    guard let rgb else { return fail(program, VIT_INVALID_ARGUMENT, "rgb is null") }
    guard let image else { return fail(program, VIT_INVALID_ARGUMENT, "image is null") }
    guard width > 0, height > 0 else {
      var error = ErrorText(program)
      error.append("image is ")
      error.append(Int(width))
      error.append(" x ")
      error.append(Int(height))
      error.append(" pixels, expected at least 1 x 1")
      return VIT_INVALID_ARGUMENT
    }
    // Beyond this, the addresses of the last row would not exist; `size_t` comes as `Int`.
    let isTooLarge = rowBytes < 0 || rowBytes > (1 << 46) / Int(height)
    guard !isTooLarge, rowBytes >= 3 &* Int(width) else {
      var error = ErrorText(program)
      error.append("row_bytes is ")
      error.append(bytes: rowBytes)
      if isTooLarge {
        error.append(", which is more than memory can hold")
      } else {
        error.append(", expected at least 3 * width = ")
        error.append(3 &* Int(width))
      }
      return VIT_INVALID_ARGUMENT
    }
    guard let shape = program.pointee.description?.pointee.input.shape, shape.0 == 3, shape.1 > 0,
      shape.2 > 0
    else {
      return fail(program, VIT_INVALID_ARGUMENT, "the model's input is not an RGB image")
    }
    guard Filter.codes.contains(recipe.pointee.filter) else {
      return fail(program, VIT_INVALID_ARGUMENT, "the model's resize filter is unknown")
    }
    let work = Preprocess(
      program: program, rgb: rgb, width: Int(width), height: Int(height), rowBytes: rowBytes)
    let state = vit_float_enter()
    defer { vit_float_leave(state) }
    return work.write(
      image, height: Int(shape.1), width: Int(shape.2), recipe: recipe.pointee)
  }

  /// Resizes, crops and normalizes; a call of its own, so that no arithmetic leaves the default
  /// floating-point state.
  @inline(never)
  private func write(
    _ image: UnsafeMutablePointer<Float>, height targetHeight: Int, width targetWidth: Int,
    recipe: vit_preprocessing
  ) -> vit_status {
    let resized = resizedSize(recipe)
    let filter = Filter(code: recipe.filter)
    let columns = ResampleAxis(
      inputs: width, outputs: resized.width, size: targetWidth, filter: filter,
      cropRounding: recipe.crop_rounding)
    let rows = ResampleAxis(
      inputs: height, outputs: resized.height, size: targetHeight, filter: filter,
      cropRounding: recipe.crop_rounding)

    // The taps of both axes, then the image after the first pass: its visible part only.
    let rowsFirst = Preprocess.shrinksRowsFirst(columns, rows)
    let betweenBytes =
      rowsFirst
      ? UInt64(width).multipliedOrMax(UInt64(3 &* rows.visible))
      : UInt64(height).multipliedOrMax(UInt64(3 &* columns.visible))
    var extent = Extent()
    let columnTables = extent.add(columns.tableBytes)
    let rowTables = extent.add(rows.tableBytes)
    let between = extent.add(betweenBytes)
    guard !extent.overflows, let memory = malloc(numericCast(extent.end)) else {
      var error = ErrorText(program)
      error.append("no memory to resize an image of ")
      error.append(width)
      error.append(" x ")
      error.append(height)
      error.append(" pixels")
      return VIT_OUT_OF_MEMORY
    }
    defer { free(memory) }
    let horizontal = ResampleTables(memory + columnTables, columns)
    columns.fill(horizontal)
    let vertical = ResampleTables(memory + rowTables, rows)
    rows.fill(vertical)

    let first = (memory + between).assumingMemoryBound(to: UInt8.self)
    let target = Target(
      image: image + (rows.target &* targetWidth &+ columns.target), rowPixels: targetWidth,
      planePixels: targetWidth &* targetHeight)
    fillPadding(image, target, columns, rows, recipe)
    if rowsFirst {
      for y in 0..<rows.visible {
        for x in horizontal.inputs(columns.visible) {
          for c in 0..<3 {
            first[3 &* (y &* width &+ x) &+ c] = convolve(
              rgb + (3 &* x &+ c), step: rowBytes, vertical, y)
          }
        }
        for x in 0..<columns.visible {
          for c in 0..<3 {
            target[c, y, x] = normalize(
              convolve(first + (3 &* y &* width &+ c), step: 3, horizontal, x), c, recipe)
          }
        }
      }
    } else {
      for y in vertical.inputs(rows.visible) {
        for x in 0..<columns.visible {
          for c in 0..<3 {
            first[3 &* (y &* columns.visible &+ x) &+ c] = convolve(
              rgb + (y &* rowBytes &+ c), step: 3, horizontal, x)
          }
        }
      }
      for y in 0..<rows.visible {
        for x in 0..<columns.visible {
          for c in 0..<3 {
            target[c, y, x] = normalize(
              convolve(first + (3 &* x &+ c), step: 3 &* columns.visible, vertical, y), c, recipe)
          }
        }
      }
    }
    return VIT_OK
  }

  /// Whether the vertical pass comes first, which shows in the last bit as values are rounded and
  /// clamped between the passes.
  ///
  /// Pillow 13's rule, found by trying sizes: where the height shrinks by more than twice the
  /// pixels that the width does. Earlier versions always begin with the horizontal pass.
  private static func shrinksRowsFirst(_ columns: ResampleAxis, _ rows: ResampleAxis) -> Bool {
    rows.outputs < rows.inputs
      && rows.inputs &- rows.outputs > 2 &* (columns.inputs &- columns.outputs)
  }

  /// The size of the image after the resize, before the crop.
  private func resizedSize(_ recipe: vit_preprocessing) -> (width: Int, height: Int) {
    let edge = Int(recipe.resize_height)
    switch recipe.resize_mode {
    case 1: return (max(1, Int(recipe.resize_width)), max(1, edge))
    case 2:
      return width <= height
        ? (max(1, edge), otherEdge(edge, height, per: width, recipe.size_rounding))
        : (otherEdge(edge, width, per: height, recipe.size_rounding), max(1, edge))
    case 3:
      return width >= height
        ? (max(1, edge), otherEdge(edge, height, per: width, recipe.size_rounding))
        : (otherEdge(edge, width, per: height, recipe.size_rounding), max(1, edge))
    default: return (width, height)
    }
  }

  /// The other edge's length after one of length `divisor` became `edge`.
  private func otherEdge(_ edge: Int, _ length: Int, per divisor: Int, _ rounding: Int32) -> Int {
    // Both as Python computes them: int(edge * length / divisor), or
    // round(length / (divisor / edge)).
    if rounding == 0 { return max(1, Int(Double(edge &* length) / Double(divisor))) }
    let exact = Double(length) / (Double(divisor) / Double(max(1, edge)))
    let down = Int(exact)
    let rest = exact - Double(down)
    let up = rest > 0.5 || (rest == 0.5 && down & 1 == 1)
    return max(1, up ? down &+ 1 : down)
  }

  /// A weighted sum in fixed point, rounded and clamped to 8 bits: output `i` of an axis whose
  /// inputs stand `step` bytes apart from `source` on.
  @inline(__always)
  private func convolve(
    _ source: UnsafePointer<UInt8>, step: Int, _ tables: ResampleTables, _ i: Int
  ) -> UInt8 {
    let weights = tables.weights(i)
    let start = source + tables.first(i) &* step
    var sum: Int32 = 1 &<< (ResampleAxis.fractionBits &- 1)
    for tap in 0..<tables.count(i) { sum &+= Int32(start[tap &* step]) &* weights[tap] }
    return UInt8(truncatingIfNeeded: max(0, min(255, sum &>> ResampleAxis.fractionBits)))
  }

  /// Fills the image with the padding if any of it shows.
  private func fillPadding(
    _ image: UnsafeMutablePointer<Float>, _ target: Target, _ columns: ResampleAxis,
    _ rows: ResampleAxis, _ recipe: vit_preprocessing
  ) {
    if columns.visible &* rows.visible == target.planePixels { return }
    for c in 0..<3 {
      let padding =
        switch c {
        case 0: recipe.padding.0
        case 1: recipe.padding.1
        default: recipe.padding.2
        }
      let value = normalize(padding, c, recipe)
      for i in 0..<target.planePixels { image[c &* target.planePixels &+ i] = value }
    }
  }

  /// value * scale + shift of an 8-bit value.
  @inline(__always)
  private func normalize(_ value: UInt8, _ c: Int, _ recipe: vit_preprocessing) -> Float {
    normalize(Float(value), c, recipe)
  }

  /// value * scale + shift of channel `c`.
  @inline(__always)
  private func normalize(_ value: Float, _ c: Int, _ recipe: vit_preprocessing) -> Float {
    switch c {
    case 0: value * recipe.scale.0 + recipe.shift.0
    case 1: value * recipe.scale.1 + recipe.shift.1
    default: value * recipe.scale.2 + recipe.shift.2
    }
  }
}

/// The visible part of the planar image.
private struct Target {
  /// The top left pixel of the first channel.
  let image: UnsafeMutablePointer<Float>
  let rowPixels: Int
  let planePixels: Int

  subscript(_ channel: Int, _ y: Int, _ x: Int) -> Float {
    get { image[channel &* planePixels &+ y &* rowPixels &+ x] }
    nonmutating set { image[channel &* planePixels &+ y &* rowPixels &+ x] = newValue }
  }
}
