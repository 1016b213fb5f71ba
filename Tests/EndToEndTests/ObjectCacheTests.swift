import Codegen
import Diagnostics
import Foundation
import IR
import Testing

@testable import Compiler

/// The cache of generated code on the disk.
@Suite struct ObjectCacheTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  /// Keys as the code generator makes them: of small graphs that differ in `rows`.
  private final class Recorder: ObjectStore {
    nonisolated(unsafe) var keys: [ModuleKey] = []
    private let lock = NSLock()
    func object(of module: ModuleKey) -> [UInt8]? {
      lock.withLock { keys.append(module) }
      return [0]
    }
    func keep(_ object: [UInt8], of module: ModuleKey) {}
  }

  private func key(_ rows: Int) throws -> ModuleKey {
    var builder = GraphBuilder(name: "test", form: .imported)
    let x = try builder.append(.input(Input(type: .f32(rows, 8))), name: "images")
    builder.addOutput("y", try builder.append(.softmax(Softmax()), [x], name: "softmax"))
    let recorder = Recorder()
    let graph = builder.graph.placed([
      Placement(.image, offsetBytes: 0, rowStride: 8),
      Placement(.output(0), offsetBytes: 0, rowStride: 8),
    ])
    _ = try CodeGenerator.generate(
      graph, for: [.x86v2],
      program: ProgramInfo(
        name: "m", model: "m", compilerVersion: "0", weightsBytes: 0, arenaBytes: 64),
      store: recorder)
    return try #require(recorder.keys.first)
  }

  private func cache(
    _ folder: String = "objects", limit: Int = 1 << 20, identity: String? = "vitc 1"
  ) -> ObjectCache {
    ObjectCache(folder: bench.path(folder), limit: limit, identity: identity)
  }

  private func files(_ folder: String = "objects") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: bench.path(folder)).sorted()
      .map { bench.path("\(folder)/\($0)") }
  }

  private let object = (0..<1000).map { UInt8($0 % 251) }

  @Test func keepsWhatIsKeptUnderItsKeyOnly() throws {
    let (one, other) = (try key(1), try key(2))
    #expect(cache().object(of: one) == nil)
    cache().keep(object, of: one)
    #expect(cache().object(of: one) == object && cache().object(of: other) == nil)
    cache().keep([], of: other)
    #expect(cache().object(of: other) == [])
    #expect(cache().size.count == 2)
    #expect(cache().clear() == 2 && cache().object(of: one) == nil)
    #expect(try files().isEmpty)
  }

  /// Another build of vitc, or another LLVM below it, has objects of its own.
  @Test func anotherProgramFindsNothing() throws {
    let key = try key(1)
    cache().keep(object, of: key)
    #expect(cache(identity: "vitc 2").object(of: key) == nil)
    cache(identity: "vitc 2").keep([2], of: key)
    #expect(cache().object(of: key) == object)
    // A program that does not know itself uses none.
    let unknown = cache("other", identity: nil)
    unknown.keep(object, of: key)
    #expect(unknown.object(of: key) == nil && unknown.problem != nil)
    #expect(!FileManager.default.fileExists(atPath: bench.path("other")))
  }

  @Test func knowsThisProgram() throws {
    let identity = try #require(ProgramIdentity.current)
    let lines = identity.split(separator: "\n")
    #expect(lines[0].wholeMatch(of: /program [0-9a-f]{32}/) != nil)
    #expect(lines.contains { $0.contains("/libc.so.6 ") || $0.contains("/ld-musl") })
    #expect(
      ProgramIdentity.codePath("7f0c-7f0d r-xp 00002000 08:01 1835   /a b/c.so") == "/a b/c.so")
    for line in ["7f0c-7f0d r--p 00002000 08:01 1835 /c.so", "7f-8f r-xp 0 0:0 0 [vdso]", "x"] {
      #expect(ProgramIdentity.codePath(Substring(line)) == nil)
    }
  }

  /// A damaged file is as none, and is written anew.
  @Test func damageIsNoticed() throws {
    let key = try key(1)
    cache().keep(object, of: key)
    let path = try files()[0]
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    func expectNothing(_ bytes: Data, _ what: String) throws {
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(cache().object(of: key) == nil, "\(what)")
    }
    for position in stride(from: 0, to: whole.count, by: 7) {
      var bytes = whole
      bytes[position] ^= 0x10
      try expectNothing(bytes, "byte \(position)")
    }
    for count in [0, 5, 20, 40, whole.count / 2, whole.count - 1] {
      try expectNothing(whole.prefix(count), "\(count) bytes")
    }
    try expectNothing(whole + [0], "a byte more")
    cache().keep(object, of: key)
    #expect(cache().object(of: key) == object)
  }

  /// A file of another key, intact, in the place of this one's: as if their hashes were equal.
  @Test func aRenamedFileIsNotTaken() throws {
    let (one, other) = (try key(1), try key(2))
    cache().keep([1], of: one)
    let first = try files()[0]
    cache().keep([2], of: other)
    let second = try #require(try files().first { $0 != first })
    try Data(contentsOf: URL(fileURLWithPath: first)).write(to: URL(fileURLWithPath: second))
    #expect(cache().object(of: other) == nil && cache().object(of: one) == [1])
  }

  /// Links, folders and files that others may write to are not read.
  @Test func foreignFilesAreNotTaken() throws {
    let key = try key(1)
    cache().keep(object, of: key)
    let path = try files()[0]
    #expect(chmod(path, 0o646) == 0)
    #expect(cache().object(of: key) == nil)
    #expect(chmod(path, 0o644) == 0)
    #expect(cache().object(of: key) == object)
    #expect(rename(path, bench.path("elsewhere")) == 0)
    #expect(symlink(bench.path("elsewhere"), path) == 0)
    #expect(cache().object(of: key) == nil)
    #expect(unlink(path) == 0 && mkdir(path, 0o700) == 0)
    #expect(cache().object(of: key) == nil)
    cache().keep(object, of: key)
    #expect(cache().object(of: key) == nil)
  }

  @Test func foreignFoldersAreNotUsed() throws {
    let key = try key(1)
    cache().keep(object, of: key)
    for mode in [0o777, 0o770] as [mode_t] {
      #expect(chmod(bench.path("objects"), mode) == 0)
      #expect(cache().object(of: key) == nil)
      cache().keep(object, of: try self.key(2))
      #expect(cache().problem == "other users may write to it")
    }
    #expect(chmod(bench.path("objects"), 0o700) == 0)
    #expect(cache().problem == nil && cache().size.count == 1)
    #if os(Linux)
      if geteuid() == 0 {
        #expect(chown(bench.path("objects"), 65534, 65534) == 0)
        #expect(cache().problem == "it belongs to another user")
        #expect(cache().object(of: key) == nil)
      }
    #endif
  }

  /// Where nothing can be written nothing is kept, and nobody hears of it.
  @Test func foldersThatCannotBeAreNoMatter() throws {
    let key = try key(1)
    try Data().write(to: URL(fileURLWithPath: bench.path("file")))
    for folder in ["file", "file/below", "/proc/vitc/objects", "/dev/null"] {
      let cache = ObjectCache(
        folder: folder.hasPrefix("/") ? folder : bench.path(folder), identity: "vitc 1")
      cache.keep(object, of: key)
      #expect(cache.object(of: key) == nil && cache.size.count == 0 && cache.clear() == 0)
    }
    #expect(cache("file").problem == "it is not a folder")
    // Larger than all together may be.
    cache(limit: 900).keep(object, of: key)
    #expect(cache().object(of: key) == nil)
  }

  /// A folder below folders that are not there yet is made for this user alone.
  @Test func makesItsFolders() throws {
    let key = try key(1)
    cache("a/b/objects").keep(object, of: key)
    #expect(cache("a/b/objects").object(of: key) == object)
    let attributes = try FileManager.default.attributesOfItem(atPath: bench.path("a/b/objects"))
    #expect(attributes[.posixPermissions] as? Int == 0o700)
  }

  /// What was used least recently goes first; unfinished files of dead writers go along.
  @Test func leastRecentlyUsedGo() throws {
    let keys = try (1...5).map(key)
    for key in keys[..<4] { cache().keep(object, of: key) }
    let bytes = cache().size.bytes / 4
    // Ages, by the hour, of all of them; then one is used.
    for (age, path) in try files().enumerated() {
      var times = [timespec](repeating: timespec(), count: 2)
      for i in 0..<2 { times[i].tv_sec = time(nil) - 3600 * (age + 1) }
      #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    }
    let leftover = bench.path("objects/.vitc-unfinished-0")
    try Data([1]).write(to: URL(fileURLWithPath: leftover))
    let oldest = try #require(files().last { $0.hasSuffix(".object") })
    let used = try #require(
      keys[..<4].first { key in
        let before = (try? FileManager.default.attributesOfItem(atPath: oldest)[.modificationDate])
        _ = cache().object(of: key)
        let after = (try? FileManager.default.attributesOfItem(atPath: oldest)[.modificationDate])
        return before as? Date != after as? Date
      })
    let limited = cache(limit: bytes * 3 + bytes / 2)
    limited.keep(object, of: keys[4])
    #expect(limited.size.count == 3)
    #expect(limited.object(of: keys[4]) == object && limited.object(of: used) == object)
    #expect(!FileManager.default.fileExists(atPath: leftover))
  }

  /// Compiles share a folder: whoever reads gets the whole of what some writer wrote.
  @Test func manyAtOnce() throws {
    let keys = try (1...4).map(key)
    let failures = Failures()
    let (folder, object) = (bench.path("objects"), object)
    DispatchQueue.concurrentPerform(iterations: 64) { index in
      let key = keys[index % keys.count]
      let cache = ObjectCache(folder: folder, limit: 4000, identity: "vitc 1")
      let own = object + [UInt8(index % keys.count)]
      if let found = cache.object(of: key), found != own { failures.add(index) }
      cache.keep(own, of: key)
    }
    #expect(failures.all.isEmpty)
    #expect(cache().size.bytes <= 4000)
  }

  private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [Int] = []
    func add(_ index: Int) { lock.withLock { list.append(index) } }
    var all: [Int] { lock.withLock { list } }
  }

  @Test func theUsersFolder() {
    func folder(_ environment: [String: String]) -> String? { ObjectCache.userFolder(environment) }
    #expect(folder(["HOME": "/h"]) == "/h/.cache/vitc/objects")
    #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/vitc/objects")
    #expect(folder(["HOME": "/h", "XDG_CACHE_HOME": "x"]) == "/h/.cache/vitc/objects")
    #expect(folder(["HOME": "/h", "VITC_CACHE": "/c"]) == "/c")
    #expect(folder(["HOME": "/h", "VITC_CACHE": ""]) == nil)
    #expect(folder(["HOME": "h"]) == nil && folder([:]) == nil)
  }

  /// A library's bytes are the same with and without; other weights of the architecture find it.
  @Test(arguments: ["library", "object", "static"]) func librariesAreTheSame(_ form: String) throws
  {
    let emission = try #require(CompileRequest.Emission(rawValue: form))
    let folder = bench.path("objects")
    func compile(seed: Int, _ cache: ObjectCache?) throws -> Data {
      let path = try bench.compile(Repository.path("examples/digits/model")) { request in
        request.weights = "seed:\(seed)"
        request.emission = emission
        request.target = "v2,v3"
        request.store = cache
      }
      return try Data(contentsOf: URL(fileURLWithPath: path))
    }
    let (first, second) = (ObjectCache(folder: folder), ObjectCache(folder: folder))
    let plain = try compile(seed: 1, nil)
    #expect(try compile(seed: 1, first) == plain)
    #expect(try compile(seed: 1, second) == plain)
    // What has no self-test values of its own is compiled for them as well.
    #expect(second.uses.missed == 0 && second.uses.found >= 2)
    let third = ObjectCache(folder: folder)
    #expect(try compile(seed: 2, third) != plain)
    #expect(third.uses.missed == 0)
  }
}
