import ArgumentParser
import Diagnostics
import HeadFitting
import JSON

/// `vitc knn`: classification by the nearest photos.
struct Neighbours: QuietCommand {
  static let configuration = CommandConfiguration(
    commandName: "knn",
    abstract: "Measures how well the nearest photos tell the class of a photo.",
    discussion: """
      DIR has a folder of photos for each class, or is a features file that 'vitc embed' wrote of \
      such a folder. The k photos with the largest cosines vote for their class, each with the \
      weight exp(cosine / 0.07), as DINOv2 is evaluated. Without --test each photo of --train is \
      compared with the others.

        vitc knn libdino.so --train photos/train --test photos/test
      """)

  @Argument(help: "A compiled model with features.")
  var library: String

  @Option(help: ArgumentHelp("The photos that vote, or their features.", valueName: "dir"))
  var train: String

  @Option(help: ArgumentHelp("The photos to classify, or their features.", valueName: "dir"))
  var test: String?

  @Option(name: .customShort("k"), help: "How many photos vote.")
  var count = 20

  @Option(help: "The output that is compared (default: features, or else the first).")
  var outputName: String?

  @Option(help: "How many of the photos to list that are taken for another class.")
  var worst = 10

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(help: "Print JSON, with all neighbours of each photo.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if count < 1 { throw ValidationError("-k must be 1 or more, found \(count).") }
    if worst < 0 { throw ValidationError("--worst must be 0 or more, found \(worst).") }
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
  }

  func run() throws {
    let kind = try FeatureSet.Kind(
      PhotoLibrary(library, threads: threads), output: outputName)
    let known = try FeatureSet(train, kind)
    let classes = try FolderClasses(known.paths, source: train)
    guard known.paths.count > 1 || test != nil else {
      throw Diagnostic("found one photo, which has no others", at: .file(train))
    }
    guard classes.names.count > 1 else {
      throw Diagnostic(
        "found one class, '\(classes.names.joined())', expected two or more", at: .file(train),
        hint: "photos are looked for as FOLDER/CLASS/PHOTO.jpg")
    }
    let voters = known.paths.count - (test == nil ? 1 : 0)
    if count > voters {
      Console.tell(
        Diagnostic(
          "only \(Format.grouped(voters)) photos can vote, fewer than \(Format.grouped(count)): "
            + "all of them do",
          severity: .warning, at: .argument("-k")))
    }
    let asked = try test.map { (test) throws(Diagnostic) in try FeatureSet(test, kind) }
    let labels =
      if let asked {
        try FolderClasses(asked.paths, known: classes.names, source: asked.source).labels
      } else {
        classes.labels
      }
    let found = NearestRows(known.rows, width: known.width).nearest(
      to: (asked ?? known).rows, most: count, leavesOut: asked == nil)
    let report = NeighbourReport(
      names: classes.names, known: known, knownLabels: classes.labels, asked: asked ?? known,
      labels: labels, neighbours: found, count: count)
    if json { return try JSONValue.print(report.document) }
    print(report.text(worst: worst), terminator: "")
    for line in known.skipped.lines + (asked?.skipped.lines ?? []) {
      Console.tell(PlainText.escaped(line))
    }
  }
}
