import CVitABI

/// A picture as an app has it: a view of memory that is somebody else's.
///
/// ```swift
/// let picture = VitPicture(format: .bgra, width: 1920, height: 1080, rowBytes: stride)
/// let image = try model.preprocess(picture, pixels: bytes)
/// ```
public struct VitPicture: Hashable, Sendable {
  /// How pixels lie in memory.
  public enum Format: Int32, Hashable, Sendable, CaseIterable {
    /// Red, green, blue.
    case rgb = 0
    /// Blue, green, red.
    case bgr = 1
    /// Red, green, blue, alpha, the colours not multiplied by it: it is dropped, or the picture is
    /// put on white, as the checkpoint's library does.
    case rgba = 2
    /// Blue, green, red, alpha.
    case bgra = 3
    /// One byte a pixel.
    case grey = 4
    /// Luma of each pixel, and after all of it Cb and Cr for 2 x 2 pixels: BT.601, narrow range.
    case nv12 = 5

    /// Bytes of a pixel; of NV12 those of the luma.
    var pixelBytes: Int {
      switch self {
      case .rgb, .bgr: 3
      case .rgba, .bgra: 4
      case .grey, .nv12: 1
      }
    }
  }

  /// How pixels lie in memory.
  public var format: Format
  /// The width in pixels as it is stored, before it is turned.
  public var width: Int
  /// The height in pixels as it is stored.
  public var height: Int
  /// From a row to the next; negative where the top row comes last in memory; of NV12 of both
  /// planes.
  public var rowBytes: Int
  /// EXIF's orientation, 1 to 8: the picture is turned upright first.
  public var orientation: Int

  /// Describes a picture.
  ///
  /// - Parameter rowBytes: `nil`: rows lie one after the other, from top to bottom.
  public init(
    format: Format, width: Int, height: Int, rowBytes: Int? = nil, orientation: Int = 1
  ) {
    self.format = format
    self.width = width
    self.height = height
    // Of NV12 a row of chroma has an even number of bytes.
    let tight = format == .nv12 ? width &+ width & 1 : format.pixelBytes &* width
    self.rowBytes = rowBytes ?? tight
    self.orientation = orientation
  }

  /// The bytes that all rows take; `nil` where that is no number, or nothing.
  private func planeBytes(rows: Int, least: Int) -> Int? {
    let distance = Int(clamping: rowBytes.magnitude)
    let (before, overflow) = distance.multipliedReportingOverflow(by: rows - 1)
    guard !overflow, distance >= least, before <= Int.max - least else { return nil }
    return before + least
  }

  /// The struct of the ABI over bytes that hold the picture and nothing before its first row in
  /// memory.
  ///
  /// - Parameter size: the size of the model's input that it is for.
  /// - Throws: `VitError` if there are fewer bytes than the picture takes.
  func raw(
    _ bytes: UnsafeRawBufferPointer, size: Int
  ) throws(VitError) -> vit_picture {
    let isNV12 = format == .nv12
    guard let columns = Int32(exactly: width), let lines = Int32(exactly: height), columns > 0,
      lines > 0, let turn = Int32(exactly: orientation),
      let luma = planeBytes(rows: height, least: format.pixelBytes * width),
      let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    else { throw fault(bytes) }
    var picture = vit_picture()
    picture.size = MemoryLayout<vit_picture>.size
    (picture.width, picture.height) = (columns, lines)
    picture.format = format.rawValue
    picture.orientation = turn
    picture.input = Int32(truncatingIfNeeded: size)
    picture.row_bytes = rowBytes
    let distance = Int(rowBytes.magnitude)
    picture.pixels = rowBytes < 0 ? base + distance * (height - 1) : base
    var needed = luma
    if isNV12 {
      let rows = (height + 1) / 2
      guard let chroma = planeBytes(rows: rows, least: 2 * ((width + 1) / 2)),
        distance <= (Int.max - chroma) / height
      else { throw fault(bytes) }
      // The second plane begins where a further row of luma would.
      let start = distance * height
      needed = start + chroma
      picture.chroma_row_bytes = rowBytes
      picture.chroma = base + start + (rowBytes < 0 ? distance * (rows - 1) : 0)
    }
    guard bytes.count >= needed else { throw fault(bytes) }
    return picture
  }

  private func fault(_ bytes: UnsafeRawBufferPointer) -> VitError {
    VitError(
      .invalidArgument,
      "\(bytes.count) bytes are not a picture of \(width) x \(height) pixels in \(format), in rows "
        + "of \(rowBytes) bytes")
  }
}

extension VitModel {
  /// Makes one image of the model's input, [channels, height, width], from a picture of any of the
  /// formats.
  ///
  /// - Parameters:
  ///   - picture: what the bytes are.
  ///   - pixels: the bytes, from the first row in memory on.
  ///   - size: the size of the image, a place in `sizes`.
  public func preprocess(
    _ picture: VitPicture, pixels: RawSpan, size: Int = 0
  ) throws(VitError) -> [Float] {
    guard entry.has(\.preprocess_picture), let function = entry.pointee.preprocess_picture else {
      throw VitError(
        .invalidArgument, "the model was compiled by a version of vitc that takes RGB alone")
    }
    var image = [Float](repeating: 0, count: try sized(size).input.elements)
    try pixels.withUnsafeBytes { (bytes) throws(VitError) in
      var raw = try picture.raw(bytes, size: size)
      try check(function(&raw, &image))
    }
    return image
  }
}

extension VitContext {
  /// Makes images of the model's input, [count, channels, height, width], from pictures, on the
  /// context's threads.
  ///
  /// - Parameters:
  ///   - pictures: each with its bytes, from the first row in memory on.
  ///   - size: the size of all images, a place in the model's `sizes`.
  /// - Throws: `VitError`, whose text names the first picture that failed.
  public func preprocess(
    _ pictures: [(picture: VitPicture, pixels: [UInt8])], size: Int = 0
  ) throws(VitError) -> [Float] {
    guard model.entry.has(\.preprocess_pictures),
      let function = model.entry.pointee.preprocess_pictures
    else {
      throw VitError(
        .invalidArgument, "the model was compiled by a version of vitc that takes RGB alone")
    }
    var images = [Float](
      repeating: 0, count: pictures.count * (try model.sized(size).input.elements))
    // Bytes of all pictures that stay where they are during the call.
    let owned = pictures.map { pixels -> UnsafeMutableRawBufferPointer in
      let copy = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(1, pixels.pixels.count), alignment: 1)
      copy.copyBytes(from: pixels.pixels)
      return copy
    }
    defer { for copy in owned { copy.deallocate() } }
    var raw: [vit_picture] = []
    for (index, (picture, pixels)) in pictures.enumerated() {
      raw.append(
        try picture.raw(
          UnsafeRawBufferPointer(rebasing: owned[index][..<pixels.count]), size: size))
    }
    try model.check(function(handle, raw, raw.count, &images))
    return images
  }
}
