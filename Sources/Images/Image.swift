import Diagnostics
import Files

/// An 8-bit RGB image.
public struct Image: Hashable, Sendable {
  /// The number of columns; at least 1.
  public let width: Int
  /// The number of rows; at least 1.
  public let height: Int
  /// Red, green, blue of each pixel: `height * width * 3` bytes, row-major from the top left.
  public let rgb: [UInt8]

  /// Whether the file says of pixels that they are transparent, which was ignored.
  public internal(set) var hasDroppedAlpha = false

  /// What becomes of transparency.
  public enum Alpha: Hashable, Sendable {
    /// It is ignored, as by PIL's `convert("RGB")`.
    case dropped
    /// The picture is put on white, as by transformers' `convert_to_rgb`.
    case onWhite
  }

  /// Creates an image; `rgb` must have `height * width * 3` bytes.
  public init(width: Int, height: Int, rgb: [UInt8]) {
    precondition(
      width > 0 && height > 0 && rgb.count == width * height * 3,
      "image of \(width)x\(height) with \(rgb.count) bytes")
    self.width = width
    self.height = height
    self.rgb = rgb
  }

  /// The most pixels that an image may have, 2^28 (for example 16384 x 16384): three times what
  /// PIL warns at, half of what it would take to need 2 GiB for the result alone.
  public static let maximumPixels = 1 << 28

  /// Decodes a PNG, JPEG or WebP file to what PIL's `Image.open(path).convert("RGB")` gives, bit
  /// for bit.
  ///
  /// The first bytes of the file tell the format, its name does not count. As in PIL:
  /// - grey is repeated, palettes are looked up, alpha is dropped unless `alpha` says otherwise;
  /// - of 16-bit samples the upper byte counts, except that 16-bit grey is clamped to 255;
  /// - CMYK JPEGs are taken as inverted (Adobe's convention), and a channel becomes
  ///   `(255 - K) * (255 - C) / 255`, rounded;
  /// - gamma and colour profiles are ignored;
  /// - the EXIF orientation is **not** applied unless `orients` says so: neither PIL nor timm nor
  ///   the image processors of transformers do so, and a model has to see what it would see there.
  ///
  /// Unlike PIL, damage is an error even where it would only show as wrong pixels. What libjpeg and
  /// libpng only warn of, without a pixel being lost, is none.
  ///
  /// Errors, all at `.file(path)`: what ``MappedFile`` reports; a format other than PNG, JPEG
  /// and WebP (named if it is known), or a film; a truncated or damaged file; more than
  /// ``maximumPixels``; a header that promises more pixels than so short a file can hold.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - alpha: What becomes of transparency.
  ///   - orients: Whether the picture is turned as its EXIF data says: PIL's `exif_transpose`.
  public init(
    decoding path: String, alpha: Alpha = .dropped, orients: Bool = false
  ) throws(Diagnostic) {
    let file = try MappedFile(path)
    self = try file.withUnsafeBytes { (bytes) throws(Diagnostic) in
      try Image(decoding: bytes, name: path, alpha: alpha, orients: orients)
    }
  }

  /// Decodes a PNG, JPEG or WebP file in memory; `name` stands for the path in errors.
  ///
  /// - Parameter pixelLimit: The most pixels that it may have, known before memory is taken for
  ///   them; never more than ``maximumPixels``.
  public init(
    decoding bytes: UnsafeRawBufferPointer, name: String, alpha: Alpha = .dropped,
    orients: Bool = false, pixelLimit: Int = Image.maximumPixels
  ) throws(Diagnostic) {
    let image: Image
    let limit = min(pixelLimit, Image.maximumPixels)
    switch ImageFormat(of: bytes) {
    case .png: image = try decodePNG(bytes, name: name, alpha: alpha, pixelLimit: limit)
    case .jpeg: image = try decodeJPEG(bytes, name: name, pixelLimit: limit)
    case .webp: image = try decodeWebP(bytes, name: name, alpha: alpha, pixelLimit: limit)
    case .other(let found, let hint):
      throw Diagnostic(
        "expected a PNG, JPEG or WebP image, found \(found)", at: .file(name), hint: hint)
    }
    self = orients ? image.oriented(by: Orientation(of: bytes)) : image
  }
}

/// Checks the size that a header states before memory is taken for it.
///
/// - Parameters:
///   - needed: The fewest bytes that a file of this size can have.
///   - present: The bytes that the file has.
///   - limit: The most pixels that it may have.
func checkSize(
  width: Int, height: Int, needed: Int, present: Int, name: String, limit: Int
) throws(Diagnostic) {
  guard width > 0, height > 0 else {
    throw Diagnostic("the image has no pixels: \(width)x\(height)", at: .file(name))
  }
  // No overflow: all formats store an extent in at most 31 bits.
  guard width * height <= limit else {
    throw Diagnostic(
      "the image is too large: \(width)x\(height) pixels, expected at most \(limit) in all",
      at: .file(name), hint: "scale it down first")
  }
  guard needed <= present else {
    throw Diagnostic(
      "the image is truncated or damaged: \(width)x\(height) pixels need at least \(needed) bytes, "
        + "found \(present)", at: .file(name))
  }
}
