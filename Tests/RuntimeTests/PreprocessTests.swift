import CVitABI
import EmbeddedImage
import Foundation
import Testing

/// The embedded runtime's preprocessing against Pillow's, torchvision's, timm's and transformers'
/// results (Fixtures/preprocess_goldens.py): equal in every bit.
@Suite struct PreprocessTests {
  typealias Function =
    @convention(c) (
      UnsafePointer<vit_program>?, UnsafePointer<UInt8>?, Int32, Int32, Int,
      UnsafeMutablePointer<Float>?
    ) -> vit_status

  /// The runtime as a library of its own, so that any recipe can be given to it.
  static let function: Result<Function, any Error> = Result {
    let folder = try Folder()
    let object = try #require(EmbeddedImage.object(architecture: hostArchitecture))
    try Data(object).write(to: URL(fileURLWithPath: folder("rt.o")))
    let linked = try shell(["clang", "-shared", folder("rt.o"), "-o", folder("rt.so")])
    try #require(linked.status == 0, "\(linked.text)")
    let handle = try #require(dlopen(folder("rt.so"), RTLD_NOW))
    let symbol = try #require(dlsym(handle, "vit_rt_preprocess"))
    return unsafeBitCast(symbol, to: Function.self)
  }

  #if arch(arm64)
    static let hostArchitecture = "aarch64"
  #else
    static let hostArchitecture = "x86_64"
  #endif

  /// Preprocesses with a recipe; returns status and image.
  func run(
    _ recipe: vit_preprocessing, width: Int, height: Int, rgb: [UInt8], imageWidth: Int,
    imageHeight: Int, rowBytes: Int? = nil
  ) throws -> (status: vit_status, image: [Float]) {
    let function = try PreprocessTests.function.get()
    var recipe = recipe
    var description = vit_description()
    description.input.shape = (3, Int64(height), Int64(width), 0)
    var program = vit_program()
    var image = [Float](repeating: -1, count: 3 * width * height)
    let status = withUnsafePointer(to: &recipe) { recipe in
      withUnsafePointer(to: &description) { description in
        program.preprocessing = recipe
        program.description = description
        return function(
          &program, rgb, Int32(imageWidth), Int32(imageHeight), rowBytes ?? 3 * imageWidth, &image)
      }
    }
    return (status, image)
  }

  static let bytes =
    FileManager.default.contents(atPath: Fixture.fixtures + "/preprocess.bin")
    .map(Array.init) ?? []

  @Test func equalsThePythonLibraries() throws {
    let text = try String(contentsOfFile: Fixture.fixtures + "/preprocess.tsv", encoding: .utf8)
    let lines = text.split(separator: "\n").dropFirst()
    #expect(lines.count > 100)
    let bytes = PreprocessTests.bytes
    for line in lines {
      let fields = line.split(separator: "\t")
      let n = fields.dropFirst().compactMap { Int($0) }
      try #require(n.count == 14)
      var recipe = vit_preprocessing()
      recipe.resize = Int32(n[3])
      recipe.resize_width = Int32(n[4])
      recipe.resize_height = Int32(n[5])
      recipe.longest_edge = Int32(n[6])
      recipe.filter = Int32(n[7])
      recipe.window = Int32(n[8])
      recipe.crop_rounding = Int32(n[9])
      let border = Float(n[10])
      recipe.border = (border, border, border)
      recipe.scale = (1, 1, 1)
      let (imageWidth, imageHeight, width, height) = (n[0], n[1], n[11], n[12])
      let rgb = Array(bytes[n[2]..<(n[2] + 3 * imageWidth * imageHeight)])
      let result = try run(
        recipe, width: width, height: height, rgb: rgb, imageWidth: imageWidth,
        imageHeight: imageHeight)
      #expect(result.status == VIT_OK)
      let wanted = (0..<(3 * width * height)).map {
        Float(bytes[n[13] + $0 % (width * height) * 3 + $0 / (width * height)])
      }
      let worst = zip(result.image, wanted).map { abs($0 - $1) }.max()
      #expect(worst == 0, "\(line)")
    }
  }

  @Test func normalizesEachChannelAndHonoursRowBytes() throws {
    var recipe = vit_preprocessing()
    recipe.scale = (0.5, 2, 4)
    recipe.shift = (1, -1, 0.25)
    // Two rows of one pixel, 5 bytes apart.
    let rgb: [UInt8] = [10, 20, 30, 99, 99, 40, 50, 60]
    let result = try run(
      recipe, width: 1, height: 2, rgb: rgb, imageWidth: 1, imageHeight: 2, rowBytes: 5)
    #expect(result.status == VIT_OK)
    #expect(result.image == [6, 21, 39, 99, 120.25, 240.25])
    // The same with blue first: scale and shift are the input's channels'.
    recipe.is_bgr = 1
    let turned = try run(
      recipe, width: 1, height: 2, rgb: rgb, imageWidth: 1, imageHeight: 2, rowBytes: 5)
    #expect(turned.image == [16, 31, 39, 99, 40.25, 160.25])
  }

  @Test func refusesWhatIsNoImage() throws {
    let recipe = vit_preprocessing()
    for (width, height, rowBytes) in [(0, 1, 3), (1, 0, 3), (-1, 1, 3), (2, 1, 5)] {
      let result = try run(
        recipe, width: 1, height: 1, rgb: [1, 2, 3, 4, 5, 6], imageWidth: width,
        imageHeight: height, rowBytes: rowBytes)
      #expect(result.status == VIT_INVALID_ARGUMENT)
    }
    var unknown = vit_preprocessing()
    unknown.filter = 6
    let result = try run(
      unknown, width: 1, height: 1, rgb: [1, 2, 3], imageWidth: 1, imageHeight: 1)
    #expect(result.status == VIT_INVALID_ARGUMENT)
  }

  @Test func refusesWhatCannotBePreprocessed() throws {
    let text = "nothing is known"
    try text.withCString { refusal in
      var recipe = vit_preprocessing()
      recipe.refusal = refusal
      let result = try run(
        recipe, width: 1, height: 1, rgb: [1, 2, 3], imageWidth: 1, imageHeight: 1)
      #expect(result.status == VIT_INVALID_ARGUMENT && result.image == [-1, -1, -1])
    }
    // Without a crop, only what becomes the input's size.
    var recipe = vit_preprocessing()
    recipe.scale = (1, 1, 1)
    recipe.window = VIT_WINDOW_EQUAL
    let wide = try run(
      recipe, width: 1, height: 1, rgb: [1, 2, 3, 4, 5, 6], imageWidth: 2, imageHeight: 1)
    #expect(wide.status == VIT_INVALID_ARGUMENT && wide.image == [-1, -1, -1])
    let same = try run(
      recipe, width: 2, height: 1, rgb: [1, 2, 3, 4, 5, 6], imageWidth: 2, imageHeight: 1)
    #expect(same.status == VIT_OK && same.image == [1, 4, 2, 5, 3, 6])
  }

  @Test func survivesExtremeShapes() throws {
    // A line of 40000 pixels to a shortest edge of 32 would be 1.3 million pixels wide; only the
    // crop is computed.
    var recipe = vit_preprocessing()
    recipe.resize = VIT_RESIZE_SHORTEST
    recipe.resize_height = 32
    recipe.filter = 3
    recipe.scale = (1, 1, 1)
    let rgb = [UInt8](repeating: 77, count: 3 * 40000)
    let result = try run(
      recipe, width: 32, height: 32, rgb: rgb, imageWidth: 40000, imageHeight: 1)
    #expect(result.status == VIT_OK)
    #expect(result.image.allSatisfy { $0 == 77 })
  }
}
