import Diagnostics
import Images
import Models
import Parallel
import Photos
import VitRuntime

/// A compiled model that photos are run through, as many at the same time as there are threads.
struct PhotoLibrary {
  /// The model.
  let model: CompiledModel
  /// The same with what takes photos from files.
  let photos: PhotoModel

  /// Loads a library.
  ///
  /// - Parameters:
  ///   - path: The library that `vitc compile` wrote.
  ///   - threads: How many threads to use; 0 for all processors.
  ///   - count: How many photos there will be: of fewer than threads, one after the other is run by
  ///     all of them.
  ///   - orients: Whether photos are turned as their EXIF data says.
  ///   - keepsInputs: Whether outputs come with what the model was given.
  ///   - size: The size that photos are made to, `HxW`; `nil`: by the model's own rule.
  ///
  /// Errors: what loading reports; a model that cannot preprocess photos.
  init(
    _ path: String, threads: Int = 0, photos count: Int = .max, orients: Bool = false,
    keepsInputs: Bool = false, size: String? = nil
  ) throws(Diagnostic) {
    let threads = threads > 0 ? threads : Parallel.processors
    let isSideBySide = count >= threads
    model = try CompiledModel(path, threads: isSideBySide ? 1 : threads)
    guard !model.description.input.holdsTokens else {
      throw Diagnostic(
        "the model reads texts, not photos", at: .file(path),
        hint: model.model.hasTokenizer
          ? "give texts with 'vitc run --text', or their ids with --ids"
          : "give the ids of texts with 'vitc run --ids'")
    }
    if let reason = model.extras["preprocessingRefusal"]?.string {
      throw Diagnostic(
        "photos cannot be preprocessed: \(reason)", at: .file(path),
        hint: "preprocess them as the checkpoint's library does, and run arrays with --input")
    }
    let chosen: Int? = if let size { try model.size(size) } else { nil }
    photos = PhotoModel(
      model.model, workers: isSideBySide ? threads : 1, alpha: model.alpha, orients: orients,
      keepsInputs: keepsInputs, size: chosen)
  }
}
