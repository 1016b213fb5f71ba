import CVitABI
import Codegen
import Foundation
import JSON
import Testing

@testable import Compiler
@testable import Models

/// From a folder's files to a model's input, against timm's transforms and transformers' image
/// processors (Scripts/goldens/preprocessing.py).
@Suite struct ProcessorGoldenTests {
  /// A line of cases.json.
  struct Case: CustomTestStringConvertible {
    let what: String
    let photo: (width: Int, height: Int, at: Int)
    let files: [String: JSONValue]
    /// The size that is asked for, if it is not the folder's.
    let size: (height: Int, width: Int)?
    /// The size of the result.
    let shape: (height: Int, width: Int)
    /// How many levels of 255 the library's own resize may be away from PIL's.
    let levels: Double
    /// Where the values are.
    let at: Int

    var testDescription: String { what }

    init?(_ json: JSONValue) {
      let photo = json["photo"]?.array?.compactMap(\.integer) ?? []
      let shape = json["shape"]?.array?.compactMap(\.integer) ?? []
      let size = json["size"]?.array?.compactMap(\.integer)
      guard let what = json["what"]?.string, photo.count == 3, shape.count == 2,
        case .object(let files)? = json["files"], let at = json["at"]?.integer,
        let levels = json["levels"]?.double
      else { return nil }
      self.what = what
      self.photo = (photo[0], photo[1], photo[2])
      self.files = files
      self.size = size.map { ($0[0], $0[1]) }
      self.shape = (shape[0], shape[1])
      self.levels = levels
      self.at = at
    }
  }

  /// The committed cases, or others that the script made at random.
  static let folder =
    ProcessInfo.processInfo.environment["VITC_PREPROCESSING"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Goldens/preprocessing").path
  static let cases: [Case] = {
    let bytes = FileManager.default.contents(atPath: folder + "/cases.json") ?? Data()
    return ((try? JSONReader.read(Array(bytes)))?.array ?? []).compactMap(Case.init)
  }()
  static let values = FileManager.default.contents(atPath: folder + "/values.bin") ?? Data()
  /// Of the values of a result every so many are stored.
  static let step = 7

  @Test func everyLineIsACase() {
    let lines = String(
      decoding: FileManager.default.contents(atPath: Self.folder + "/cases.json") ?? Data(),
      as: UTF8.self)
    #expect(Self.cases.count == lines.split(separator: "\n").count - 2)
    #expect(Self.cases.count > 150)
  }

  @Test(arguments: cases)
  func equalsTheLibrary(_ sample: Case) throws {
    let folder = try Folder()
    for (name, content) in sample.files {
      try Data(content.text(.compact).utf8).write(to: URL(fileURLWithPath: folder(name)))
    }
    var model = try ModelFolder(path: folder.path).model
    if let size = sample.size {
      model = try model.resized(height: size.height, width: size.width)
    }
    #expect(model.imageHeight == sample.shape.height && model.imageWidth == sample.shape.width)
    let recipe = Recipe(PreprocessingInfo(model))
    let (width, height, at) = sample.photo
    let result = try PreprocessTests().run(
      recipe.preprocessing, width: model.imageWidth, height: model.imageHeight,
      rgb: Array(Self.values[at..<(at + 3 * width * height)]), imageWidth: width,
      imageHeight: height)
    #expect(result.status == VIT_OK)
    let found = stride(from: 0, to: result.image.count, by: Self.step)
    var worst = 0.0
    for (number, index) in found.enumerated() {
      let wanted = Self.values.withUnsafeBytes {
        $0.loadUnaligned(fromByteOffset: sample.at + 4 * number, as: Float.self)
      }
      let channel = index / (model.imageHeight * model.imageWidth)
      let level = Double(PreprocessingInfo(model).scale[channel].magnitude)
      let distance = Double((result.image[index] - wanted).magnitude)
      // Normalized values are rounded in another order: 32-bit floats of at most 4 and raw ones.
      worst = max(worst, distance / max(level, 1e-3))
    }
    #expect(worst <= sample.levels + 1e-4, "\(worst) levels")
  }
}

/// `vit_preprocessing` of what a program is told.
private struct Recipe {
  let preprocessing: vit_preprocessing

  init(_ info: PreprocessingInfo) {
    func three(_ values: [Float]) -> (Float, Float, Float) { (values[0], values[1], values[2]) }
    preprocessing = vit_preprocessing(
      refusal: nil, resize: Int32(info.resize), resize_width: Int32(info.resizeWidth),
      resize_height: Int32(info.resizeHeight), longest_edge: Int32(info.longestEdge),
      filter: Int32(info.filter), arithmetic: Int32(info.arithmetic),
      window: Int32(info.window), crop_rounding: Int32(info.cropRounding),
      is_bgr: info.isBGR ? 1 : 0, scale: three(info.scale), shift: three(info.shift),
      border: three(info.border),
      alpha_on_white: info.isAlphaOnWhite ? 1 : 0, multiple: Int32(info.multiple))
  }
}
