import Diagnostics
import Foundation

/// The photos that arguments name.
enum PhotoList {
  /// The endings of the files that a folder is searched for; a file named itself may end anyhow.
  private static let endings = [".png", ".jpg", ".jpeg"]

  /// Returns the arguments in order, each folder replaced by the PNG and JPEG files in it, sorted
  /// by name; folders within it are not searched.
  ///
  /// Errors: a folder that cannot be listed or has no photos.
  static func expand(_ arguments: [String]) throws(Diagnostic) -> [String] {
    var paths: [String] = []
    for argument in arguments {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder),
        isFolder.boolValue
      else {
        paths.append(argument)
        continue
      }
      paths += try photos(in: argument)
    }
    return paths
  }

  /// Returns the paths of the PNG and JPEG files in a folder, sorted by name.
  ///
  /// Errors: it is not a folder, cannot be listed, or has no photos.
  static func photos(in folder: String) throws(Diagnostic) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
      throw Diagnostic("no such folder", at: .file(folder))
    }
    guard isFolder.boolValue else {
      throw Diagnostic("is a file, expected a folder of photos", at: .file(folder))
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw Diagnostic("cannot list the folder", at: .file(folder))
    }
    let photos = names.filter { name in
      endings.contains { name.lowercased().hasSuffix($0) }
    }
    guard !photos.isEmpty else {
      throw Diagnostic(
        "the folder has no photos", at: .file(folder),
        notes: ["looked for files that end in \(endings.joined(separator: ", "))"])
    }
    let separator = folder.hasSuffix("/") ? "" : "/"
    return photos.sorted().map { folder + separator + $0 }
  }
}
