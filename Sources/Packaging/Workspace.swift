import Diagnostics
import Files
import Glibc

/// A folder for unfinished files, beside the artifact so that finished ones are moved by a rename.
///
/// What is in it at the end is removed with it: a failure leaves nothing behind, nor does an
/// interruption (`Unfinished`).
final class Workspace {
  /// Its path.
  let path: String
  /// Tells other processes that this one lives.
  private let lock: Int32
  private var names: Set<String> = []

  /// Creates a folder of a new name in `folder`; removes those that killed processes left there.
  init(in folder: String) throws(Diagnostic) {
    Leftovers.remove(in: folder)
    guard let made = Leftovers.makeFolder(in: folder) else {
      throw FileError.diagnostic("cannot write to this folder", folder, errno)
    }
    (path, lock) = made
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    unlink("\(path)/\(Leftovers.lockName)")
    rmdir(path)
    close(lock)
    Unfinished.forget(path)
  }

  /// The permissions that a file gets here that all may use in every way, as the process's umask
  /// and the folder want it; `nil` if that cannot be found out.
  func permissions() -> mode_t? {
    let path = file("permissions")
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o777)
    guard descriptor >= 0 else { return nil }
    defer {
      close(descriptor)
      unlink(path)
    }
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  /// The path of a file in the folder, which goes when the folder does.
  func file(_ name: String) -> String {
    names.insert(name)
    return "\(path)/\(name)"
  }

  /// Makes folders, outer ones first, and moves finished files to their places; on a failure the
  /// files already moved are removed, and the folders made.
  func publish(
    _ files: [(name: String, destination: String)], folders: [String] = []
  ) throws(Diagnostic) {
    let moves = files.map { (from: file($0.name), to: $0.destination) }
    // An interruption comes before or after, not between the header and the library.
    let failure = Unfinished.uninterrupted { () -> (path: String, code: Int32)? in
      var made: [String] = []
      func undo(_ placed: [String], _ path: String) -> (path: String, code: Int32) {
        let failure = errno
        for path in placed { unlink(path) }
        for folder in made.reversed() { rmdir(folder) }
        return (path, failure)
      }
      for folder in folders {
        if mkdir(folder, 0o777) == 0 {
          made.append(folder)
        } else if errno != EEXIST {
          return undo([], folder)
        }
      }
      for (position, move) in moves.enumerated() where rename(move.from, move.to) != 0 {
        return undo(moves[..<position].map(\.to), move.to)
      }
      return nil
    }
    if let failure {
      throw FileError.diagnostic("cannot write the file", failure.path, failure.code)
    }
  }
}
