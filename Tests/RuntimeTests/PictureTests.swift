import CVitABI
import EmbeddedImage
import Foundation
import Testing

@testable import VitRuntime

/// Pictures of every format and orientation against PIL (Fixtures/picture_goldens.py), and what is
/// refused.
@Suite struct PictureTests {
  typealias Function =
    @convention(c) (
      UnsafePointer<vit_program>?, UnsafePointer<vit_picture>?, UnsafeMutablePointer<Float>?
    ) -> vit_status

  /// The runtime as a library of its own, so that any recipe can be given to it.
  static let function: Result<Function, any Error> = Result {
    let folder = try Folder()
    let object = try #require(
      EmbeddedImage.object(architecture: PreprocessTests.hostArchitecture))
    try Data(object).write(to: URL(fileURLWithPath: folder("rt.o")))
    let linked = try shell(["clang", "-shared", folder("rt.o"), "-o", folder("rt.so")])
    try #require(linked.status == 0, "\(linked.text)")
    let handle = try #require(dlopen(folder("rt.so"), RTLD_NOW))
    let symbol = try #require(dlsym(handle, "vit_rt_preprocess_picture"))
    return unsafeBitCast(symbol, to: Function.self)
  }

  /// A picture of the goldens.
  struct Golden {
    let format: Int32
    let isOnWhite: Bool
    let orientation: Int32
    let width: Int
    let height: Int
    let pixels: [UInt8]
    let chroma: [UInt8]
    /// Upright.
    let rgb: [UInt8]

    var pixelBytes: Int { pixels.count / (width * height) }

    static let all: [Golden] = {
      let text = try? String(
        contentsOfFile: Fixture.fixtures + "/pictures.tsv", encoding: .utf8)
      return (text ?? "").split(separator: "\n").dropFirst().map { line in
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        let numbers = fields.prefix(5).compactMap { Int($0) }
        func bytes(_ field: Substring) -> [UInt8] {
          let digits = Array(field.utf8)
          return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
          }
        }
        return Golden(
          format: Int32(numbers[0]), isOnWhite: numbers[1] == 1, orientation: Int32(numbers[2]),
          width: numbers[3], height: numbers[4], pixels: bytes(fields[5]),
          chroma: bytes(fields[6]), rgb: bytes(fields[7]))
      }
    }()
  }

  /// Rows laid out with `padding` bytes between them, from bottom to top if asked for; where the
  /// first row is.
  static func laidOut(
    _ bytes: [UInt8], rows: Int, padding: Int, isFlipped: Bool
  ) -> (bytes: [UInt8], start: Int, rowBytes: Int) {
    let row = bytes.count / max(1, rows)
    var result: [UInt8] = []
    for index in 0..<rows {
      let line = isFlipped ? rows - 1 - index : index
      result += bytes[line * row..<(line + 1) * row]
      // Nothing lies behind the last row: reading it would be a fault that sanitizers see.
      if index < rows - 1 { result += [UInt8](repeating: 0xEE, count: padding) }
    }
    let distance = row + padding
    return (result, isFlipped ? (rows - 1) * distance : 0, isFlipped ? -distance : distance)
  }

  /// Values as they are: no resize, scaled by 1.
  private func run(
    _ golden: Golden, padding: Int, isFlipped: Bool
  ) throws -> (status: vit_status, image: [Float]) {
    let function = try Self.function.get()
    var recipe = vit_preprocessing()
    recipe.filter = 3
    recipe.scale = (1, 1, 1)
    recipe.alpha_on_white = golden.isOnWhite ? 1 : 0
    let isTurned = golden.orientation > 4
    let (width, height) =
      isTurned ? (golden.height, golden.width) : (golden.width, golden.height)
    var description = vit_description()
    description.input.shape = (3, Int64(height), Int64(width), 0)
    let luma = Self.laidOut(
      golden.pixels, rows: golden.height, padding: padding, isFlipped: isFlipped)
    let chroma = Self.laidOut(
      golden.chroma, rows: (golden.height + 1) / 2, padding: padding, isFlipped: isFlipped)
    var image = [Float](repeating: -1, count: 3 * width * height)
    let status = withUnsafePointer(to: &recipe) { recipe in
      withUnsafePointer(to: &description) { description in
        luma.bytes.withUnsafeBufferPointer { pixels in
          chroma.bytes.withUnsafeBufferPointer { second in
            var program = vit_program()
            program.preprocessing = recipe
            program.description = description
            var picture = vit_picture()
            picture.size = MemoryLayout<vit_picture>.size
            picture.pixels = pixels.baseAddress.map { $0 + luma.start }
            picture.row_bytes = luma.rowBytes
            if !golden.chroma.isEmpty {
              picture.chroma = second.baseAddress.map { $0 + chroma.start }
              picture.chroma_row_bytes = chroma.rowBytes
            }
            (picture.width, picture.height) = (Int32(golden.width), Int32(golden.height))
            picture.format = golden.format
            picture.orientation = golden.orientation
            return function(&program, &picture, &image)
          }
        }
      }
    }
    return (status, image)
  }

  @Test func equalsPIL() throws {
    #expect(Golden.all.count == 64)
    for golden in Golden.all {
      for (padding, isFlipped) in [(0, false), (5, false), (0, true), (3, true)] {
        let found = try run(golden, padding: padding, isFlipped: isFlipped)
        #expect(found.status == VIT_OK)
        // Planes of pixels.
        let count = golden.rgb.count / 3
        let expected = (0..<3).flatMap { channel in
          (0..<count).map { Float(golden.rgb[3 * $0 + channel]) }
        }
        #expect(
          found.image == expected,
          "format \(golden.format) orientation \(golden.orientation) \(golden.isOnWhite)")
      }
    }
  }

  // MARK: Through the library

  private func picture(_ golden: Golden) -> VitPicture {
    VitPicture(
      format: VitPicture.Format(rawValue: golden.format) ?? .rgb, width: golden.width,
      height: golden.height, orientation: Int(golden.orientation))
  }

  /// The bytes as ``VitPicture`` has them: rows of NV12 are even.
  private func bytes(_ golden: Golden) -> [UInt8] {
    guard golden.format == VitPicture.Format.nv12.rawValue else { return golden.pixels }
    let row = golden.width + golden.width % 2
    var result: [UInt8] = []
    for line in 0..<golden.height {
      result += golden.pixels[line * golden.width..<(line + 1) * golden.width]
      if golden.width % 2 == 1 { result.append(0) }
    }
    #expect(golden.chroma.count == row * ((golden.height + 1) / 2))
    return result + golden.chroma
  }

  /// One at a time, together, on any threads and through one's own: the same bits as RGB pixels.
  @Test(arguments: [1, 2, 5])
  func batches(threads: Int) throws {
    let pool = try VitModel(path: Fixture.library(), options: VitOptions(threads: threads))
    let own = try VitModel(
      path: Fixture.library(),
      options: VitOptions(threads: threads) { count, task in
        for index in (0..<count).reversed() { task(index) }
      })
    // The library drops alpha.
    let goldens = Golden.all.filter { !$0.isOnWhite }
    let expected = try goldens.flatMap { golden in
      let isTurned = golden.orientation > 4
      return try pool.preprocess(
        rgb: golden.rgb, width: isTurned ? golden.height : golden.width,
        height: isTurned ? golden.width : golden.height)
    }
    let single = try goldens.flatMap { golden in
      try pool.preprocess(picture(golden), pixels: bytes(golden).span.bytes)
    }
    #expect(single == expected)
    let pictures = goldens.map { (picture: picture($0), pixels: bytes($0)) }
    for model in [pool, own] {
      let context = try model.makeContext()
      #expect(try context.preprocess(pictures) == expected)
      #expect(try context.preprocess(Array(pictures.prefix(1))) == Array(expected.prefix(60)))
      // The context runs as before, and counts runs alone.
      let images = Fixture.images(3)
      #expect(try context.run(images: images, count: 3) == Fixture.expected(images).logits)
      #expect(try context.stats().images == 3)
    }
  }

  @Test(arguments: [1, 3])
  func aBatchNamesThePictureThatFails(threads: Int) throws {
    let context = try VitModel(path: Fixture.library(), options: VitOptions(threads: threads))
      .makeContext()
    let good = (
      picture: VitPicture(format: .grey, width: 4, height: 4),
      pixels: [UInt8](repeating: 9, count: 16)
    )
    var bad = good
    bad.picture.orientation = 9
    do {
      _ = try context.preprocess([good, good, good, good, bad, good, bad])
      Issue.record("nothing was refused")
    } catch {
      #expect(error.status == .invalidArgument)
      #expect(
        error.message
          == "picture 4: picture.orientation is 9, expected 0 (as stored) to 8")
    }
    #expect(try context.preprocess([good]).count == 60)
  }

  /// Every field that can be wrong, by what the library says of it.
  @Test func wrongFieldsAreNamed() throws {
    let model = try VitModel(path: Fixture.library(), options: VitOptions(threads: 1))
    let function = try #require(model.entry.pointee.preprocess_picture)
    let pixels = [UInt8](repeating: 1, count: 64)
    func refusal(_ change: (inout vit_picture) -> Void) -> String {
      var image = [Float](repeating: 0, count: 60)
      return pixels.withUnsafeBufferPointer { pixels in
        var picture = vit_picture()
        picture.size = MemoryLayout<vit_picture>.size
        picture.pixels = pixels.baseAddress
        picture.chroma = pixels.baseAddress
        (picture.width, picture.height) = (4, 4)
        (picture.row_bytes, picture.chroma_row_bytes) = (12, 4)
        change(&picture)
        let status = function(&picture, &image)
        guard status != VIT_OK else { return "" }
        #expect(status == VIT_INVALID_ARGUMENT)
        return model.entry.pointee.last_error().map { String(cString: $0) } ?? ""
      }
    }
    #expect(refusal { _ in } == "")
    #expect(refusal { $0.orientation = 0 } == "")
    let expectations: [(String, (inout vit_picture) -> Void)] = [
      ("picture.size is 8, expected sizeof of the picture struct, 64", { $0.size = 8 }),
      ("picture.format is 6, expected one of the formats, 0 to 5", { $0.format = 6 }),
      ("picture.format is -1, expected one of the formats, 0 to 5", { $0.format = -1 }),
      ("picture.orientation is -1, expected 0 (as stored) to 8", { $0.orientation = -1 }),
      ("picture.input is 1, expected 0: the model has one size of input", { $0.input = 1 }),
      ("picture.pixels is null", { $0.pixels = nil }),
      ("picture is 0 x 4 pixels, expected at least 1 x 1", { $0.width = 0 }),
      ("picture is 4 x -4 pixels, expected at least 1 x 1", { $0.height = -4 }),
      (
        "picture.row_bytes is 11, expected at least 12, or at most -12 for rows from bottom to top",
        { $0.row_bytes = 11 }
      ),
      (
        "picture.row_bytes is -15, expected at least 16, or at most -16 for rows from bottom to "
          + "top",
        {
          $0.format = VIT_PICTURE_BGRA
          $0.row_bytes = -15
        }
      ),
      (
        "picture.row_bytes is \(Int.min), which is more than memory can hold",
        { $0.row_bytes = .min }
      ),
      (
        "picture.chroma is null, NV12 has one",
        {
          $0.format = VIT_PICTURE_NV12
          $0.chroma = nil
        }
      ),
      (
        "picture.chroma_row_bytes is 3, expected at least 4, or at most -4 for rows from bottom to "
          + "top",
        {
          $0.format = VIT_PICTURE_NV12
          $0.chroma_row_bytes = 3
        }
      ),
    ]
    for (text, change) in expectations { #expect(refusal(change) == text) }
    #expect(function(nil, nil) == VIT_INVALID_ARGUMENT)
  }

  /// What Swift knows of memory it says before C reads it.
  @Test func tooFewBytes() throws {
    let model = try VitModel(path: Fixture.library(), options: VitOptions(threads: 1))
    for (picture, count) in [
      (VitPicture(format: .bgra, width: 4, height: 4), 63),
      (VitPicture(format: .nv12, width: 4, height: 4), 23),
      (VitPicture(format: .rgb, width: 4, height: 4, rowBytes: .max), 64),
      (VitPicture(format: .rgb, width: 4, height: 4, rowBytes: .min), 64),
      (VitPicture(format: .grey, width: 0, height: 4), 64),
      (VitPicture(format: .grey, width: .max, height: .max), 64),
    ] {
      let bytes = [UInt8](repeating: 1, count: count)
      do {
        _ = try model.preprocess(picture, pixels: bytes.span.bytes)
        Issue.record("\(picture) was taken")
      } catch {
        #expect(error.message.hasPrefix("\(count) bytes are not a picture of "))
      }
    }
  }
}
