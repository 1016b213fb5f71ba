import Diagnostics
import Photos
import SeededRandom

/// The features of photos of classes, photo by photo.
struct PhotoFeatures {
  /// Makes the features of a photo from a model's outputs.
  typealias Row = @Sendable ([String: [Float]]) -> [Float]

  /// `[photos, width]`.
  private(set) var features: [Float] = []
  /// The class of each photo.
  private(set) var labels: [Int] = []
  /// The path of each photo.
  private(set) var paths: [String] = []
  /// Photos that cannot be used, and why.
  private(set) var skipped: [(path: String, reason: String)] = []

  /// Runs photos.
  ///
  /// - Parameters:
  ///   - photos: Each with the number of its class; of a class in the order in which they are to be
  ///     taken.
  ///   - classes: The number of classes.
  ///   - shots: How many of each class are taken, of those that can be used; `nil`: all.
  ///   - model: The model.
  ///   - outputs: The outputs that `row` reads.
  ///   - progress: Hears the part that is done.
  init(
    _ photos: [(path: String, label: Int)], classes: Int, shots: Int?, model: PhotoModel,
    outputs: [String], row: Row, progress: (Double) -> Void
  ) {
    var waiting = photos
    var counts = [Int](repeating: 0, count: classes)
    // One round, unless some of the photos drawn cannot be read and others take their places.
    while true {
      var (round, rest) = ([(path: String, label: Int)](), [(path: String, label: Int)]())
      var taken = counts
      for photo in waiting {
        if taken[photo.label] < shots ?? .max {
          taken[photo.label] += 1
          round.append(photo)
        } else {
          rest.append(photo)
        }
      }
      guard !round.isEmpty else { return }
      model.forEach(round.map(\.path), outputs: outputs) { index, result in
        switch result {
        case .success(let made):
          features += row(made.values)
          labels.append(round[index].label)
          paths.append(round[index].path)
          counts[round[index].label] += 1
        case .failure(let diagnostic): skipped.append((round[index].path, diagnostic.message))
        }
        progress(Double(index + 1) / Double(round.count))
      }
      waiting = rest
    }
  }

  /// The photos of each class in an order that `seed` draws: those that `shots` takes come first.
  static func drawn(
    _ photos: [(path: String, label: Int)], classes: Int, seed: UInt64
  ) -> [(path: String, label: Int)] {
    var random = SplitMix64(seed: seed)
    return (0..<classes).flatMap { label in
      photos.filter { $0.label == label }.shuffled(using: &random)
    }
  }
}
