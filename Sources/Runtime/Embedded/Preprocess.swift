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
    guard rowBytes >= 3 &* Int(width) else {
      var error = ErrorText(program)
      error.append("row_bytes is ")
      error.append(rowBytes)
      error.append(", expected at least 3 * width = ")
      error.append(3 &* Int(width))
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
    return work.write(
      image, height: Int(shape.1), width: Int(shape.2), recipe: recipe.pointee)
  }

  /// Resizes, crops and normalizes.
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

    // The taps of both axes, then the image after the horizontal pass: the visible columns only.
    var extent = Extent()
    let columnTables = extent.add(columns.tableBytes)
    let rowTables = extent.add(rows.tableBytes)
    let between = extent.add(UInt64(height).multipliedOrMax(UInt64(3 &* columns.visible)))
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

    let narrow = (memory + between).assumingMemoryBound(to: UInt8.self)
    resampleRows(into: narrow, columns, horizontal, rows: neededRows(rows, vertical))
    fillPadding(image, targetWidth &* targetHeight, recipe, columns, rows, targetWidth)
    let plane = targetWidth &* targetHeight
    for y in 0..<rows.visible {
      let start = (rows.target &+ y) &* targetWidth &+ columns.target
      let weights = vertical.weights(y)
      let count = vertical.count(y)
      let source = narrow + vertical.first(y) &* 3 &* columns.visible
      for x in 0..<columns.visible {
        for channel in 0..<3 {
          let value = convolve(
            source + (3 &* x &+ channel), step: 3 &* columns.visible, weights, count)
          image[channel &* plane &+ start &+ x] = normalize(Float(value), channel, recipe)
        }
      }
    }
    return VIT_OK
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

  /// The rows of the image that any visible row is made of.
  private func neededRows(_ rows: ResampleAxis, _ tables: ResampleTables) -> Range<Int> {
    var first = height
    var end = 0
    for y in 0..<rows.visible {
      first = min(first, tables.first(y))
      end = max(end, tables.first(y) &+ tables.count(y))
    }
    return first < end ? first..<end : 0..<0
  }

  /// The horizontal pass, rounded to 8 bits as Pillow does.
  private func resampleRows(
    into narrow: UnsafeMutablePointer<UInt8>, _ columns: ResampleAxis, _ tables: ResampleTables,
    rows: Range<Int>
  ) {
    for y in rows {
      let source = rgb + y &* rowBytes
      let target = narrow + y &* 3 &* columns.visible
      for x in 0..<columns.visible {
        let weights = tables.weights(x)
        let count = tables.count(x)
        let start = source + 3 &* tables.first(x)
        for channel in 0..<3 {
          target[3 &* x &+ channel] = convolve(start + channel, step: 3, weights, count)
        }
      }
    }
  }

  /// A weighted sum in fixed point, rounded and clamped to 8 bits.
  @inline(__always)
  private func convolve(
    _ source: UnsafePointer<UInt8>, step: Int, _ weights: UnsafePointer<Int32>, _ count: Int
  ) -> UInt8 {
    var sum: Int32 = 1 &<< (ResampleAxis.fractionBits &- 1)
    for tap in 0..<count { sum &+= Int32(source[tap &* step]) &* weights[tap] }
    return UInt8(truncatingIfNeeded: max(0, min(255, sum &>> ResampleAxis.fractionBits)))
  }

  /// Fills the image with the padding if any of it shows.
  private func fillPadding(
    _ image: UnsafeMutablePointer<Float>, _ plane: Int, _ recipe: vit_preprocessing,
    _ columns: ResampleAxis, _ rows: ResampleAxis, _ targetWidth: Int
  ) {
    if columns.visible == targetWidth && rows.visible &* targetWidth == plane { return }
    for channel in 0..<3 {
      let padding =
        switch channel {
        case 0: recipe.padding.0
        case 1: recipe.padding.1
        default: recipe.padding.2
        }
      let value = normalize(padding, channel, recipe)
      for i in 0..<plane { image[channel &* plane &+ i] = value }
    }
  }

  /// value * scale + shift of one channel.
  @inline(__always)
  private func normalize(_ value: Float, _ channel: Int, _ recipe: vit_preprocessing) -> Float {
    switch channel {
    case 0: value * recipe.scale.0 + recipe.shift.0
    case 1: value * recipe.scale.1 + recipe.shift.1
    default: value * recipe.scale.2 + recipe.shift.2
    }
  }
}
