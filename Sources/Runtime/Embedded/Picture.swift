import CVitSystem

/// A picture as an application has it, on its way to the RGB rows that preprocessing reads.
///
/// All functions that preprocess come here: those that take RGB rows are this one with a picture
/// whose other fields say so.
struct Picture {
  private let program: UnsafePointer<vit_program>
  private let picture: vit_picture
  /// Whether the caller gave a struct, whose fields texts name as such, or an argument for each.
  private let isStruct: Bool

  /// Bytes of a pixel by format; of NV12 those of the luma.
  private static func pixelBytes(_ format: Int32) -> Int {
    switch format {
    case VIT_PICTURE_RGB, VIT_PICTURE_BGR: 3
    case VIT_PICTURE_RGBA, VIT_PICTURE_BGRA: 4
    default: 1
    }
  }

  /// Makes one image of the model's input, of a size that there is, from upright RGB rows.
  ///
  /// - Parameter rowBytes: a `size_t`, which comes as an `Int`.
  static func write(
    _ program: UnsafePointer<vit_program>, rgb: UnsafePointer<UInt8>?, width: Int32,
    height: Int32, rowBytes: Int, size: Int32, _ image: UnsafeMutablePointer<Float>?
  ) -> vit_status {
    var picture = vit_picture()
    picture.pixels = rgb
    picture.row_bytes = rowBytes
    picture.width = width
    picture.height = height
    picture.format = VIT_PICTURE_RGB
    return Picture(program: program.size(Int(size)), picture: picture, isStruct: false)
      .write(image)
  }

  /// Makes one image of the model's input.
  static func write(
    _ program: UnsafePointer<vit_program>, _ picture: UnsafePointer<vit_picture>?,
    _ image: UnsafeMutablePointer<Float>?
  ) -> vit_status {
    guard let picture else { return fail(program, VIT_INVALID_ARGUMENT, "picture is null") }
    let size = picture.pointee.size
    guard size >= MemoryLayout<vit_picture>.size, size <= Options.mostBytes else {
      var error = ErrorText(program)
      error.append("picture.size is ")
      error.append(bytes: size)
      error.append(", expected sizeof of the picture struct, ")
      error.append(MemoryLayout<vit_picture>.size)
      return VIT_INVALID_ARGUMENT
    }
    let input = picture.pointee.input
    guard input >= 0, Int(input) < program.sizeCount else {
      var error = ErrorText(program)
      error.append("picture.input is ")
      error.append(Int(input))
      if program.sizeCount == 1 {
        error.append(", expected 0: the model has one size of input")
      } else {
        error.append(", expected 0 to ")
        error.append(program.sizeCount &- 1)
      }
      return VIT_INVALID_ARGUMENT
    }
    return Picture(program: program.size(Int(input)), picture: picture.pointee, isStruct: true)
      .write(image)
  }

  private func write(_ image: UnsafeMutablePointer<Float>?) -> vit_status {
    guard let recipe = program.pointee.preprocessing else {
      return fail(program, VIT_INVALID_ARGUMENT, "the model was compiled without preprocessing")
    }
    if let refusal = recipe.pointee.refusal { return program.refuse(refusal) }
    guard let pixels = picture.pixels else {
      return fail(
        program, VIT_INVALID_ARGUMENT, isStruct ? "picture.pixels is null" : "rgb is null")
    }
    guard let image else { return fail(program, VIT_INVALID_ARGUMENT, "image is null") }
    let status = check()
    guard status == VIT_OK else { return status }
    if picture.format == VIT_PICTURE_RGB, picture.orientation <= 1 {
      return Preprocess(
        program: program, rgb: pixels, width: Int(picture.width), height: Int(picture.height),
        rowBytes: picture.row_bytes
      ).run(recipe, image)
    }
    // All else is turned and converted first, so that there is one way to resize.
    let isTurned = picture.orientation > 4
    let width = isTurned ? picture.height : picture.width
    let height = isTurned ? picture.width : picture.height
    let bytes = UInt64(3 &* Int(width)).multipliedOrMax(UInt64(height))
    guard bytes < 1 << 46, let memory = malloc(numericCast(bytes)) else {
      var error = ErrorText(program)
      error.append("no memory to convert a picture of ")
      error.append(Int(picture.width))
      error.append(" x ")
      error.append(Int(picture.height))
      error.append(" pixels")
      return VIT_OUT_OF_MEMORY
    }
    defer { free(memory) }
    let rgb = memory.bindMemory(to: UInt8.self, capacity: Int(bytes))
    if picture.format == VIT_PICTURE_NV12 {
      convertNV12(to: rgb, width: Int(width), height: Int(height))
    } else {
      convert(to: rgb, width: Int(width), height: Int(height))
    }
    return Preprocess(
      program: program, rgb: rgb, width: Int(width), height: Int(height),
      rowBytes: 3 &* Int(width)
    ).run(recipe, image)
  }

  /// Checks every field.
  private func check() -> vit_status {
    guard picture.format >= VIT_PICTURE_RGB, picture.format <= VIT_PICTURE_NV12 else {
      return refuse("format", Int(picture.format), "expected one of the formats, 0 to 5")
    }
    guard picture.orientation >= 0, picture.orientation <= 8 else {
      return refuse("orientation", Int(picture.orientation), "expected 0 (as stored) to 8")
    }
    guard picture.width > 0, picture.height > 0 else {
      return program.refuse(width: picture.width, height: picture.height)
    }
    let least = Self.pixelBytes(picture.format) &* Int(picture.width)
    let status = check("row_bytes", picture.row_bytes, rows: Int(picture.height), least: least)
    guard status == VIT_OK, picture.format == VIT_PICTURE_NV12 else { return status }
    guard picture.chroma != nil else {
      return fail(program, VIT_INVALID_ARGUMENT, "picture.chroma is null, NV12 has one")
    }
    return check(
      "chroma_row_bytes", picture.chroma_row_bytes, rows: (Int(picture.height) &+ 1) / 2,
      least: 2 &* ((Int(picture.width) &+ 1) / 2))
  }

  /// Checks the distance of two rows, either way.
  private func check(
    _ field: StaticString, _ bytes: Int, rows: Int, least: Int
  ) -> vit_status {
    // Beyond this, the address of the last row would not exist. What a `size_t` holds is never
    // negative: it is too large.
    let distance = Int(truncatingIfNeeded: bytes.magnitude)
    guard distance >= 0, distance <= (1 << 46) / rows, isStruct || bytes >= 0 else {
      return refuse(field, bytes, "which is more than memory can hold")
    }
    guard distance >= least else {
      var error = begin(field, bytes)
      error.append("expected at least ")
      error.append(least)
      guard isStruct else { return VIT_INVALID_ARGUMENT }
      error.append(", or at most ")
      error.append(0 &- least)
      error.append(" for rows from bottom to top")
      return VIT_INVALID_ARGUMENT
    }
    return VIT_OK
  }

  private func refuse(
    _ field: StaticString, _ value: Int, _ expectation: StaticString
  ) -> vit_status {
    var error = begin(field, value)
    error.append(expectation)
    return VIT_INVALID_ARGUMENT
  }

  /// A text that names a field and its value.
  private func begin(_ field: StaticString, _ value: Int) -> ErrorText {
    var error = ErrorText(program)
    if isStruct { error.append("picture.") }
    error.append(field)
    error.append(" is ")
    if isStruct { error.append(value) } else { error.append(bytes: value) }
    error.append(", ")
    return error
  }

  /// Where the pixel (0, 0) of the upright picture lies among the stored ones, and what one step to
  /// the right and one down are there.
  private struct Walk {
    var x = 0
    var y = 0
    var right = (x: 1, y: 0)
    var down = (x: 0, y: 1)

    /// EXIF's orientations (JEITA CP-3451, 4.6.4 A), as PIL's `exif_transpose` undoes them.
    init(_ orientation: Int32, width: Int, height: Int) {
      switch orientation {
      case 2: (x, right) = (width &- 1, (-1, 0))
      case 3: (x, y, right, down) = (width &- 1, height &- 1, (-1, 0), (0, -1))
      case 4: (y, down) = (height &- 1, (0, -1))
      case 5: (right, down) = ((0, 1), (1, 0))
      case 6: (y, right, down) = (height &- 1, (0, -1), (1, 0))
      case 7: (x, y, right, down) = (width &- 1, height &- 1, (0, -1), (-1, 0))
      case 8: (x, right, down) = (width &- 1, (0, 1), (-1, 0))
      default: break
      }
    }
  }

  private var walk: Walk {
    Walk(picture.orientation, width: Int(picture.width), height: Int(picture.height))
  }

  /// Formats of whole bytes for each pixel.
  private func convert(to rgb: UnsafeMutablePointer<UInt8>, width: Int, height: Int) {
    guard let pixels = picture.pixels else { return }
    let bytes = Self.pixelBytes(picture.format)
    let walk = walk
    let right = walk.right.x &* bytes &+ walk.right.y &* picture.row_bytes
    let down = walk.down.x &* bytes &+ walk.down.y &* picture.row_bytes
    let isBGR = picture.format == VIT_PICTURE_BGR || picture.format == VIT_PICTURE_BGRA
    let green = bytes == 1 ? 0 : 1
    let (red, blue) = bytes == 1 ? (0, 0) : isBGR ? (2, 0) : (0, 2)
    let isOnWhite =
      bytes == 4 && (program.pointee.preprocessing?.pointee.alpha_on_white ?? 0) != 0
    var row = pixels + (walk.x &* bytes &+ walk.y &* picture.row_bytes)
    var target = rgb
    for y in 0..<height {
      var at = row
      for x in 0..<width {
        if isOnWhite {
          let alpha = Int(at[3])
          target[0] = Self.onWhite(at[red], alpha)
          target[1] = Self.onWhite(at[green], alpha)
          target[2] = Self.onWhite(at[blue], alpha)
        } else {
          target[0] = at[red]
          target[1] = at[green]
          target[2] = at[blue]
        }
        target += 3
        // No address beyond the picture is made.
        if x &+ 1 < width { at += right }
      }
      if y &+ 1 < height { row += down }
    }
  }

  /// A colour over white, as PIL's `alpha_composite` computes it: with 7 fractional bits, and the
  /// division by 255 as a sum of shifts.
  @inline(__always)
  private static func onWhite(_ color: UInt8, _ alpha: Int) -> UInt8 {
    let sum = (Int(color) &* alpha &+ 255 &* (255 &- alpha)) &<< 7 &+ (0x80 &<< 7)
    return UInt8(truncatingIfNeeded: (((sum &>> 8) &+ sum) &>> 8) &>> 7)
  }

  /// Luma of each pixel, chroma of each 2 x 2 of them: BT.601 in its narrow range, with 16
  /// fractional bits, rounded to nearest.
  private func convertNV12(to rgb: UnsafeMutablePointer<UInt8>, width: Int, height: Int) {
    guard let pixels = picture.pixels, let chroma = picture.chroma else { return }
    let walk = walk
    var target = rgb
    for y in 0..<height {
      for x in 0..<width {
        let column = walk.x &+ x &* walk.right.x &+ y &* walk.down.x
        let line = walk.y &+ x &* walk.right.y &+ y &* walk.down.y
        let luma = (Int(pixels[line &* picture.row_bytes &+ column]) &- 16) &* 76309
        let pair = chroma + ((line / 2) &* picture.chroma_row_bytes &+ (column / 2) &* 2)
        let (blue, red) = (Int(pair[0]) &- 128, Int(pair[1]) &- 128)
        target[0] = Self.rounded(luma &+ 104_597 &* red)
        target[1] = Self.rounded(luma &- 25_675 &* blue &- 53_279 &* red)
        target[2] = Self.rounded(luma &+ 132_201 &* blue)
        target += 3
      }
    }
  }

  /// A value with 16 fractional bits as a byte.
  @inline(__always)
  private static func rounded(_ value: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, (value &+ 32768) &>> 16)))
  }
}
