import Diagnostics
import Foundation
import Testing

@testable import Packaging

/// Folders for build systems: what `vitc compile --package` writes, and programs that use it.
@Suite struct PackageTests {
  private static let files = [
    "include/module.modulemap", "include/toy.h", "include/toy.hpp",
    "lib/cmake/toy/toy-config.cmake", "lib/libtoy.so", "lib/pkgconfig/toy.pc", "lib/toy.weights",
  ]

  /// Packages a model, then moves the folder, so that no path of where it was made helps.
  private func moved(
    _ kind: Artifact.Kind = .library, placement: Artifact.Placement = .embedded, in folder: Folder
  ) throws {
    for name in ["toy", "second"] {
      _ = try Fixture.build(
        name, file: "made", kind: kind, placement: placement,
        weights: Fixture.weights.map { name == "toy" ? $0 : -$0 }, arrangement: .package, in: folder
      )
    }
    try FileManager.default.moveItem(atPath: folder("made"), toPath: folder("moved"))
  }

  private func run(
    _ command: String, in folder: Folder, expecting output: String? = nil
  ) throws {
    let result = try shell(["sh", "-ec", command], in: folder.path)
    #expect(result.status == 0, "\(command): \(result.text)")
    if let output { #expect(result.text.hasSuffix(output), "\(result.text)") }
  }

  private func write(_ text: String, to name: String, in folder: Folder) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder(name)))
  }

  private func names(in folder: Folder, _ inner: String = ".") throws -> [String] {
    let all = try FileManager.default.subpathsOfDirectory(atPath: folder(inner))
    return all.filter { !$0.hasSuffix(".obj") }.sorted()
  }

  @Test func filesThatAreWritten() throws {
    let folder = try Folder()
    for output in ["package", "package/", "package"] {
      let files = try Fixture.build(
        file: output, placement: .file, arrangement: .package, in: folder)
      #expect(files.first == folder("package/lib/libtoy.so"))
      #expect(files.sorted() == Self.files.map { folder("package/\($0)") })
    }
    let found = try names(in: folder, "package")
    #expect(found.filter { $0.contains(".") } == Self.files)
  }

  @Test func foreignFilesAreKept() throws {
    for name in Self.files where name != "lib/libtoy.so" {
      let folder = try Folder()
      let path = "package/\(name)"
      try FileManager.default.createDirectory(
        atPath: (folder(path) as NSString).deletingLastPathComponent,
        withIntermediateDirectories: true)
      try write("# my own\n", to: path, in: folder)
      let before = try names(in: folder)
      let error = #expect(throws: Diagnostic.self) {
        try Fixture.build(file: "package", placement: .file, arrangement: .package, in: folder)
      }
      #expect(error?.message.hasPrefix("exists and is not ") == true)
      #expect(error?.location == .file(folder(path)))
      #expect(try names(in: folder) == before)
    }
  }

  @Test func failuresLeaveNothing() throws {
    let folder = try Folder()
    // Where the last folder of the package goes is a file.
    try FileManager.default.createDirectory(
      atPath: folder("package/lib/cmake"), withIntermediateDirectories: true)
    try write("", to: "package/lib/cmake/toy", in: folder)
    let before = try names(in: folder)
    #expect(throws: Diagnostic.self) {
      try Fixture.build(file: "package", arrangement: .package, in: folder)
    }
    #expect(try names(in: folder) == before)
    let file = try Folder()
    try write("", to: "package", in: file)
    let error = #expect(throws: Diagnostic.self) {
      try Fixture.build(file: "package", arrangement: .package, in: file)
    }
    #expect(error?.message == "is a file, expected the folder of a package")
    #expect(try names(in: file) == ["package"])
  }

  @Test(arguments: Artifact.Kind.allCases)
  func pkgConfig(kind: Artifact.Kind) throws {
    let folder = try Folder()
    try moved(kind, in: folder)
    try run(
      """
      export PKG_CONFIG_PATH="$PWD/moved/lib/pkgconfig"
      pkg-config --validate toy second
      cc '\(Fixture.fixtures)/two.c' $(pkg-config --cflags --libs toy second) -o app
      LD_LIBRARY_PATH=moved/lib ./app
      """, in: folder, expecting: "toy second\n")
  }

  @Test func weightsFilesAreFoundBesideTheLibrary() throws {
    let folder = try Folder()
    try moved(placement: .file, in: folder)
    try run(
      """
      cc '\(Fixture.fixtures)/two.c' -Imoved/include -Lmoved/lib -ltoy -lsecond \
        -Wl,-rpath,"$PWD/moved/lib" -o app
      ./app
      """, in: folder, expecting: "toy second\n")
  }

  @Test(arguments: Artifact.Kind.allCases)
  func cMake(kind: Artifact.Kind) throws {
    let folder = try Folder()
    try moved(kind, in: folder)
    try write(
      """
      cmake_minimum_required(VERSION 3.20)
      project(app C)
      find_package(toy REQUIRED)
      find_package(second REQUIRED)
      find_package(toy REQUIRED) # again
      add_executable(app "\(Fixture.fixtures)/two.c")
      target_link_libraries(app PRIVATE toy::toy second::second)

      """, to: "CMakeLists.txt", in: folder)
    try run(
      """
      cmake -S . -B build -DCMAKE_PREFIX_PATH="$PWD/moved" -DCMAKE_BUILD_TYPE=Release
      cmake --build build
      build/app
      """, in: folder, expecting: "toy second\n")
  }

  @Test func meson() throws {
    let folder = try Folder()
    try moved(in: folder)
    try FileManager.default.copyItem(
      atPath: Fixture.fixtures + "/two.c", toPath: folder("two.c"))
    try write(
      """
      project('app', 'c')
      executable('app', 'two.c', dependencies: [dependency('toy'), dependency('second')])

      """, to: "meson.build", in: folder)
    try run(
      """
      meson setup build --pkg-config-path "$PWD/moved/lib/pkgconfig"
      meson compile -C build
      build/app
      """, in: folder, expecting: "toy second\n")
  }

  @Test(arguments: ["g++", "clang++"])
  func cPlusPlus(compiler: String) throws {
    let folder = try Folder()
    try moved(in: folder)
    try run(
      """
      \(compiler) -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
        '\(Fixture.fixtures)/app.cpp' -Imoved/include -Lmoved/lib -ltoy -lsecond -pthread \
        -Wl,-rpath,'$ORIGIN/moved/lib' -o app
      ./app
      """, in: folder, expecting: "all hold\n")
  }

  /// What can be said of macOS without one: the header and the module map compile for it.
  @Test(arguments: ["arm64-apple-macos14", "arm64-apple-ios17"])
  func headersCompileForDarwin(triple: String) throws {
    let folder = try Folder()
    try moved(in: folder)
    try write("#include \"toy.h\"\ntoy_status (*f)(void) = 0;\n", to: "x.c", in: folder)
    try write("@import toy;\ntoy_status status = TOY_OK;\n", to: "x.m", in: folder)
    try run(
      """
      set -e
      # Without an SDK there is no hosted libc; the headers that compilers bring are enough.
      for file in x.c x.m; do
        clang -target \(triple) -ffreestanding -fsyntax-only -Wall -Wextra -Werror -fmodules \
          -fmodules-cache-path=cache -fmodule-map-file=moved/include/module.modulemap \
          -Imoved/include $file
      done
      clang -target \(triple) -ffreestanding -fsyntax-only -Wall -Wextra -Werror \
        -I'\(Fixture.headers)' '\(Fixture.headers)/../abi.c'
      """, in: folder, expecting: "")
  }

  /// Names that C++ keeps for itself, and names of its library and of C's.
  @Test(arguments: ["class", "std", "exp", "vit", "model", "detail", "xor_eq", "scores"])
  func anyNameIsFine(name: String) throws {
    let folder = try Folder()
    var interface = Fixture.interface(name, hash: WeightHash(low: 1, high: 2))
    interface.outputs.append(.init(name: "new", shape: [2]))
    interface.model = "a */ b \\ \u{202E}"
    interface.scores = .init(function: "softmax", formula: "x")
    try write(HeaderWriter(interface).text, to: "\(name).h", in: folder)
    try write(CPlusPlusHeaderWriter(interface).text, to: "\(name).hpp", in: folder)
    try write(
      "#include <cmath>\n#include \"\(name).hpp\"\n#include \"\(name).hpp\"\nint x;\n",
      to: "x.cpp", in: folder)
    for compiler in ["g++", "clang++"] {
      try run(
        "\(compiler) -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only x.cpp", in: folder)
    }
  }
}
