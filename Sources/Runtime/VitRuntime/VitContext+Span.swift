/// The same runs on spans: views of memory that the compiler keeps alive and in bounds.
extension VitContext {
  /// Runs images and writes the first output, [count, its shape]; allocates nothing.
  ///
  /// - Parameters:
  ///   - images: [count, channels, height, width].
  ///   - output: count times as many floats as the first output has for one image.
  public func run(
    images: Span<Float>, count: Int = 1, into output: inout MutableSpan<Float>
  ) throws(VitError) {
    try images.withUnsafeBufferPointer { (images) throws(VitError) in
      try output.withUnsafeMutableBufferPointer { (output) throws(VitError) in
        try run(images: images, count: count, into: output)
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
  ///   - image: as many floats as the model's input has.
  public func preprocess(
    rgb: RawSpan, width: Int, height: Int, rowBytes: Int? = nil,
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
    guard image.count == description.input.elements else {
      throw VitError(
        .invalidArgument,
        "image has \(image.count) floats, expected \(description.input.shape) = "
          + "\(description.input.elements)")
    }
    let status = rgb.withUnsafeBytes { bytes in
      image.withUnsafeMutableBufferPointer { image in
        entry.pointee.preprocess(
          bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), columns, rows, row,
          image.baseAddress)
      }
    }
    try check(status)
  }
}
