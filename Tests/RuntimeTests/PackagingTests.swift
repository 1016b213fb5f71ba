import Diagnostics
import Foundation
import Testing

@testable import Files
@testable import Packaging

@Suite struct PackagingTests {
  /// All that a compiled model may take from libc, libm and the dynamic linker.
  static let allowed: Set<String> = [
    "__errno_location", "__tls_get_addr", "calloc", "clock_gettime", "close", "dladdr", "free",
    "getauxval", "getenv", "getpagesize", "getpid", "lseek", "madvise", "malloc", "memcpy",
    "memmove", "memset", "mincore",
    "mmap", "munmap", "open", "posix_memalign", "pread", "pthread_create", "pthread_join",
    "pthread_self", "pthread_sigmask", "read", "sched_getaffinity", "strlen", "syscall",
  ]
  /// Null in programs without exceptions.
  static let allowedWeak: Set<String> = ["__gcc_personality_v0", "_Unwind_Resume"]

  @Test(arguments: Architecture.allCases)
  func libraryNeedsAndExportsNothingElse(architecture: Architecture) throws {
    let folder = try Folder()
    let path = try Fixture.build(architecture: architecture, in: folder)[0]
    let text = try shell(["readelf", "-W", "--dyn-syms", "--dynamic", "--segments", path]).text
    let lines = text.split(separator: "\n")
    let symbols = lines.map { $0.split(separator: " ") }.filter {
      $0.count >= 8 && ["GLOBAL", "WEAK"].contains($0[4])
    }
    let unresolved = symbols.filter { $0[6] == "UND" }
    let weak = Set(unresolved.filter { $0[4] == "WEAK" }.map { String($0[7]) })
    #expect(weak == PackagingTests.allowedWeak)
    let undefined = unresolved.filter { $0[4] != "WEAK" }.map { String($0[7]) }
    #expect(!undefined.isEmpty)
    #expect(Set(undefined).subtracting(PackagingTests.allowed).isEmpty)
    // Not bound to the build machine's version of libc.
    #expect(undefined.allSatisfy { !$0.contains("@") })
    let defined = symbols.filter { $0[6] != "UND" }.map { String($0[7]) }
    #expect(Set(defined) == Set(ExportedSymbols.names(for: "toy")))
    let needed = lines.filter { $0.contains("(NEEDED)") }
      .compactMap { $0.split(separator: "[").last?.dropLast() }
    #expect(needed == ["libc.so.6", "libpthread.so.0", "libdl.so.2"])
    #expect(lines.contains { $0.contains("GNU_EH_FRAME") })
    #expect(text.contains("[libtoy.so]"))
    #expect(lines.contains { $0.contains("GNU_RELRO") })
    #expect(lines.contains { $0.contains("GNU_STACK") && !$0.contains("RWE") })
    #expect(lines.contains { $0.contains("(HASH)") })
    #expect(lines.contains { $0.contains("BIND_NOW") })
  }

  @Test(arguments: Architecture.allCases, [Artifact.Kind.static, .object])
  func noForeignSymbolIsGlobal(architecture: Architecture, kind: Artifact.Kind) throws {
    let folder = try Folder()
    let path = try Fixture.build(
      file: "toy.\(kind.rawValue)", kind: kind, architecture: architecture, in: folder)[0]
    let lines = try shell(["nm", path]).text.split(separator: "\n")
      .map { $0.split(separator: " ").map(String.init) }
    let global = lines.filter { line in
      guard line.count == 3 else { return false }
      return line[1] == line[1].uppercased() || line[1] == "w" || line[1] == "v"
    }
    let names = Set(global.map { $0[2] }).subtracting(["toy_vitc_weights"])
    #expect(names == Set(ExportedSymbols.names(for: "toy")))
    let undefined = Set(lines.filter { $0.count == 2 && $0[0] == "U" }.map { $0[1] })
    #expect(
      undefined.subtracting(PackagingTests.allowed)
        .subtracting(["toy_vitc_weights", "_GLOBAL_OFFSET_TABLE_"]) == [])
  }

  @Test(arguments: Artifact.Kind.allCases)
  func sameInputsSameBytes(kind: Artifact.Kind) throws {
    let (a, b) = (try Folder(), try Folder())
    let first = try Fixture.build(kind: kind, in: a)
    let second = try Fixture.build(kind: kind, in: b)
    for (x, y) in zip(first, second) {
      #expect(FileManager.default.contents(atPath: x) == FileManager.default.contents(atPath: y))
    }
  }

  @Test func filesThatAreWritten() throws {
    let folder = try Folder()
    let files = try Fixture.build(placement: .file, in: folder)
    #expect(
      files.map { String($0.dropFirst(folder.path.count + 1)) } == [
        "libtoy.so", "module.modulemap", "toy.hpp", "toy.h", "toy.weights",
      ])
    let all = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(
      all.filter { !$0.hasSuffix(".obj") }.sorted() == [
        "libtoy.so", "module.modulemap", "toy.h", "toy.hpp", "toy.weights",
      ])
  }

  @Test func failuresLeaveNothing() throws {
    let folder = try Folder()
    let error = #expect(throws: Diagnostic.self) {
      // Without the exported functions.
      let product = try Artifact(
        output: folder("libtoy.so"), name: "toy", kind: .library, architecture: .host,
        placement: .file, weightsBytes: 16)
      _ = product.sealWeights()
      let object = try Fixture.object("other", in: folder)
      _ = try product.finish(
        objects: [object], interface: Fixture.interface("toy", hash: WeightHash(low: 0, high: 0)))
    }
    #expect(error?.message.hasPrefix("the model's code lacks toy_create, ") == true)
    let all = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(all.filter { !$0.hasSuffix(".obj") } == [])
  }

  @Test func unknownSymbolsAreFound() throws {
    let folder = try Folder()
    let source = folder("x.c")
    try Data("float mystery(float); float toy_create(float x) { return mystery(x); }".utf8)
      .write(to: URL(fileURLWithPath: source))
    try shell(["clang", "-c", source, "-o", folder("x.obj")])
    let object = Array(try Data(contentsOf: URL(fileURLWithPath: folder("x.obj"))))
    let symbols = try ELFSymbols(object, file: "x.o")
    #expect(symbols.defined == ["toy_create"])
    #expect(symbols.undefined == ["mystery"])
    for length in stride(from: 0, to: object.count, by: 7) {
      // Damaged objects are refused or read, never more.
      _ = try? ELFSymbols(Array(object[..<length]), file: "x.o")
    }
    #expect(throws: Diagnostic.self) { try ELFSymbols([1, 2, 3], file: "x.o") }
  }

  @Test func outputsThatCannotBe() throws {
    let folder = try Folder()
    func message(_ output: String, name: String = "toy", bytes: Int = 16) -> Diagnostic? {
      #expect(throws: Diagnostic.self) {
        try Artifact(
          output: output, name: name, kind: .library, architecture: .host, placement: .embedded,
          weightsBytes: bytes)
      }
    }
    let missing = message(folder("none/libtoy.so"))
    #expect(missing?.message == "cannot write to this folder: no such file or directory")
    #expect(missing?.location == .file(folder("none")))
    #expect(missing?.hint == "create the folder first")
    #expect(message(folder.path)?.message == "is a folder, expected the path of a file")
    #expect(
      message(folder("x.so"), name: "2b")?.message == "'2b' cannot begin the names of C functions")
    // More than any disk has.
    let full = message(folder("libtoy.so"), bytes: 1 << 52)
    #expect(full?.message.hasPrefix("cannot reserve ") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  /// Unfinished files are in a hidden folder; messages name the folder that users know.
  @Test func messagesDoNotNameHiddenFolders() {
    let places = ["a/.vitc-x1/weights": "a", "/.vitc-x1/weights": "/", "a/b.so": "a/b.so"]
    for (path, place) in places {
      #expect(FileError.diagnostic("cannot", path, ENOSPC).location == .file(place))
    }
    #expect(
      FileError.diagnostic("cannot", "x", EFBIG).hint?.hasPrefix("raise the limit on file sizes")
        == true)
  }

  @Test func toolsThatFail() throws {
    let folder = try Folder()
    func complaint(_ script: String) throws -> Diagnostic? {
      #expect(throws: Diagnostic.self) { try Command.run("/bin/sh", ["-c", script]) }
    }
    let failed = try complaint("echo one; echo two >&2; exit 3")
    #expect(failed?.message == "/bin/sh failed")
    #expect(failed?.notes == ["one", "two"])
    #expect(failed?.hint == nil)
    // As a linker ends that writes to a mapping on a full disk, and what LLVM prints then.
    let full = try complaint(
      "echo first; echo 'PLEASE submit a bug report to x'; echo rest; kill -BUS $$")
    #expect(full?.message == "/bin/sh was ended by signal 7")
    #expect(full?.notes == ["first"])
    #expect(full?.hint?.hasPrefix("the disk may be full") == true)
    #expect(try complaint("kill -TERM $$")?.hint == nil)
    #expect(try complaint("kill -KILL $$")?.hint == "the memory may be exhausted")
    let absent = #expect(throws: Diagnostic.self) { try Command.run(folder("none"), []) }
    #expect(absent?.message == "cannot run \(folder("none")): no such file or directory")
    #expect(absent?.hint?.contains("VITC_LD") == true)
  }

  /// What a tool printed tells what helps, not its exit status.
  @Test(arguments: [
    ("ld.lld: error: cannot open out.so: No space left on device", "the disk may be full"),
    ("LLVM ERROR: out of memory", "it has too little memory"),
    (
      "ld: error while loading shared libraries: libc.so.6: failed to map segment from shared "
        + "object",
      "it has too little memory"
    ),
    ("terminate called after throwing an instance of 'std::bad_alloc'", "it has too little memory"),
    ("terminate called: what():  Resource temporarily unavailable", "it may start no more threads"),
    (
      "ld: error while loading shared libraries: libfoo.so: cannot open shared object file: No "
        + "such file or directory", "it is not installed completely"
    ),
  ])
  func hintsOfTools(said: String, hint: String) {
    for end in [127 << 8, 1 << 8, Int32(SIGABRT)] {
      let found = Command.complaint("/bin/ld", end, said).hint
      #expect(found?.hasPrefix(hint) == true, "\(found ?? "none")")
    }
  }

  @Test func toolsThatCannotStart() throws {
    let folder = try Folder()
    let path = folder("ld")
    try FileError.write("not a program", to: path)
    let refused = #expect(throws: Diagnostic.self) { try Command.run(path, []) }
    #expect(refused?.message == "cannot run \(path): permission denied")
    chmod(path, 0o755)
    let foreign = #expect(throws: Diagnostic.self) { try Command.run(path, []) }
    #expect(foreign?.message == "cannot run \(path): exec format error")
    #expect(foreign?.hint?.hasPrefix("it is not a program for this machine") == true)
  }

  @Test func interruptionsRemoveUnfinishedFiles() throws {
    let folder = try Folder()
    let workspace = try Workspace(in: folder.path)
    try FileError.write("unfinished", to: workspace.file("x"))
    // Not of this workspace's knowledge, as a linker's own temporary file.
    try FileError.write("stray", to: "\(workspace.path)/stray")
    #expect(Unfinished.add { folder("file") } == folder("file"))
    try FileError.write("unfinished", to: folder("file"))
    try FileError.write("finished", to: folder("other"))
    Unfinished.removeAll(inside: folder.path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["other"])
    withExtendedLifetime(workspace) {}
  }

  @Test func namesFromFiles() {
    #expect(ExportedSymbols.name(from: "vit-b.16") == "vit_b_16")
    #expect(ExportedSymbols.name(from: "2b") == "m2b")
    #expect(ExportedSymbols.name(from: "") == "model")
    #expect(ExportedSymbols.names(for: "a").count == 15)
    #expect(ExportedSymbols.names(for: "a", hasSizes: true).count == 21)
  }

  @Test func moduleMapsHoldAllModelsOfAFolder() {
    let one = ModuleMap(existing: nil).adding(name: "b", library: "libb.so", needsMath: false)
    let two = ModuleMap(existing: one).adding(name: "a", library: "liba.a", needsMath: true)
    let three = ModuleMap(existing: two).adding(name: "b", library: nil, needsMath: false)
    #expect(
      three == """
        // Written by vitc: one module for each compiled model here.
        module a {
          header "a.h"
          link "a"
          link "m"
          export *
        }
        module b {
          header "b.h"
          export *
        }

        """)
  }

  @Test func hashes() {
    // `printf '' | xxh128sum` and `printf 'vitc' | xxh128sum`.
    #expect(
      [UInt8]().withUnsafeBytes { WeightHash(of: $0) }.description
        == "99aa06d3014798d86001c324468d497f")
    var stream = WeightHash.Stream()
    Array("vi".utf8).withUnsafeBytes { stream.update($0) }
    Array("tc".utf8).withUnsafeBytes { stream.update($0) }
    #expect(stream.hash == Array("vitc".utf8).withUnsafeBytes { WeightHash(of: $0) })
  }
}
