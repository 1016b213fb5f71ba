/// The same runs on spans: views of memory that the compiler keeps alive and in bounds.
extension VitContext {
  /// Runs images and writes the first output, [count, its shape]; allocates nothing.
  ///
  /// - Parameters:
  ///   - images: [count, channels, height, width].
  ///   - size: the size of the images, a place in the model's `sizes`.
  ///   - output: count times as many floats as the first output has for one image.
  public func run(
    images: Span<Float>, count: Int = 1, size: Int = 0, into output: inout MutableSpan<Float>
  ) throws(VitError) {
    try images.withUnsafeBufferPointer { (images) throws(VitError) in
      try output.withUnsafeMutableBufferPointer { (output) throws(VitError) in
        try run(images: images, count: count, size: size, into: output)
      }
    }
  }
}

extension VitModel {
  /// Makes one image of the model's input, [channels, height, width], from an RGB picture, without
  /// a copy of either.
  ///
  /// - Parameters:
  ///   - rgb: rows from top to bottom, 3 bytes a pixel, red first.
  ///   - rowBytes: from one row to the next; 3 * width by default.
  ///   - size: the size of the image, a place in `sizes`.
  ///   - image: as many floats as the model's input of that size has.
  public func preprocess(
    rgb: RawSpan, width: Int, height: Int, rowBytes: Int? = nil, size: Int = 0,
    into image: inout MutableSpan<Float>
  ) throws(VitError) {
    // What may overflow is refused before it is used.
    let row = rowBytes ?? 3 &* width
    let (before, overflow) = row.multipliedReportingOverflow(by: height &- 1)
    guard let columns = Int32(exactly: width), let rows = Int32(exactly: height), columns > 0,
      rows > 0, row >= 3 * width, !overflow, rgb.byteCount - 3 * width >= before
    else {
      throw VitError(
        .invalidArgument,
        "\(rgb.byteCount) bytes are not an image of \(width) x \(height) pixels in rows of "
          + "\(row) bytes")
    }
    let input = try sized(size).input
    guard image.count == input.elements else {
      throw VitError(
        .invalidArgument,
        "image has \(image.count) floats, expected \(input.shape) = \(input.elements)")
    }
    let status = rgb.withUnsafeBytes { bytes in
      image.withUnsafeMutableBufferPointer { image in
        let pixels = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return size == 0
          ? entry.pointee.preprocess(pixels, columns, rows, row, image.baseAddress)
          : entry.pointee.preprocess_sized(
            pixels, columns, rows, row, Int32(truncatingIfNeeded: size), image.baseAddress)
      }
    }
    try check(status)
  }
}
