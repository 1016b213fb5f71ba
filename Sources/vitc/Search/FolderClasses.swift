import Diagnostics

/// The classes of photos by the folders that they are in: the first folder of each path below the
/// one that all have in common.
struct FolderClasses {
  /// The names of the classes, sorted.
  let names: [String]
  /// The class of each photo.
  let labels: [Int]

  /// Finds the classes.
  ///
  /// - Parameters:
  ///   - paths: The photos.
  ///   - known: The classes that there are; `nil`: those of the paths.
  ///   - source: What messages name.
  ///
  /// Errors: a photo that is in no folder below the common one; a class that is not known.
  init(
    _ paths: [String], known: [String]? = nil, source: String
  ) throws(Diagnostic) {
    let folders = paths.map { $0.split(separator: "/").dropLast().map(String.init) }
    var common = folders.first?.count ?? 0
    for folder in folders {
      common = min(common, zip(folder, folders[0]).prefix { $0 == $1 }.count)
    }
    // Where all are in one folder, that one is the class.
    if let first = folders.first, common == first.count, folders.allSatisfy({ $0 == first }) {
      common -= 1
    }
    var found: [String] = []
    for (index, folder) in folders.enumerated() {
      guard common >= 0, folder.count > common else {
        throw Diagnostic(
          "'\(paths[index])' is in no folder of a class", at: .file(source),
          hint: "photos are looked for as FOLDER/CLASS/PHOTO.jpg")
      }
      found.append(folder[common])
    }
    let names = known ?? Set(found).sorted()
    self.names = names
    let numbers = Dictionary(
      names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    labels = try found.map { (name) throws(Diagnostic) in
      guard let number = numbers[name] else {
        throw Diagnostic(
          "no class '\(name)' is among those of the training photos", at: .file(source),
          hint: Suggestion.hint(for: name, in: names))
      }
      return number
    }
  }
}
