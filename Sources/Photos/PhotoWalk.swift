import Diagnostics
import Files

/// How photos are found: the one rule of all commands that search folders with all below them.
public enum PhotoWalk {
  /// What is found.
  public enum Found: Sendable {
    /// A photo, by its path.
    case photo(String)
    /// A file that is not taken, and why.
    case skipped(String, reason: String)
    /// A photo that lists cannot name, as they have a name on a line: its own has a line end.
    case unlistable(String)
    /// A file that cannot be opened since its name is not UTF-8: its path as messages show it.
    case unusable(String)
    /// What should be told, such as that a folder may not be read.
    case warning(Diagnostic)
  }

  /// The endings of the files that are decoded, in lower case.
  public static let endings = ["png", "jpg", "jpeg", "jpe", "jfif", "webp"]
  /// The endings of photos of other formats, in lower case.
  private static let foreign: Set<String> = [
    "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl", "jp2", "j2k", "svg", "psd", "raw",
    "dng", "cr2", "nef", "arw", "ppm", "pgm", "ico", "tga",
  ]

  /// Why a photo is left out that lists cannot name.
  public static let unlistableReason = "the name has a line end"
  /// Why a file is left out that cannot be opened.
  public static let unusableReason = "the name is not UTF-8"

  /// ``endings`` as messages list them: `.png, .jpg, …`.
  public static var listedEndings: String { endings.map { ".\($0)" }.joined(separator: ", ") }

  /// Takes arguments in order: a file is taken whatever its name, a folder gives all photos below
  /// it, in the order of their names; what is hidden (`.name`) is left out.
  ///
  /// Memory does not depend on the number of photos.
  ///
  /// Errors: a folder that cannot be read; there is no place for names to be sorted; what `body`
  /// throws. What does not exist is found out when it is opened.
  public static func visit(
    _ arguments: [String], _ space: ScratchSpace,
    _ body: (Found) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    for argument in arguments {
      if FolderWalk.isFolder(argument) {
        try visit(folder: argument, space, body)
      } else {
        try body(found(argument))
      }
    }
  }

  /// What a file is that is named itself.
  public static func found(_ file: String) -> Found {
    file.contains(where: \.isNewline) ? .unlistable(file) : .photo(file)
  }

  /// Takes all photos below a folder.
  ///
  /// Errors: it cannot be read; there is no place for names to be sorted; what `body` throws.
  public static func visit(
    folder: String, _ space: ScratchSpace, _ body: (Found) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    try FolderWalk.visit(folder, space) { (entry) throws(Diagnostic) in
      switch entry {
      case .file(let path): try body(found(inFolder: path))
      case .unusable(let path): try body(.unusable(path))
      case .hidden(let path): try body(.skipped(path, reason: "the folder is hidden"))
      case .fault(var warning):
        warning.severity = .warning
        try body(.warning(warning))
      }
    }
  }

  /// Whether a file is a photo by its name.
  public static func isPhoto(_ path: String) -> Bool { endings.contains(ending(path)) }

  /// Whether a file is a photo of a format that is not read, by its name.
  public static func isForeign(_ path: String) -> Bool { foreign.contains(ending(path)) }

  private static func ending(_ path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    return name.contains(".") ? name.split(separator: ".").last?.lowercased() ?? "" : ""
  }

  private static func found(inFolder path: String) -> Found {
    if path.split(separator: "/").last?.hasPrefix(".") == true {
      return .skipped(path, reason: "the file is hidden")
    }
    if isPhoto(path) { return found(path) }
    if isForeign(path) {
      return .skipped(path, reason: "'.\(ending(path))' is a format that is not read")
    }
    return .skipped(path, reason: "the file is no photo by its name")
  }
}
