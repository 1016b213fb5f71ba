import Diagnostics
import Glibc

/// Where the files of an artifact go.
struct ArtifactPlaces {
  /// What only a package has.
  struct Package {
    /// The file that pkg-config reads.
    let pkgConfig: String
    /// The file that CMake's find_package reads.
    let cmake: String
  }

  /// The folder that exists already, in which unfinished files wait.
  let root: String
  /// Folders that are made if they are not there, outer ones first.
  let folders: [String]
  /// The library, archive or object.
  let artifact: String
  /// Its name in its folder.
  let fileName: String
  /// The header for C.
  let header: String
  /// The header for C++.
  let cPlusPlusHeader: String
  /// The module map.
  let map: String
  /// The weights file, beside the artifact; `nil` for embedded weights.
  let weights: String?
  /// What a package has besides; `nil` where all files are beside each other.
  let package: Package?

  /// Throws where the output is what no artifact can replace.
  init(
    output: String, name: String, kind: Artifact.Kind, arrangement: Artifact.Arrangement,
    hasWeightsFile: Bool
  ) throws(Diagnostic) {
    let weightsName = hasWeightsFile ? "\(name).weights" : nil
    switch arrangement {
    case .beside:
      let folder: String
      (folder, fileName) = ArtifactPlaces.split(output)
      try ArtifactPlaces.checkFile(output, named: fileName)
      root = folder
      folders = []
      artifact = "\(folder)/\(fileName)"
      header = "\(folder)/\(name).h"
      cPlusPlusHeader = "\(folder)/\(name).hpp"
      map = "\(folder)/module.modulemap"
      weights = weightsName.map { "\(folder)/\($0)" }
      package = nil
    case .package:
      let path = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
      root = try ArtifactPlaces.existingRoot(of: path)
      let (library, include) = ("\(path)/lib", "\(path)/include")
      let (pkgConfig, cmake) = ("\(library)/pkgconfig", "\(library)/cmake")
      folders = [path, library, include, pkgConfig, cmake, "\(cmake)/\(name)"]
      fileName =
        switch kind {
        case .library: "lib\(name).so"
        case .static: "lib\(name).a"
        case .object: "\(name).o"
        }
      artifact = "\(library)/\(fileName)"
      header = "\(include)/\(name).h"
      cPlusPlusHeader = "\(include)/\(name).hpp"
      map = "\(include)/module.modulemap"
      weights = weightsName.map { "\(library)/\($0)" }
      package = Package(
        pkgConfig: "\(pkgConfig)/\(name).pc", cmake: "\(cmake)/\(name)/\(name)-config.cmake")
    }
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (
      slash == path.startIndex ? "/" : String(path[..<slash]),
      String(path[path.index(after: slash)...])
    )
  }

  private static func checkFile(_ output: String, named fileName: String) throws(Diagnostic) {
    guard !fileName.isEmpty else {
      throw Diagnostic(
        output.isEmpty ? "no output file is named" : "is a folder, expected the path of a file",
        at: output.isEmpty ? .argument("-o") : .file(output))
    }
    var status = stat()
    if stat(output, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR {
      throw Diagnostic("is a folder, expected the path of a file", at: .file(output))
    }
    guard stat(output, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
      throw Diagnostic(
        "is a device or a pipe, expected the path of a file", at: .file(output),
        hint: "header and module map go beside the output, so it must be a file in a folder")
    }
  }

  /// The package's folder if it is there, else the one that it will be in.
  private static func existingRoot(of path: String) throws(Diagnostic) -> String {
    guard !path.isEmpty else {
      throw Diagnostic("no folder for the package is named", at: .argument("-o"))
    }
    var status = stat()
    guard stat(path, &status) == 0 else { return split(path).folder }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw Diagnostic(
        "is a file, expected the folder of a package", at: .file(path),
        hint: "without --package, -o names the library itself")
    }
    return path
  }
}
