import Diagnostics
import Files
import Parallel
import Synchronization

/// The digests of the files that are compiled, which a thread makes while others work.
final class SourceDigests {
  /// A file, or many as one.
  struct Input: Sendable {
    /// What it is read for.
    let role: SourceFile.Role
    /// Paths with the names that they are known by.
    let files: [(path: String, name: String)]
    /// Whether the files count as one.
    let isOne: Bool
  }

  private let work: Work
  private var thread: StartedThread?

  /// Begins.
  ///
  /// - Parameter linker: says the linker's version, which is asked of a process.
  init(_ inputs: [Input], linker: @escaping @Sendable () -> String?) {
    let work = Work(inputs, linker)
    self.work = work
    thread = StartedThread { work.run() }
    // Without a thread to spare the work is done here.
    if thread == nil { work.run() }
  }

  deinit {
    work.isStopped.store(true, ordering: .relaxed)
    thread?.join()
  }

  /// Waits for the digests.
  ///
  /// - Throws: a file that cannot be read.
  func results() throws(Diagnostic) -> (files: [SourceFile], linker: String?) {
    thread?.join()
    thread = nil
    return try work.results.withLock { $0 }.get()
  }
}

/// What the thread shares with who waits for it.
private final class Work: Sendable {
  typealias Results = Result<(files: [SourceFile], linker: String?), Diagnostic>

  let isStopped = Atomic(false)
  let results = Mutex(Results.success(([], nil)))
  private let inputs: [SourceDigests.Input]
  private let linker: @Sendable () -> String?

  init(_ inputs: [SourceDigests.Input], _ linker: @escaping @Sendable () -> String?) {
    self.inputs = inputs
    self.linker = linker
  }

  func run() {
    let made = Results { () throws(Diagnostic) in
      var files: [SourceFile] = []
      let version = linker()
      for input in inputs { files += try self.files(of: input) }
      return (files, version)
    }
    results.withLock { $0 = made }
  }

  private func files(of input: SourceDigests.Input) throws(Diagnostic) -> [SourceFile] {
    var (files, lines, bytes) = ([SourceFile](), "", 0)
    for (path, name) in input.files {
      let digest = try SHA256(file: path, isWanted: { !isStopped.load(ordering: .relaxed) })
      let size = RegularFile.size(path) ?? 0
      bytes += size
      lines += "\(digest)  \(name)\n"
      files.append(
        SourceFile(
          role: input.role, name: name, count: nil, bytes: size, sha256: digest.description))
    }
    guard input.isOne else { return files }
    return [
      SourceFile(
        role: input.role, name: nil, count: input.files.count, bytes: bytes,
        sha256: SHA256(of: Array(lines.utf8)).description)
    ]
  }
}
