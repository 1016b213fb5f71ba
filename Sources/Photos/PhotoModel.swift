import Diagnostics
import Images
import Synchronization
import VitRuntime

/// A compiled model that photos go through, many at the same time: each on a thread of its own,
/// from the file's bytes to the outputs.
///
/// Nothing waits for anything: a thread that has run a photo decodes the next. A run of one image
/// by one thread is what a run of many images is made of where there are as many as threads, so
/// nothing is lost against batches; and the bits are the same.
public final class PhotoModel: Sendable {
  /// What is made of a photo.
  public struct Outputs: Sendable {
    /// The values of each output that was asked for, by name.
    public var values: [String: [Float]]
    /// The size of what the model was given, a place in its `sizes`.
    public var size: Int
    /// What the model was given, `[channels, height, width]` of its size; empty unless the model
    /// keeps inputs.
    public var input: [Float]
    /// Whether the file says of pixels that they are transparent, which was ignored.
    public var hasDroppedAlpha: Bool
  }

  /// The model.
  public let model: VitModel
  /// How many photos are worked at at the same time.
  public let workers: Int

  private let alpha: Image.Alpha
  private let orients: Bool
  private let keepsInputs: Bool
  private let size: Int?
  private let contexts = Mutex<[Box]>([])

  /// A context, which one thread at a time uses.
  private final class Box: Sendable {
    nonisolated(unsafe) let context: VitContext
    init(_ context: VitContext) { self.context = context }
  }

  /// Takes a model whose runs use one thread, unless `workers` is 1.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - workers: How many photos are worked at at the same time; at least 1.
  ///   - alpha: What becomes of transparency.
  ///   - orients: Whether photos are turned as their EXIF data says.
  ///   - keepsInputs: Whether outputs come with what the model was given.
  ///   - size: The size that photos are made to, a place in the model's `sizes`; `nil`: that which
  ///     the model's own rule says.
  public init(
    _ model: VitModel, workers: Int, alpha: Image.Alpha, orients: Bool = false,
    keepsInputs: Bool = false, size: Int? = nil
  ) {
    self.model = model
    self.workers = max(1, workers)
    self.alpha = alpha
    self.orients = orients
    self.keepsInputs = keepsInputs
    self.size = size
  }

  /// Decodes a photo, makes it the model's input and runs it.
  ///
  /// Errors, at `.file(path)`: what ``Image`` reports; what the model says, such as of an image
  /// that it does not take; outputs that are not finite.
  public func run(_ path: String, outputs: [String]) throws(Diagnostic) -> Outputs {
    let image = try Image(decoding: path, alpha: alpha, orients: orients)
    do {
      let size = try size ?? model.size(forWidth: image.width, height: image.height)
      let input = try model.preprocess(
        rgb: image.rgb, width: image.width, height: image.height, size: size)
      let box = try contexts.withLock { $0.popLast() } ?? Box(model.makeContext())
      defer { contexts.withLock { $0.append(box) } }
      let values = try box.context.runAll(images: input, outputs: outputs, size: size)
      for name in outputs {
        if let fault = NonFinite.text(values[name] ?? [], of: name) {
          throw Diagnostic(fault, at: .file(path), hint: NonFinite.hint)
        }
      }
      return Outputs(
        values: values, size: size, input: keepsInputs ? input : [],
        hasDroppedAlpha: image.hasDroppedAlpha)
    } catch let diagnostic as Diagnostic {
      throw diagnostic
    } catch {
      throw Diagnostic("\(error)", at: .file(path))
    }
  }
}
