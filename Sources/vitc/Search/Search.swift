import ArgumentParser
import Diagnostics
import HeadFitting
import JSON

/// `vitc search`: the photos that are most like a photo.
struct Search: QuietCommand {
  static let configuration = CommandConfiguration(
    abstract: "Finds the photos of a folder that are most like a photo.",
    usage: "vitc search LIBRARY DIR PHOTO ... [--top K] [--json] [--threads N]",
    discussion: """
      DIR is a folder of photos, or a features file that 'vitc embed' wrote: that of many photos \
      is searched in no time. The score is the cosine of the angle between the features.

        vitc embed libdino.so photos -o features.npy
        vitc search libdino.so features.npy query.jpg
      """)

  @Argument(help: "A compiled model with features.")
  var library: String

  @Argument(help: "A folder of photos, or their features.")
  var dir: String

  @Argument(help: "The photos to find the like of.")
  var photos: [String]

  @Option(help: "The number of photos to print for each.")
  var top = 10

  @Option(help: "The output that is compared (default: features, or else the first).")
  var outputName: String?

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if top < 1 { throw ValidationError("--top must be 1 or more, found \(top).") }
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
  }

  func run() throws {
    let kind = try FeatureSet.Kind(
      PhotoLibrary(library, threads: threads), output: outputName)
    // A photo that cannot be read is found out before a folder is run.
    let asked = try FeatureSet(photos: photos, kind)
    let known = try FeatureSet(dir, kind)
    let found = NearestRows(known.rows, width: known.width).nearest(to: asked.rows, most: top)
    let answers = zip(asked.paths, found).map { path, neighbours in
      SearchAnswer(
        file: path,
        matches: neighbours.map { .init(file: known.paths[$0.row], score: $0.cosine) })
    }
    if json {
      try JSONValue.print(answers)
    } else {
      print(answers.map(\.text).joined(), terminator: "")
    }
    for line in asked.skipped.lines + known.skipped.lines { Console.tell(PlainText.escaped(line)) }
    if asked.skipped.count > 0 { throw ExitCode.failure }
  }
}
