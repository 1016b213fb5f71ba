import Glibc
import IR

/// A folder for unfinished files, beside the product so that finished ones are moved by a rename.
///
/// What is in it at the end is removed with it: a failure leaves nothing behind.
final class Workspace {
  /// Its path.
  let path: String
  private var names: Set<String> = []

  /// Creates a folder of a new name in `folder`.
  init(in folder: String) throws(Diagnostic) {
    var pattern = Array("\(folder)/.vitc-XXXXXX".utf8CString)
    let made = pattern.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    guard let made else {
      throw FileError.diagnostic("cannot write to this folder", folder, errno)
    }
    path = made
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// The path of a file in the folder, which goes when the folder does.
  func file(_ name: String) -> String {
    names.insert(name)
    return "\(path)/\(name)"
  }

  /// Moves finished files to their places; on a failure those already moved are removed.
  func publish(_ files: [(name: String, destination: String)]) throws(Diagnostic) {
    var placed: [String] = []
    for (name, destination) in files {
      guard rename(file(name), destination) == 0 else {
        let failure = errno
        for path in placed { unlink(path) }
        throw FileError.diagnostic("cannot write the file", destination, failure)
      }
      placed.append(destination)
    }
  }
}
