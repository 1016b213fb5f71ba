import Diagnostics
import Files
import Photos

/// The photos of a job: few in memory, many in a file without a name.
struct EmbedPhotos {
  /// The photos' paths, in order.
  let photos: StoredTexts
  /// Files that are no photos.
  private(set) var skipped: SkippedFiles
  /// What should be told, such as that a folder may not be read.
  private(set) var warnings: [Diagnostic] = []

  private let space: ScratchSpace

  /// Finds the photos that arguments name, and then those of a list.
  ///
  /// - Parameters:
  ///   - arguments: Folders and photos.
  ///   - list: A file with a path on each line, `-` for standard input; `nil`: none.
  ///   - space: Where paths are put.
  ///   - skipped: What files are added to that are no photos.
  ///   - line: Gets how many were found.
  ///
  /// Errors: a folder or the list cannot be read; there is no place for the paths.
  init(
    _ arguments: [String], list: String?, _ space: ScratchSpace, skipped: SkippedFiles,
    _ line: ProgressLine
  ) throws(Diagnostic) {
    self.space = space
    self.skipped = skipped
    let photos = StoredTexts(space)
    self.photos = photos
    try PhotoWalk.visit(arguments, space) { (found) throws(Diagnostic) in
      try add(found, line)
    }
    if let list {
      try (list == "-" ? FileLines() : FileLines(list)).forEachText {
        (path) throws(Diagnostic) in try add(PhotoWalk.found(path), line)
      }
    }
  }

  private mutating func add(
    _ found: PhotoWalk.Found, _ line: ProgressLine
  ) throws(Diagnostic) {
    switch found {
    case .photo(let path):
      try photos.append(path)
      line.update("looking for photos, found \(Format.grouped(photos.count)),")
    case .skipped(let path, let reason): try skipped.add(path, reason)
    case .unlistable(let path): try skipped.add(path, PhotoWalk.unlistableReason)
    case .unusable(let path): try skipped.add(path, PhotoWalk.unusableReason)
    case .warning(let warning): warnings.append(warning)
    }
  }

  /// The photos that are not done yet, in order.
  ///
  /// Of a path that was found several times as many are left as were not done. Nothing is assumed
  /// of the order in which they were done: folders may have changed since. Both are sorted by
  /// their paths, what is left by its place.
  ///
  /// - Parameter done: The paths of those that are done.
  ///
  /// Errors: there is no place for the paths.
  func remaining(without done: consuming TextSorter) throws(Diagnostic) -> StoredTexts {
    if done.isEmpty { return photos }
    var byPath = TextSorter(space, by: .bytes)
    var place = 0
    try photos.forEach { (path) throws(Diagnostic) in
      // A path has no zero; places of equal length sort as numbers do.
      try byPath.append(path + "\0" + Self.digits(place))
      place += 1
    }
    var left = TextSorter(space, by: .bytes)
    let (all, gone) = (try byPath.sorted(), try done.sorted())
    var next = try gone.next()
    while let entry = try all.next() {
      let path = String(Substring(entry.utf8.dropLast(1 + Self.digitCount)))
      while let known = next, known.utf8.lexicographicallyPrecedes(path.utf8) {
        next = try gone.next()
      }
      if let known = next, known.utf8.elementsEqual(path.utf8) {
        next = try gone.next()
      } else {
        try left.append(String(Substring(entry.utf8.suffix(Self.digitCount))) + path)
      }
    }
    let photos = StoredTexts(space)
    let sorted = try left.sorted()
    while let entry = try sorted.next() {
      try photos.append(String(Substring(entry.utf8.dropFirst(Self.digitCount))))
    }
    return photos
  }

  /// As many hexadecimal digits as an `Int` needs.
  private static let digitCount = 16

  private static func digits(_ place: Int) -> String {
    let digits = String(place, radix: 16)
    return String(repeating: "0", count: digitCount - digits.count) + digits
  }
}
