import Diagnostics
import IR
import Images
import Models
import Passes
import VitRuntime

/// Photos as a model takes them: decoded, resized, cropped and normalized as its checkpoint says.
///
/// A compiled model preprocesses them, as all images: a library that does nothing else, made for
/// this and removed.
public struct PhotoReader {
  /// A photo as the model takes it.
  public struct Photo: Sendable {
    /// The model's input, `[channels, height, width]`.
    public let pixels: [Float]
    /// Whether the file says of pixels that they are transparent, which was ignored.
    public let hasDroppedAlpha: Bool
  }

  private let configuration: any ModelConfiguration
  private let folder: String

  /// - Parameters:
  ///   - configuration: of the model.
  ///   - path: what is made beside, in a folder that can be written.
  public init(_ configuration: any ModelConfiguration, beside path: String) {
    self.configuration = configuration
    folder = path
  }

  /// The graph of a model that hands on what it is given.
  static func graph(_ configuration: any ModelConfiguration) throws(Diagnostic) -> Graph {
    let shape = [configuration.channels, configuration.imageHeight, configuration.imageWidth]
    var builder = GraphBuilder(name: "preprocessing", form: .imported)
    let image = try builder.append(.input(Input(type: TensorType(.f32, shape))), name: "image")
    builder.addOutput(
      "pixels",
      try builder.append(.extractPatches(ExtractPatches(patch: 1)), [image], name: "pixels"))
    return try PassManager().run(builder.graph).graph
  }

  /// Returns each photo as the model takes it, in order.
  ///
  /// - Parameter orients: whether photos are turned as their EXIF data says.
  /// - Throws: the model's preprocessing is not known; a photo that cannot be read.
  public func read(_ photos: [String], orients: Bool = false) throws(Diagnostic) -> [Photo] {
    if let reason = configuration.preprocessingRefusal {
      throw Diagnostic(
        "photos cannot be preprocessed: \(reason)",
        hint: "preprocess them as the checkpoint's library does, and give the array with --input")
    }
    let alpha: Image.Alpha =
      configuration.preprocessing?.alpha == .onWhite ? .onWhite : .dropped
    let trial = TrialLibrary(configuration, beside: folder, purpose: .file(folder))
    let read = try trial.use(Self.graph(configuration), weights: { _ in Tensor(shape: []) }) {
      model in
      Self.inputs(photos, alpha, orients, model)
    }
    return try read.get()
  }

  /// A failure as a value: what a library's use throws is told as the library's own.
  private static func inputs(
    _ photos: [String], _ alpha: Image.Alpha, _ orients: Bool, _ model: VitModel
  ) -> Result<[Photo], Diagnostic> {
    var inputs: [Photo] = []
    for path in photos {
      do throws(Diagnostic) {
        let photo = try Image(decoding: path, alpha: alpha, orients: orients)
        do {
          inputs.append(
            Photo(
              pixels: try model.preprocess(
                rgb: photo.rgb, width: photo.width, height: photo.height),
              hasDroppedAlpha: photo.hasDroppedAlpha))
        } catch {
          throw Diagnostic("\(error)", at: .file(path))
        }
      } catch {
        return .failure(error)
      }
    }
    return .success(inputs)
  }
}
