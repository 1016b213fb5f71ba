import Foundation
import JSON
import Testing

/// The examples that compile a model as a part of a build, and when they do so again.
@Suite struct BuildSystemTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// A copy of the examples, whose files may change, and of what is beside them.
  private func copy() throws -> Folder {
    let folder = try Folder()
    try FileManager.default.copyItem(atPath: Self.root + "/share", toPath: folder("share"))
    try FileManager.default.createDirectory(
      atPath: folder("examples"), withIntermediateDirectories: false)
    for name in ["c", "cpp", "cmake", "meson", "make", "swift-plugin"] {
      try FileManager.default.copyItem(
        atPath: Self.root + "/examples/\(name)", toPath: folder("examples/\(name)"))
    }
    try FileManager.default.createDirectory(
      atPath: folder("examples/digits"), withIntermediateDirectories: false)
    for name in ["model", "images"] {
      try FileManager.default.copyItem(
        atPath: Self.root + "/examples/digits/\(name)", toPath: folder("examples/digits/\(name)"))
    }
    for made in ["make/build", "swift-plugin/.build"] {
      try? FileManager.default.removeItem(atPath: folder("examples/\(made)"))
    }
    return folder
  }

  /// Runs a shell command with the program of the tests first on PATH.
  private func run(_ command: String, in folder: Folder) throws -> Outcome {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let programs = URL(fileURLWithPath: tests).deletingLastPathComponent().path
    // What `make test` tells the makes that it starts is not meant for these.
    let result = try launch(
      URL(fileURLWithPath: "/bin/sh"),
      ["-ec", "PATH=\"\(programs):$PATH\"; unset MAKEFLAGS MFLAGS MAKELEVEL; \(command)"],
      in: folder.path)
    #expect(result.code == 0, "\(command): \(result.output) \(result.errors)")
    return result
  }

  private static let photo = "examples/digits/images/digit-3-0013.png"
  private static let answer = "\(photo)  three   96.99 %\n"

  @Test(arguments: ["OFF", "ON"], ["Ninja", "Unix Makefiles"])
  func cMake(isStatic: String, generator: String) throws {
    let folder = try copy()
    let built = try run(
      """
      cmake -S examples/cmake -B build -G '\(generator)' -DSTATIC=\(isStatic) > log
      cmake --build build >> log
      build/classify \(Self.photo); build/classify_c \(Self.photo)
      """, in: folder)
    #expect(built.output == Self.answer + Self.answer)
    // Nothing changed, nothing is compiled; then a file of the model did.
    let library =
      isStatic == "ON" ? "build/digits/lib/libdigits.a" : "build/digits/lib/libdigits.so"
    let again = try run(
      """
      stat -c %y \(library) > first; cmake --build build > log; stat -c %y \(library) | cmp first -
      sed -i s/three/drei/ examples/digits/model/config.json
      cmake --build build > log; stat -c %y \(library) | cmp -s first - && exit 3
      grep -q drei \(library)
      build/classify \(Self.photo)
      """, in: folder)
    #expect(again.output == Self.answer)
  }

  @Test func cMakeSaysWhatIsWrong() throws {
    let folder = try copy()
    for (call, words) in [
      ("add_vit_model(digits)", "add_vit_model(digits): MODEL is missing"),
      ("add_vit_model(9 MODEL x)", "add_vit_model: '9' cannot begin the names of C functions"),
      ("add_vit_model(digits MODEL x SIZE 3)", "add_vit_model(digits): unknown arguments SIZE;3"),
    ] {
      let project = """
        cmake_minimum_required(VERSION 3.20)
        project(x C)
        find_package(vitc REQUIRED PATHS share/cmake NO_DEFAULT_PATH)
        \(call)

        """
      _ = try folder.write(project, to: "CMakeLists.txt")
      let result = try run("cmake -S . -B build 2>&1 || true", in: folder)
      let text = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(text.contains(words), "\(text)")
    }
  }

  @Test func meson() throws {
    let folder = try copy()
    let result = try run(
      """
      vitc compile examples/digits/model --package -o digits -q
      meson setup build examples/meson --pkg-config-path "$PWD/digits/lib/pkgconfig" > log
      meson compile -C build >> log
      build/classify \(Self.photo)
      """, in: folder)
    #expect(result.output == Self.answer)
  }

  @Test func make() throws {
    let folder = try copy()
    let result = try run(
      """
      make -s -C examples/make 2> log
      examples/make/build/classify \(Self.photo)
      make -q -C examples/make
      sed -i s/three/drei/ examples/digits/model/config.json
      make -q -C examples/make && exit 3
      make -s -C examples/make 2> log
      grep -q drei examples/make/build/digits/lib/libdigits.so
      """, in: folder)
    #expect(result.output == Self.answer)
  }

  /// Adds a program to the package whose model is the text tower of `examples/words`.
  private func addTextTower(to folder: Folder) throws {
    let package = folder("examples/swift-plugin/Package.swift")
    let text = try String(contentsOfFile: package, encoding: .utf8)
    let target = """
      .executableTarget(
        name: "Search", dependencies: [.product(name: "VitRuntime", package: "vitc")],
        plugins: [.plugin(name: "CompileViT", package: "vitc")]),
          .systemLibrary(
      """
    try text.replacing(".systemLibrary(", with: target).write(
      toFile: package, atomically: true, encoding: .utf8)
    let sources = "examples/swift-plugin/Sources/Search"
    for part in [sources, "\(sources)/Models"] {
      try FileManager.default.createDirectory(
        atPath: folder(part), withIntermediateDirectories: false)
    }
    _ = try folder.write(
      "{ \"model\": \"\(Self.root)/examples/words/model\", \"options\": { \"tower\": \"text\", "
        + "\"target\": \"host\" } }", to: "\(sources)/Models/words.vit.json")
    _ = try folder.write(
      """
      @main
      struct Search {
        static func main() throws {
          let words = try Words()
          let tokens = try words.tokenize(CommandLine.arguments[1])
          let features = try words.makeContext().run(ids: tokens.ids).features
          print("\\(tokens.wholeCount) of \\(Words.length), then \\(features)")
        }
      }
      """, to: "\(sources)/Search.swift")
  }

  /// The build plugin, as a package far from here uses it, where LLVM may be missing.
  @Test func swiftPackage() throws {
    let folder = try copy()
    let build = "VITC_LLVM=none swift build --package-path examples/swift-plugin"
    let library = "find examples/swift-plugin/.build/ -name libdigits.so -path '*CompileViT*'"
    try addTextTower(to: folder)
    let result = try run(
      """
      sed -i 's|path: "../.."|path: "\(Self.root)"|' examples/swift-plugin/Package.swift
      \(build) > log 2>&1 || { cat log; exit 1; }
      examples/swift-plugin/.build/debug/Search 'a photo of a three' > search
      examples/swift-plugin/.build/debug/Classify \(Self.photo)
      ls -l --time-style=full-iso $(\(library)) > first; \(build) > log 2>&1
      ls -l --time-style=full-iso $(\(library)) | cmp first -
      sed -i s/three/drei/ examples/digits/model/config.json
      \(build) > log 2>&1 || { cat log; exit 1; }
      examples/swift-plugin/.build/debug/Classify \(Self.photo)
      """, in: folder)
    let answer = "\(Self.photo)  three  96.99 %\n"
    #expect(result.output == answer + answer.replacing("three", with: "drei"))
    // The ids and the vector of a text, by the generated type and by vitc.
    let found = try String(contentsOfFile: folder("search"), encoding: .utf8)
    let tower = try run(
      "vitc compile \(Self.root)/examples/words/model --tower text --target host -o libt.so -q; "
        + "vitc run libt.so --text 'a photo of a three' --json", in: folder)
    let vector = try JSONValue(parsing: tower.output).array?.first?["features"]?.array ?? []
    let numbers = vector.map { value -> Float in
      switch value {
      case .number(let number): Float(number)
      case .integer(let number): Float(number)
      default: .nan
      }
    }
    #expect(found == "7 of 24, then \(numbers)\n", "\(found)")

    // The command reads the description itself, so another one is seen.
    let place = "examples/swift-plugin/Sources/Classify/Models/digits.vit.json"
    _ = try folder.write(
      #"{ "model": "../../../../digits/model", "options": { "num-classes": 11 } }"#, to: place)
    let wrong = try run("\(build) 2>&1 && exit 3 || true", in: folder)
    #expect(wrong.output.contains("11"), "\(wrong.output)")
  }

  @Test func descriptions() throws {
    let folder = try copy()
    let place = "examples/x.vit.json"
    _ = try folder.write(
      #"""
      { "model": "digits/model",
        "options": { "outputs": "features", "target": "v3", "symbols": true } }
      """#,
      to: place)
    let result = try run(
      """
      vitc compile \(place) --target v2 -o libx.so --depfile libx.d -q --no-self-test
      vitc inspect libx.so --json | grep -A1 '"isas"'; grep -c 'features' libx.so
      cat libx.d
      """, in: folder)
    #expect(
      result.output.split(separator: "\n").dropFirst().first?.contains("x86-64-v2") == true,
      "\(result.output)")
    #expect(result.output.contains("  examples/x.vit.json\n"), "\(result.output)")

    for (text, words) in [
      (#"{ "model": "x", "options": { "output": "y" } }"#, "which says where results go"),
      (#"{ "model": "x", "precision": "int8" }"#, "has the unknown member 'precision'"),
      (#"{ "options": {} }"#, "names no model"), ("{", "is not JSON"),
      (#"{ "model": "x", "options": [] }"#, "has an array of 0 as its options"),
      (#"{ "model": "x", "options": { "keep": [[]] } }"#, "a list in the list of option 'keep'"),
      (#"{ "model": "x", "options": { "keep": null } }"#, "has null as the value of option"),
    ] {
      _ = try folder.write(text, to: place)
      let wrong = try vitc("compile", folder(place), "-o", folder("liby.so"))
      #expect(wrong.code == 1)
      #expect(wrong.errors.contains("\(folder(place)): error: "), "\(wrong.errors)")
      #expect(wrong.errors.contains(words), "\(wrong.errors)")
    }
    _ = try folder.write(#"{ "model": "x", "options": { "no-such": 1 } }"#, to: place)
    #expect(try vitc("compile", folder(place), "-o", folder("liby.so")).code == 64)
  }

  /// What make takes for the end of a name, or for a variable.
  @Test func rulesNameEveryFile() throws {
    let folder = try Folder()
    let result = try run(
      """
      cp -r '\(Self.root)/examples/digits/model' 'a $b #c'
      vitc compile 'a $b #c' -o lib.so --name lib --depfile lib.d -q --no-self-test
      cat lib.d
      printf '%s\\n' 'include lib.d' 'lib.so:; touch lib.so' > Makefile
      make -q lib.so && echo current
      touch -d '1 hour' 'a $b #c/config.json'; make -q lib.so || echo stale
      """, in: folder)
    #expect(
      result.output == """
        ./lib.so: \\
          a\\ $$b\\ \\#c/config.json \\
          a\\ $$b\\ \\#c/model.safetensors
        current
        stale

        """)
  }

  @Test func wrongUseIsTold() throws {
    for option in ["--package", "--depfile x.d"] {
      let words = option.split(separator: " ").map(String.init)
      let result = try vitc(["compile", "ViT-Ti/16", "--emit", "ir"] + words)
      #expect(result.code == 64)
      #expect(
        result.errors.contains(
          "\(words[0]) requires --emit library, static or object, found ir."), "\(result.errors)")
    }
    let result = try vitc("compile", "ViT-Ti/16", "--emit", "static", "--swift", "x.swift")
    #expect(result.code == 64)
    #expect(result.errors.contains("--swift requires --emit library, found static."))
  }

  @Test func theVersionAsJSON() throws {
    let report = try vitc("--version", "--json").json()
    let plain = try vitc("--version").output
    #expect("vitc \(report["version"]?.string ?? "")\n" == plain)
    #expect(report["llvm"]?.string?.split(separator: ".").count == 3)
    #expect(report["targets"]?.array?.contains { $0.string == "x86-64-v3" } == true)
    #expect(report["linker"]?.string?.hasPrefix("/") == true)
  }
}
