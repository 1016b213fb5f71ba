import Diagnostics
import Files
import Parallel

extension PhotoModel {
  /// How many photos may be ahead of the one that is due, for each worker: a large one among small
  /// ones does not stop the others.
  private static let lead = 8

  /// Runs photos on all workers and hands the results out in the order of the paths, on the calling
  /// thread.
  ///
  /// Memory does not depend on the number of photos.
  ///
  /// - Parameters:
  ///   - paths: The photos.
  ///   - outputs: The names of the outputs wanted.
  ///   - body: Gets the number of a photo and what it gave, or why it cannot be used.
  /// - Throws: What `body` throws; the rest is not run then.
  public func forEach<Failure: Error>(
    _ paths: [String], outputs: [String],
    _ body: (Int, Result<Outputs, Diagnostic>) throws(Failure) -> Void
  ) throws(Failure) {
    try Parallel.inOrder(
      paths.count, workers: workers, window: workers * Self.lead,
      produce: { index in
        Result { () throws(Diagnostic) in try run(paths[index], outputs: outputs) }
      },
      consume: body)
  }

  /// Runs stored photos as ``forEach(_:outputs:_:)`` does those of a list.
  ///
  /// - Parameters:
  ///   - photos: The photos' paths.
  ///   - outputs: The names of the outputs wanted.
  ///   - body: Gets the path of a photo and what it gave, or why it cannot be used.
  /// - Throws: What `body` throws; that a path cannot be read.
  public func forEach(
    _ photos: StoredTexts, outputs: [String],
    _ body: (String, Result<Outputs, Diagnostic>) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let reader = try photos.reader()
    // Set by whichever thread reads, and looked at when all have ended.
    var failure: Diagnostic?
    try Parallel.inOrder(
      of: {
        do throws(Diagnostic) {
          return try reader.next()
        } catch {
          failure = error
          return nil
        }
      }, atMost: photos.count, workers: workers, window: workers * Self.lead,
      produce: { path in
        Result { () throws(Diagnostic) in try run(path, outputs: outputs) }
      },
      consume: body)
    if let failure { throw failure }
  }
}
