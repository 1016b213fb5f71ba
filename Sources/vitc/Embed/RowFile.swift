import Diagnostics
import Files
import FoundationEssentials
import Npy
import VitRuntime

/// A file of rows in the making: rows go to `FILE.partial`, and the file gets its name at the end.
final class RowFile {
  /// What is to be made.
  let target: RowTarget
  /// What rows go to, one for each output of an archive; empty where the file has its name already.
  private var stores: [Store]
  /// Whether an interruption removes what is unfinished.
  private let isForgotten: Bool

  private enum Store {
    case rows(NpyRows, output: String, path: String)
    case lines(GrowingFile)
    case standardOutput

    var path: String? {
      switch self {
      case .rows(_, _, let path): path
      case .lines(let file): file.path
      case .standardOutput: nil
      }
    }
  }

  /// Begins a file, or goes on with one of which `bytes` bytes are kept.
  ///
  /// - Parameters:
  ///   - target: What is to be made.
  ///   - isForgotten: Whether an interruption removes what is unfinished.
  ///   - bytes: What the job's index says of the file; `nil` for a new one.
  ///
  /// Errors: what ``NpyRows`` and ``GrowingFile`` report; something unfinished that an earlier job
  /// left.
  init(
    _ target: RowTarget, isForgotten: Bool, keeping bytes: Int? = nil
  ) throws(Diagnostic) {
    self.target = target
    self.isForgotten = isForgotten
    stores = []
    for (name, tensor) in Self.parts(target) {
      guard let name else {
        stores.append(.standardOutput)
        continue
      }
      if bytes == nil, FileManager.default.fileExists(atPath: name) {
        throw Self.unfinished(name)
      }
      if isForgotten { _ = Unfinished.add { name } }
      switch target.form {
      case .lines:
        let file = try GrowingFile(name, bytes == nil ? .new : .existing)
        if let bytes { try file.truncate(to: min(bytes, file.count)) }
        stores.append(.lines(file))
      case .array, .archive:
        let rows = try NpyRows(name, shape: tensor?.shape ?? [], keeping: bytes)
        stores.append(.rows(rows, output: tensor?.name ?? "", path: name))
      }
    }
  }

  /// What is said of a file that an earlier job left.
  static func unfinished(_ name: String) -> Diagnostic {
    Diagnostic(
      "an unfinished file of an earlier job is there", at: .file(name),
      hint: "go on with it by --resume, or remove it and '\(name).index'")
  }

  /// A file that has its name already.
  init(finished target: RowTarget) {
    self.target = target
    isForgotten = false
    stores = []
  }

  /// The unfinished files of a target, each with the output that it holds.
  private static func parts(
    _ target: RowTarget
  ) -> [(name: String?, tensor: VitDescription.Tensor?)] {
    guard let path = target.path else { return [(nil, nil)] }
    switch target.form {
    case .lines: return [("\(path).partial", nil)]
    case .array: return [("\(path).partial", target.tensors.first)]
    case .archive: return target.tensors.map { ("\(path).\($0.name).partial", $0) }
    }
  }

  /// How many bytes there are: of a file that a job can go on with.
  var bytes: Int {
    switch stores.first {
    case .rows(let rows, _, _): rows.file.count
    case .lines(let file): file.count
    case .standardOutput, nil: 0
    }
  }

  /// Appends what was made of a photo.
  func append(_ photo: String, _ values: [String: [Float]]) throws(Diagnostic) {
    for store in stores {
      switch store {
      case .rows(let rows, let output, _): try rows.append(values[output] ?? [])
      case .lines(let file): try file.append(Array(line(photo, values).utf8))
      case .standardOutput: print(line(photo, values), terminator: "")
      }
    }
  }

  private func line(_ photo: String, _ values: [String: [Float]]) -> String {
    ValueRun.json(photo, values, target.tensors) + "\n"
  }

  /// Writes how many rows there are: the last thing before the file can have its name.
  func close() throws(Diagnostic) {
    for case .rows(let rows, _, _) in stores { try rows.finish() }
  }

  /// Gives the file its name.
  ///
  /// - Parameter photos: The paths of the photos, row by row.
  func publish(_ photos: StoredTexts) throws(Diagnostic) {
    guard let path = target.path, !stores.isEmpty else { return }
    switch target.form {
    case .lines, .array:
      for case .rows(let rows, _, _) in stores { try rows.file.rename(to: path) }
      for case .lines(let file) in stores { try file.rename(to: path) }
    case .archive:
      var members: [(name: String, member: NpzArchive.Member)] = []
      for case .rows(_, let output, let part) in stores {
        members.append((output, .file(part)))
      }
      try NpzArchive.write(path, members: members + [("paths", .texts(photos))])
      discard()
    }
    for store in stores { if let part = store.path { Unfinished.forget(part) } }
    stores = []
  }

  /// Removes what is unfinished.
  func discard() {
    for store in stores {
      guard let part = store.path else { continue }
      try? FileManager.default.removeItem(atPath: part)
      Unfinished.forget(part)
    }
  }

  deinit { if isForgotten { discard() } }
}
