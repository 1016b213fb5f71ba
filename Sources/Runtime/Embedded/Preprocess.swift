import CVitSystem

/// Turns an RGB image into a model's input as the checkpoint's own pipeline does: resize (equal to
/// Pillow's in every bit, or in floats as PyTorch's), crop or pad, then value * scale + shift,
/// planar.
struct Preprocess {
  let program: UnsafePointer<vit_program>
  let rgb: UnsafePointer<UInt8>
  let width: Int
  let height: Int
  /// From a row to the next, either way.
  let rowBytes: Int

  /// Writes `image`, [3, height, width] of the model's input; the picture's fields are checked.
  func run(
    _ recipe: UnsafePointer<vit_preprocessing>, _ image: UnsafeMutablePointer<Float>
  ) -> vit_status {
    guard let shape = program.pointee.description?.pointee.input.shape, shape.0 == 3, shape.1 > 0,
      shape.2 > 0
    else {
      return fail(program, VIT_INVALID_ARGUMENT, "the model's input is not an RGB image")
    }
    guard Filter.codes.contains(recipe.pointee.filter) else {
      return fail(program, VIT_INVALID_ARGUMENT, "the model's resize filter is unknown")
    }
    let state = vit_float_enter()
    defer { vit_float_leave(state) }
    return write(image, height: Int(shape.1), width: Int(shape.2), recipe: recipe.pointee)
  }

  /// Resizes, crops and normalizes; a call of its own, so that no arithmetic leaves the default
  /// floating-point state.
  @inline(never)
  private func write(
    _ image: UnsafeMutablePointer<Float>, height targetHeight: Int, width targetWidth: Int,
    recipe: vit_preprocessing
  ) -> vit_status {
    let resized = ResizedSize(recipe, width: width, height: height)
    if recipe.window == VIT_WINDOW_EQUAL,
      resized.width != targetWidth || resized.height != targetHeight
    {
      return refuse(resized, height: targetHeight, width: targetWidth)
    }
    let columns = ResampleAxis(
      inputs: width, outputs: resized.width, size: targetWidth, recipe)
    let rows = ResampleAxis(inputs: height, outputs: resized.height, size: targetHeight, recipe)
    let target = Target(
      image: image + (rows.target &* targetWidth &+ columns.target), rowPixels: targetWidth,
      planePixels: targetWidth &* targetHeight, recipe: recipe)
    fillBorder(image, target, columns, rows)
    return recipe.arithmetic == VIT_RESIZE_IN_FLOATS
      ? resize(by: FloatArithmetic.self, columns, rows, target)
      : resize(by: ByteArithmetic.self, columns, rows, target)
  }

  /// Both passes of the resize, and the normalization.
  private func resize<Arithmetic: ResizeArithmetic>(
    by arithmetic: Arithmetic.Type, _ columns: ResampleAxis, _ rows: ResampleAxis,
    _ target: Target
  ) -> vit_status {
    // The taps of both axes, then the image after the first pass: its visible part only.
    let rowsFirst = Arithmetic.isRowsFirst(columns, rows)
    let between =
      rowsFirst
      ? UInt64(width).multipliedOrMax(UInt64(3 &* rows.visible))
      : UInt64(height).multipliedOrMax(UInt64(3 &* columns.visible))
    var extent = Extent()
    let columnTables = extent.add(columns.tableBytes)
    let rowTables = extent.add(rows.tableBytes)
    let firstPlace = extent.add(
      between.multipliedOrMax(UInt64(MemoryLayout<Arithmetic.Value>.stride)))
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
    let horizontal = ResampleTables<Arithmetic.Weight>(memory + columnTables, columns)
    Arithmetic.fill(horizontal, columns)
    let vertical = ResampleTables<Arithmetic.Weight>(memory + rowTables, rows)
    Arithmetic.fill(vertical, rows)

    let first = (memory + firstPlace).assumingMemoryBound(to: Arithmetic.Value.self)
    if rowsFirst {
      for y in 0..<rows.visible {
        for x in horizontal.inputs(columns.visible) {
          for c in 0..<3 {
            first[3 &* (y &* width &+ x) &+ c] = Arithmetic.first(
              rgb + (3 &* x &+ c), step: rowBytes, vertical, y)
          }
        }
        for x in 0..<columns.visible {
          for c in 0..<3 {
            target.set(
              c, y, x, Arithmetic.second(first + (3 &* y &* width &+ c), step: 3, horizontal, x))
          }
        }
      }
    } else {
      for y in vertical.inputs(rows.visible) {
        for x in 0..<columns.visible {
          for c in 0..<3 {
            first[3 &* (y &* columns.visible &+ x) &+ c] = Arithmetic.first(
              rgb + (y &* rowBytes &+ c), step: 3, horizontal, x)
          }
        }
      }
      for y in 0..<rows.visible {
        for x in 0..<columns.visible {
          for c in 0..<3 {
            target.set(
              c, y, x,
              Arithmetic.second(
                first + (3 &* x &+ c), step: 3 &* columns.visible, vertical, y))
          }
        }
      }
    }
    return VIT_OK
  }

  /// The status of an image that becomes another size than the input's, with its text.
  private func refuse(_ resized: ResizedSize, height: Int, width: Int) -> vit_status {
    var error = ErrorText(program)
    error.append("the image becomes ")
    error.append(resized.height)
    error.append(" x ")
    error.append(resized.width)
    error.append(" pixels (height x width), the model takes ")
    error.append(height)
    error.append(" x ")
    error.append(width)
    error.append(", and its checkpoint does not crop")
    return VIT_INVALID_ARGUMENT
  }

  /// Fills the image with the border if any of it shows.
  private func fillBorder(
    _ image: UnsafeMutablePointer<Float>, _ target: Target, _ columns: ResampleAxis,
    _ rows: ResampleAxis
  ) {
    if columns.visible &* rows.visible == target.planePixels { return }
    for c in 0..<3 {
      let value = channel(c, of: target.recipe.border)
      for i in 0..<target.planePixels { image[c &* target.planePixels &+ i] = value }
    }
  }
}

/// One of three numbers.
@inline(__always)
private func channel(_ c: Int, of values: (Float, Float, Float)) -> Float {
  c == 0 ? values.0 : c == 1 ? values.1 : values.2
}

/// The visible part of the planar image.
private struct Target {
  /// The top left pixel of the first channel.
  let image: UnsafeMutablePointer<Float>
  let rowPixels: Int
  let planePixels: Int
  let recipe: vit_preprocessing

  /// Stores value * scale + shift of a channel of the photo where the input has that channel.
  @inline(__always)
  func set(_ color: Int, _ y: Int, _ x: Int, _ value: Float) {
    let c = recipe.is_bgr != 0 ? 2 &- color : color
    image[c &* planePixels &+ y &* rowPixels &+ x] =
      value * channel(c, of: recipe.scale) + channel(c, of: recipe.shift)
  }
}
