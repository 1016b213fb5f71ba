import Foundation
import IR

/// The photos that arguments stand for.
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
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: argument)
      } catch {
        throw Diagnostic("cannot list the folder", at: .file(argument))
      }
      let photos = names.filter { name in
        endings.contains { name.lowercased().hasSuffix($0) }
      }
      guard !photos.isEmpty else {
        throw Diagnostic(
          "the folder has no photos", at: .file(argument),
          notes: ["looked for files that end in \(endings.joined(separator: ", "))"])
      }
      let separator = argument.hasSuffix("/") ? "" : "/"
      paths += photos.sorted().map { argument + separator + $0 }
    }
    return paths
  }
}
