import Compiler
import Diagnostics
import Models
import Npy
import Photos

/// What a model is shown: photos, or images of an array that are preprocessed already.
struct FigureInputs {
  /// What each is called.
  private(set) var names: [String] = []
  /// Each as the model's input, `[channels, height, width]`.
  private(set) var pixels: [[Float]] = []

  /// Reads photos; their preprocessing is the checkpoint's.
  ///
  /// - Parameter path: what is made beside, in a folder that can be written.
  /// - Throws: the model's preprocessing is not known; a photo that cannot be read.
  init(
    photos: [String], _ configuration: any ModelConfiguration, beside path: String, orients: Bool
  ) throws(Diagnostic) {
    guard !photos.isEmpty else { return }
    for (name, photo) in zip(
      photos, try PhotoReader(configuration, beside: path).read(photos, orients: orients))
    {
      if photo.hasDroppedAlpha { Console.tell(CompiledModel.droppedAlpha(name)) }
      names.append(name)
      pixels.append(photo.pixels)
    }
  }

  /// Takes the images of an array, `[n, channels, height, width]` or one without n.
  ///
  /// - Throws: what reading it throws; another shape; values that are not finite.
  init(array path: String, _ configuration: any ModelConfiguration) throws(Diagnostic) {
    let array = try NpyArray(path: path)
    let image = [configuration.channels, configuration.imageHeight, configuration.imageWidth]
    let isOne = array.shape == image
    guard isOne || Array(array.shape.dropFirst()) == image, array.shape[0] > 0 else {
      throw Diagnostic(
        "the images have shape \(Format.shape(array.shape)), expected \(Format.shape(image)), or "
          + "that of several with their number before it",
        at: .file(path), hint: "--image-size is the size of the model's images")
    }
    if let fault = NonFinite.text(array.values, of: "values") {
      throw Diagnostic(fault, at: .file(path))
    }
    let size = image.reduce(1, *)
    for index in 0..<array.values.count / size {
      names.append(isOne ? path : "\(path)[\(index)]")
      pixels.append(Array(array.values[index * size..<(index + 1) * size]))
    }
  }
}
