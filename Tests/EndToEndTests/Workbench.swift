import Codegen
import Compiler
import Foundation
import IR
import Npy
import Testing
import VitRuntime

/// A folder for one test's products, removed at the end.
final class Workbench {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("vitc-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// The path of a file in the folder.
  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// Compiles to a library in the folder and returns its path.
  func compile(
    _ model: String, name: String = "model", _ change: (inout CompileRequest) -> Void = { _ in }
  ) throws -> String {
    var request = CompileRequest(model: model)
    request.output = path("lib\(name).so")
    request.store = SharedObjects.all
    change(&request)
    _ = try Compiler(request).run()
    return path("lib\(name).so")
  }

  /// Runs a tool in the folder and returns its output.
  @discardableResult
  func tool(_ arguments: [String]) throws -> String {
    let (status, text) = try run(arguments)
    try #require(status == 0, "\(text)")
    return text
  }

  /// Runs a tool in the folder and returns its status and what it printed.
  ///
  /// Without errors for emulators: qemu warns of features of a CPU model that it does not emulate,
  /// such as x2APIC.
  func run(
    _ arguments: [String], withErrors: Bool = true
  ) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = withErrors ? pipe : FileHandle.nullDevice
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// Compiles and loads.
  func model(
    _ model: String, name: String = "model", threads: Int = 2,
    _ change: (inout CompileRequest) -> Void = { _ in }
  ) throws -> VitModel {
    try VitModel(
      path: compile(model, name: name, change), options: VitOptions(threads: threads))
  }
}

/// The files that the tests share.
enum Repository {
  /// The root of the checkout.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The path of a file below the root.
  static func path(_ relative: String) -> String { root.appendingPathComponent(relative).path }

  /// The JSON object in a file.
  static func json<T: Decodable>(_ relative: String, as type: T.Type) throws -> T {
    try JSONDecoder().decode(type, from: Data(contentsOf: root.appendingPathComponent(relative)))
  }

  /// `true` iff the slow suite is wanted.
  static let runsSlowTests = ProcessInfo.processInfo.environment["VITC_SLOW"] == "1"
}

/// How far a result is from the truth.
struct Deviation {
  /// The largest difference over the root mean square of the truth.
  let largest: Double
  /// The norm of the difference over the norm of the truth.
  let relativeL2: Double
  /// The cosine of the angle between the two.
  let cosine: Double

  init(_ found: [Float], _ truth: [Float]) {
    precondition(found.count == truth.count, "\(found.count) values against \(truth.count)")
    var (difference, product, foundSquares, truthSquares) = (0.0, 0.0, 0.0, 0.0)
    var squares = 0.0
    for (a, b) in zip(found, truth) {
      // Not `max`, which would pass over a NaN.
      let distance = abs(Double(a) - Double(b))
      if !(distance <= difference) { difference = distance }
      squares += distance * distance
      product += Double(a) * Double(b)
      foundSquares += Double(a) * Double(a)
      truthSquares += Double(b) * Double(b)
    }
    largest = difference / (truthSquares / Double(truth.count)).squareRoot()
    relativeL2 = (squares / truthSquares).squareRoot()
    cosine = product / (foundSquares * truthSquares).squareRoot()
  }
}

extension Target {
  /// The targets of a library that multiplies floats only, as far as this machine runs them.
  static var runnableForFloats: [Target] { withoutNarrowProducts(runnableHere) }
}
