import Foundation
import Testing

@testable import Codegen

/// Generated code for 64-bit Arm that qemu's user mode emulation runs, on a processor that has all
/// features.
///
/// Each call is a process of its own, in a folder of its own: a program maps the buffers that the
/// addresses lie in, between pages that may not be touched as those of ``Floats``, and writes them
/// back. `make test-deps` installs what it takes; without it tests fail rather than pass unseen.
struct EmulatedFunction {
  private let library: Data
  private let symbol: String

  /// Takes the library that is at a path.
  init(library: String, symbol: String) throws {
    self.library = try Data(contentsOf: URL(fileURLWithPath: library))
    self.symbol = symbol
  }

  private static let libc = "/usr/aarch64-linux-gnu"

  /// Does something in a new folder, which is removed afterwards.
  private static func inFolder<T>(_ body: (URL) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("vitc-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  /// The program, compiled once.
  private static let host: Result<Data, any Error> = Result { try inFolder(compileHost) }

  private static func compileHost(in folder: URL) throws -> Data {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/kernel_host.c").path
    let program = folder.appendingPathComponent("kernel_host")
    try #require(
      FileManager.default.fileExists(atPath: "\(libc)/lib/crt1.o"),
      "libc6-dev-arm64-cross is not installed: run 'make test-deps'")
    let status = NativeFunction.spawn(
      [
        "/usr/bin/env", "clang", "-O1", "-Wall", "-Werror", source, "-o", program.path,
        "--target=aarch64-linux-gnu", "-fuse-ld=lld", "-nostdlib", "-isystem", "\(libc)/include",
        "-L\(libc)/lib", "\(libc)/lib/crt1.o", "\(libc)/lib/crti.o", "-lc",
        "\(libc)/lib/crtn.o",
      ])
    try #require(status == 0, "clang does not compile \(source)")
    return try Data(contentsOf: program)
  }

  /// Runs some tasks of `count`, the last first.
  func run(_ pointers: [UnsafeMutablePointer<Float>?], tasks: Range<Int>, of count: Int) {
    #expect(throws: Never.self) {
      var rooms: [UnsafeMutableRawBufferPointer] = []
      var places: [Int64] = []
      for pointer in pointers + Array(repeating: nil, count: 8 - pointers.count) {
        guard let pointer else {
          places += [-1, 0]
          continue
        }
        let room = try #require(Floats.room(of: pointer), "an address is in no buffer")
        let known = rooms.firstIndex { $0.baseAddress == room.baseAddress }
        if known == nil { rooms.append(room) }
        places += [
          Int64(known ?? rooms.count - 1),
          Int64(UInt(bitPattern: pointer) - UInt(bitPattern: room.baseAddress)),
        ]
      }
      var head = [tasks.lowerBound, tasks.upperBound, count, rooms.count].map(Int64.init)
      head += places + rooms.map { Int64($0.count) }
      var data = head.withUnsafeBytes { Data($0) }
      for room in rooms { data.append(contentsOf: room) }
      let found = try Self.inFolder { try emulate(data, in: $0) }
      try #require(found.count == data.count)
      var offset = head.count * 8
      for room in rooms {
        found.copyBytes(to: room, from: offset..<offset + room.count)
        offset += room.count
      }
    }
  }
}

extension EmulatedFunction {
  /// Runs the program on the contents of its file in a folder; returns what it leaves there.
  private func emulate(_ data: Data, in folder: URL) throws -> Data {
    func path(_ name: String, _ contents: Data) throws -> String {
      let url = folder.appendingPathComponent(name)
      try contents.write(to: url)
      return url.path
    }
    let program = try path("kernel_host", Self.host.get())
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let arguments = try [program, path("test.so", library), symbol, path("buffers", data)]
    let status = NativeFunction.spawn(
      ["/usr/bin/env", "qemu-aarch64", "-cpu", "max", "-L", Self.libc] + arguments)
    try #require(status == 0, "qemu-aarch64 ends with status \(status)")
    return try Data(contentsOf: folder.appendingPathComponent("buffers"))
  }
}

extension Target {
  /// Targets of 64-bit Arm by their short names: all where they are emulated, else those that run.
  static func arm(_ names: String...) -> [Target] {
    let all = combinations.filter { names.contains($0.shortName) && !$0.isX86 }
    precondition(all.count == names.count, "\(names)")
    return portable[0].isX86 ? all : runnableHere(of: all)
  }
}
