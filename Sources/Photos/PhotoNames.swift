import Diagnostics
import Files

/// The photos that arguments name, with what was found beside them.
public struct PhotoNames: Sendable {
  /// The photos' paths, in the order of the arguments, and in a folder in that of the names.
  public private(set) var paths: [String] = []
  /// Files that are not photos, and why; in the order in which they were found.
  public private(set) var skipped: [(path: String, reason: String)] = []
  /// What should be told, such as a folder that may not be read.
  public private(set) var warnings: [Diagnostic] = []

  /// The endings of the files that are decoded, in lower case.
  public static let endings = ["png", "jpg", "jpeg", "jpe", "jfif", "webp"]
  /// The endings of photos of other formats, in lower case.
  private static let foreign: Set<String> = [
    "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl", "jp2", "j2k", "svg", "psd", "raw",
    "dng", "cr2", "nef", "arw", "ppm", "pgm", "ico", "tga",
  ]

  /// Names no photos.
  public init() {}

  /// Takes the arguments in order: a file is taken whatever its name, a folder gives all photos
  /// below it.
  ///
  /// Errors: a folder that cannot be read. What does not exist is found out when it is opened.
  public init(_ arguments: [String]) throws(Diagnostic) {
    for argument in arguments {
      if FolderWalk.isFolder(argument) {
        try add(folder: argument)
      } else {
        add(file: argument)
      }
    }
  }

  /// Takes a file, whatever its name.
  public mutating func add(file: String) {
    // Lists of names have one on a line.
    guard !file.contains(where: \.isNewline) else {
      skipped.append((file, "the name has a line end"))
      return
    }
    paths.append(file)
  }

  /// Takes all photos below a folder.
  ///
  /// Errors: it cannot be read.
  public mutating func add(folder: String) throws(Diagnostic) {
    let walk = try FolderWalk(folder)
    for path in walk.files {
      let name = path.split(separator: "/").last ?? ""
      let ending = name.contains(".") ? name.split(separator: ".").last?.lowercased() ?? "" : ""
      if name.hasPrefix(".") {
        skipped.append((path, "the file is hidden"))
      } else if Self.endings.contains(ending) {
        add(file: path)
      } else if Self.foreign.contains(ending) {
        skipped.append((path, "'.\(ending)' is a format that is not read"))
      } else {
        skipped.append((path, "the file is no photo by its name"))
      }
    }
    skipped += walk.unusable.map { ($0, "the name is not UTF-8") }
    warnings += walk.faults.map { fault in
      var warning = fault
      warning.severity = .warning
      return warning
    }
  }

  /// Keeps those photos only that a condition holds for.
  public mutating func filter(_ keeps: (String) -> Bool) { paths = paths.filter(keeps) }
}
