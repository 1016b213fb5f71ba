import CVitABI

/// Functions for a size: libraries for one size have none that take it.
extension UnsafePointer where Pointee == vit_entry {
  /// Runs images of a size for the first output.
  func run(
    _ context: OpaquePointer, _ size: Int, _ images: UnsafePointer<Float>?, _ count: Int,
    _ output: UnsafeMutableRawPointer?
  ) -> vit_status {
    size == 0
      ? pointee.run(context, images, count, output)
      : pointee.run_sized(context, Int32(truncatingIfNeeded: size), images, count, output)
  }

  /// Runs images of a size for all outputs.
  func runAll(
    _ context: OpaquePointer, _ size: Int, _ images: UnsafePointer<Float>?, _ count: Int,
    _ outputs: [UnsafeMutableRawPointer?]
  ) -> vit_status {
    size == 0
      ? pointee.run_all(context, images, count, outputs)
      : pointee.run_all_sized(context, Int32(truncatingIfNeeded: size), images, count, outputs)
  }
}

/// Models for images of several sizes.
extension VitModel {
  /// The description of a size.
  ///
  /// - Parameter size: a place in `sizes`.
  /// - Throws: `VitError` if the model has no such size.
  public func sized(_ size: Int) throws(VitError) -> VitDescription {
    guard sizes.indices.contains(size) else {
      throw VitError(
        .invalidArgument, "size is \(size), expected 0 to \(sizes.count - 1)")
    }
    return sizes[size]
  }

  /// The place in `sizes` of images of this height and width; `nil` if there is none.
  public func size(height: Int, width: Int) -> Int? {
    sizes.firstIndex { $0.input.shape.count == 3 && $0.input.shape.suffix(2) == [height, width] }
  }

  /// Which size the checkpoint's preprocessing makes of a picture, a place in `sizes`.
  ///
  /// The first, unless the checkpoint goes by the picture's extents.
  ///
  /// - Throws: `VitError` if the model cannot preprocess pictures, or is not compiled for the size
  ///   that this one gets.
  public func size(forWidth width: Int, height: Int) throws(VitError) -> Int {
    guard sizes.count > 1, entry.has(\.size_for) else { return 0 }
    guard let columns = Int32(exactly: width), let rows = Int32(exactly: height) else {
      throw VitError(
        .invalidArgument, "a picture of \(width) x \(height) pixels is too large")
    }
    var size: Int32 = 0
    try check(entry.pointee.size_for(columns, rows, &size))
    return Int(size)
  }
}
