import Diagnostics
import Files

/// Photos sorted into classes: a folder of folders, each of which is a class and gives it its name.
public struct PhotoClasses: Sendable {
  /// A class.
  public struct Class: Hashable, Sendable {
    /// The name of its folder.
    public var name: String
    /// Its photos, all below its folder, in the order of their names.
    public var paths: [String]
  }

  /// The classes, in the order of their names.
  public private(set) var classes: [Class] = []
  /// Files that are not photos, and why.
  public private(set) var skipped: [(path: String, reason: String)] = []
  /// What should be told, such as a folder that may not be read.
  public private(set) var warnings: [Diagnostic] = []
  /// The folder, as given.
  public let folder: String

  /// Reads a folder of classes.
  ///
  /// Errors, all at `.file(folder)`: it is a file; it cannot be read; it has no folders; one of
  /// them has no photos.
  public init(_ folder: String) throws(Diagnostic) {
    self.folder = folder
    let prefix = folder.hasSuffix("/") ? folder : folder + "/"
    if Path.kind(of: folder) == .other {
      throw Diagnostic(
        "is a file, expected a folder with a folder of photos for each class", at: .file(folder))
    }
    let found = try FolderNames(folder)
    skipped += found.unusable.map { (prefix + $0, "the name is not UTF-8") }
    for name in found.names {
      let path = prefix + name
      guard FolderWalk.isFolder(path) else {
        skipped.append((path, "the file is beside the folders of classes"))
        continue
      }
      guard !name.hasPrefix(".") else {
        skipped.append((path, "the folder is hidden"))
        continue
      }
      let photos = try PhotoNames([path])
      skipped += photos.skipped
      warnings += photos.warnings
      guard !photos.paths.isEmpty else {
        throw Diagnostic(
          "class '\(name)' has no photos", at: .file(path),
          notes: ["looked for files that end in \(PhotoWalk.listedEndings)"],
          hint: "put photos there, or remove the folder")
      }
      classes.append(Class(name: name, paths: photos.paths))
    }
    guard !classes.isEmpty else {
      throw Diagnostic(
        "the folder has no folders, expected one for each class", at: .file(folder),
        hint: "photos are looked for as \(prefix)CLASS/PHOTO.jpg")
    }
  }

  /// All photos, class by class, with the number of each one's class.
  public var photos: [(path: String, label: Int)] {
    classes.indices.flatMap { label in classes[label].paths.map { ($0, label) } }
  }
}
