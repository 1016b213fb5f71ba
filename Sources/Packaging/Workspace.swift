import Diagnostics
import Files
import Glibc

/// A folder for unfinished files, beside the product so that finished ones are moved by a rename.
///
/// What is in it at the end is removed with it: a failure leaves nothing behind, nor does an
/// interruption (`Unfinished`).
final class Workspace {
  /// Its path.
  let path: String
  private var names: Set<String> = []

  /// Creates a folder of a new name in `folder`.
  init(in folder: String) throws(Diagnostic) {
    var pattern = Array("\(folder)/.vitc-XXXXXX".utf8CString)
    let made = Unfinished.add {
      pattern.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
      }
    }
    guard let made else {
      throw FileError.diagnostic("cannot write to this folder", folder, errno)
    }
    path = made
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
    Unfinished.forget(path)
  }

  /// The path of a file in the folder, which goes when the folder does.
  func file(_ name: String) -> String {
    names.insert(name)
    return "\(path)/\(name)"
  }

  /// Moves finished files to their places; on a failure those already moved are removed.
  func publish(_ files: [(name: String, destination: String)]) throws(Diagnostic) {
    let moves = files.map { (from: file($0.name), to: $0.destination) }
    // An interruption comes before or after, not between the header and the library.
    let failure = Unfinished.uninterrupted { () -> (path: String, code: Int32)? in
      for (position, move) in moves.enumerated() where rename(move.from, move.to) != 0 {
        let failure = errno
        for placed in moves[..<position] { unlink(placed.to) }
        return (move.to, failure)
      }
      return nil
    }
    if let failure {
      throw FileError.diagnostic("cannot write the file", failure.path, failure.code)
    }
  }
}
