import CVitABI
import Diagnostics
import Files
import Glibc

/// What is already where a compiled model goes: vitc replaces what it wrote itself, and nothing
/// that it cannot tell from somebody else's work.
enum ExistingFile {
  /// Checks the places of all files that an artifact consists of, before any work is done.
  static func check(_ places: ArtifactPlaces) throws(Diagnostic) {
    let companions =
      [
        (places.header, "the header"), (places.cPlusPlusHeader, "the header for C++"),
        (places.map, "the module map"),
      ] + (places.weights.map { [($0, "the weights file")] } ?? [])
    for (path, what) in companions {
      guard path != places.artifact, !RegularFile.isSame(places.artifact, path) else {
        throw Diagnostic(
          "the library and \(what) that is written beside it would be one file",
          at: .file(places.artifact), hint: "choose another name with -o")
      }
    }
    try check(places.artifact, "a library, archive or object", isArtifact)
    try check(places.header, "a header that vitc wrote", isMarked)
    try check(places.cPlusPlusHeader, "a header that vitc wrote", isMarked)
    try check(places.map, "a module map that vitc wrote", isMap)
    if let package = places.package {
      try check(package.pkgConfig, "a file that vitc wrote", isMarked)
      try check(package.cmake, "a file that vitc wrote", isMarked)
    }
    if let weights = places.weights {
      try check(weights, "a weights file that vitc wrote", isWeights)
    }
  }

  /// The text of a file, or `nil` without one.
  static func text(_ path: String) throws(Diagnostic) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return String(decoding: try FileError.read(path), as: UTF8.self)
  }

  /// Throws unless nothing is at `path`, or an empty file, or one that begins as vitc's do.
  private static func check(
    _ path: String, _ expected: String, _ isOwn: ([UInt8]) -> Bool
  ) throws(Diagnostic) {
    var status = stat()
    // A link that leads nowhere is replaced.
    guard stat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw Diagnostic(
          "is not a file, expected \(expected) or nothing", at: .file(path),
          hint: "choose another folder with -o, or another --name")
      }
      return
    }
    let (file, _) = try RegularFile.open(path)
    defer { close(file) }
    var start = [UInt8](repeating: 0, count: 1024)
    let count = pread(file, &start, start.count, 0)
    guard count >= 0 else { throw FileError.diagnostic("cannot read the file", path, errno) }
    guard isOwn(Array(start.prefix(count))) else {
      throw Diagnostic(
        "exists and is not \(expected): it would be overwritten", at: .file(path),
        hint: "choose another place with -o, another --name, or remove the file")
    }
  }

  private static func isArtifact(_ start: [UInt8]) -> Bool {
    start.starts(with: [0x7f, 0x45, 0x4c, 0x46]) || start.starts(with: "!<arch>\n".utf8)
  }

  /// The first line of a header, or of a build system's file, says who wrote it.
  private static func isMarked(_ start: [UInt8]) -> Bool {
    String(decoding: start, as: UTF8.self).split(separator: "\n").first?
      .contains(HeaderWriter.mark) == true
  }

  private static func isMap(_ start: [UInt8]) -> Bool {
    start.starts(with: ModuleMap.title.utf8)
  }

  private static func isWeights(_ start: [UInt8]) -> Bool {
    start.count >= 8
      && start.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } == UInt64(VIT_WEIGHTS_MAGIC)
  }
}
