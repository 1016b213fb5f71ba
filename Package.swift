// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// `true` iff the headers and the shared library of this LLVM version are installed.
func llvmIsInstalled(_ version: Int) -> Bool {
  FileManager.default.fileExists(atPath: "/usr/lib/llvm-\(version)/include/llvm-c/Core.h")
    && FileManager.default.fileExists(atPath: "/usr/lib/llvm-\(version)/lib/libLLVM-\(version).so")
}

/// `VITC_LLVM=19 swift build` chooses a version; otherwise the one that Debian's `llvm-dev` points
/// to, otherwise the newest installed; 0 if there is none, or for `VITC_LLVM=none`.
func chosenLLVM() -> Int {
  if Context.environment["VITC_LLVM"] == "none" { return 0 }
  if let text = Context.environment["VITC_LLVM"], let version = Int(text) { return version }
  if let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/usr/include/llvm-c"),
    let range = link.range(of: "llvm-"),
    let version = Int(link[range.upperBound...].prefix(while: \.isNumber)), llvmIsInstalled(version)
  {
    return version
  }
  return [19, 18, 17, 16, 15, 14].first(where: llvmIsInstalled) ?? 0
}

let llvmVersion = chosenLLVM()
if llvmVersion == 0 {
  // What apps use is there all the same, see the end.
  let message =
    "vitc: no LLVM, so only the library VitRuntime can be built; for the compiler run "
    + "apt-get install llvm-dev (or make deps), then swift build --manifest-cache none once\n"
  FileHandle.standardError.write(Data(message.utf8))
} else if !llvmIsInstalled(llvmVersion) {
  let message =
    "vitc: LLVM \(llvmVersion) not found; run: apt-get install llvm-\(llvmVersion)-dev\n"
  FileHandle.standardError.write(Data(message.utf8))
  exit(1)
}

// The -D is part of clang's module cache key, the -I is not: without it a switch of VITC_LLVM would
// silently reuse the other version's headers.
let llvmSettings: [SwiftSetting] = [
  .unsafeFlags([
    "-Xcc", "-I/usr/lib/llvm-\(llvmVersion)/include", "-Xcc", "-DVITC_LLVM_MAJOR=\(llvmVersion)",
  ])
]
// `vitc --version --json` has it. A manifest that asks git itself would be cached with an old answer.
let commit: [CSetting] =
  Context.environment["VITC_COMMIT"].map { [.define("VITC_COMMIT", to: "\"\($0)\"")] } ?? []
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

// What each folder may import, of ours and of system modules: the dependencies of its target.
// Scripts/check-style holds the sources to these lines; `make docs` copies those of Sources to
// ARCHITECTURE.md.
let imports = """
  Sources/Diagnostics:
  Sources/JSON:
  Sources/SeededRandom:
  Sources/IR: Diagnostics CWeightLoops
  Sources/Files: Diagnostics CSHA256
  Sources/Zip: Diagnostics Files CZlib
  Sources/Npy: Diagnostics Files Zip
  Sources/Images: Diagnostics Files CPNG CJPEG CWebP
  Sources/Models: Diagnostics JSON SeededRandom IR Files Zip Npy CWeightLoops
  Sources/Figures: Diagnostics JSON IR Files Npy Images Models Evaluation COpenBLAS
  Sources/Tokenizers: Diagnostics JSON Files Tokenizing
  Sources/Passes: Diagnostics IR
  Sources/Parallel:
  Sources/Photos: Diagnostics Files Images Parallel VitRuntime
  Sources/Evaluation: Diagnostics IR COpenBLAS
  Sources/HeadFitting: Diagnostics Parallel COpenBLAS
  Sources/Calibration: Diagnostics Parallel IR Passes Evaluation COpenBLAS CWeightLoops
  Sources/Codegen: Diagnostics Parallel IR CLLVM CVitABI
  Sources/Runtime/CVitABI:
  Sources/Runtime/Tokenizing: CVitABI CVitSystem
  Sources/Runtime/Embedded: CVitABI CVitSystem Tokenizing
  Sources/Runtime/EmbedRuntimeTool:
  Sources/Runtime/EmbeddedImage:
  Sources/Runtime/VitRuntime: JSON CVitABI
  Sources/Packaging: Diagnostics Files EmbeddedImage CVitABI CVersion CXXHash
  Sources/Compiler: Diagnostics JSON SeededRandom Parallel IR Files Models Passes Evaluation \
    Calibration HeadFitting Codegen Images Photos Packaging Tokenizers VitRuntime CVitABI
  Sources/vitc: Diagnostics JSON Parallel IR Files Npy Images Photos HeadFitting Models Passes \
    Figures Codegen Packaging Tokenizers VitRuntime Compiler CVersion CWeightLoops ArgumentParser

  Tests/RandomModels: Diagnostics SeededRandom IR
  Tests/FileTesting: Diagnostics SeededRandom IR Passes Evaluation
  Tests/FileTestTool: FileTesting
  Tests/Fuzzing: Diagnostics IR Zip Npy Images Models Passes Evaluation Packaging Tokenizing \
    Tokenizers VitRuntime RuntimeForTests CVitABI
  Tests/FuzzDriver: Fuzzing
  Tests/ReaderTool: Diagnostics Npy Images Models
  Tests/JSONTests: JSON
  Tests/IRTests: Diagnostics IR Evaluation CWeightLoops
  Tests/ModelsTests: Diagnostics IR Zip Npy Models Evaluation
  Tests/PassesTests: Diagnostics SeededRandom IR Models Passes RandomModels
  Tests/HeadFittingTests: Diagnostics JSON SeededRandom Npy HeadFitting
  Tests/FiguresTests: Diagnostics JSON IR Npy Images Models Evaluation Figures
  Tests/CalibrationTests: Diagnostics SeededRandom IR Evaluation Passes Calibration
  Tests/CodegenTests: Diagnostics SeededRandom IR Codegen CVitABI AVXVNNITrap AMXTrap
  Tests/RuntimeTests: Diagnostics JSON SeededRandom IR Files Models Codegen Compiler Packaging \
    EmbeddedImage VitRuntime CVitABI
  Tests/ParallelTests: Parallel
  Tests/FilesTests: Diagnostics Files
  Tests/NpyTests: Diagnostics Files Npy
  Tests/TokenizersTests: Diagnostics Files Npy Tokenizing Tokenizers
  Tests/ImagesTests: Diagnostics Images
  Tests/FuzzTests: SeededRandom Fuzzing RuntimeForTests CVitABI
  Tests/FileTests: Diagnostics JSON IR Models Passes Codegen VitRuntime Compiler FileTesting
  Tests/CLITests: Diagnostics Files JSON Npy Images vitc
  Tests/EndToEndTests: Diagnostics SeededRandom IR Npy Images Models Passes Evaluation Codegen \
    Packaging Tokenizers VitRuntime CVitABI Compiler RandomModels AVXVNNITrap AMXTrap
  """

/// The dependencies of the target in a folder.
func dependencies(_ folder: String) -> [Target.Dependency] {
  guard let row = imports.split(separator: "\n").first(where: { $0.hasPrefix("\(folder):") }) else {
    fatalError("no line of `imports` begins with \(folder)")
  }
  return row.split(separator: " ").dropFirst().map { name in
    name == "ArgumentParser"
      ? .product(name: "ArgumentParser", package: "swift-argument-parser")
      : .init(stringLiteral: String(name))
  }
}

/// A module of ours; it is named after its folder unless it has another name.
func module(
  _ folder: String, named name: String? = nil, exclude: [String] = [],
  settings: [SwiftSetting] = [], linker: [LinkerSetting] = [], plugins: [Target.PluginUsage] = []
) -> Target {
  .target(
    name: name ?? String(folder.split(separator: "/").last ?? ""),
    dependencies: dependencies(folder), path: folder, exclude: exclude,
    swiftSettings: strict + settings, linkerSettings: linker, plugins: plugins)
}

/// A program of ours.
func program(_ name: String, in folder: String, settings: [SwiftSetting] = []) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies(folder), path: folder,
    swiftSettings: strict + settings)
}

/// The tests in a folder below Tests; `data` is what is not compiled in there.
func tests(_ name: String, data: [String] = [], settings: [SwiftSetting] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies("Tests/\(name)"), exclude: data,
    swiftSettings: strict + settings)
}

let package = Package(
  name: "vitc",
  products: [
    .executable(name: "vitc", targets: ["vitc"]),
    .library(name: "VitRuntime", targets: ["VitRuntime"]),
    .plugin(name: "CompileViT", targets: ["CompileViT"]),
    // What the package in `server` takes besides; no interface for others.
    .library(name: "VitcReaders", targets: ["Diagnostics", "JSON", "Images"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    module("Sources/Diagnostics"),
    module("Sources/JSON"),
    module("Sources/SeededRandom"),
    module("Sources/Parallel"),
    module("Sources/IR"),
    module("Sources/Files"),
    module("Sources/Zip"),
    module("Sources/Npy"),
    module("Sources/Images"),
    module("Sources/Photos"),
    module("Sources/Models"),
    module("Sources/Tokenizers"),
    module("Sources/Passes"),
    module("Sources/Evaluation"),
    module("Sources/HeadFitting"),
    module("Sources/Figures"),
    module("Sources/Calibration"),
    module(
      "Sources/Codegen", settings: llvmSettings,
      linker: [.linkedLibrary("LLVM-\(llvmVersion)")]),
    module("Sources/Packaging"),
    module("Sources/Compiler", settings: llvmSettings),
    program("vitc", in: "Sources/vitc", settings: llvmSettings),

    // What sits inside a compiled model: compiled for every target by the plugin, carried by
    // EmbeddedImage as bytes.
    // Tokenizers, which vitc itself runs too.
    module("Sources/Runtime/Tokenizing"),
    .plugin(
      name: "BuildEmbeddedRuntime", capability: .buildTool(), dependencies: ["embed-runtime"]),
    program("embed-runtime", in: "Sources/Runtime/EmbedRuntimeTool"),
    module("Sources/Runtime/EmbeddedImage", plugins: ["BuildEmbeddedRuntime"]),
    // The library for Swift apps that load a compiled model; no unsafe flags, so that packages may
    // depend on it by version.
    .target(name: "CVitABI", path: "Sources/Runtime/CVitABI"),
    module("Sources/Runtime/VitRuntime"),
    // For the packages of those apps: compiles their models with an installed vitc.
    .plugin(name: "CompileViT", capability: .buildTool()),

    .systemLibrary(name: "CLLVM"),
    .target(name: "CVersion", cSettings: commit),
    .target(name: "CSHA256"),
    .target(name: "CWeightLoops"),
    // C, not a system library: it is loaded when it is first used.
    .target(name: "COpenBLAS"),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // C, not system libraries: these report errors by longjmp, which must not cross Swift.
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png16")]),
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(name: "CWebP", linkerSettings: [.linkedLibrary("webp")]),

    // What several test targets draw at random.
    module("Tests/RandomModels"),
    // Instructions that few processors have, for tests on those that have them not.
    .target(name: "InstructionTrap", path: "Tests/InstructionTrap"),
    .target(name: "AVXVNNITrap", dependencies: ["InstructionTrap"], path: "Tests/AVXVNNITrap"),
    .target(name: "AMXTrap", dependencies: ["InstructionTrap"], path: "Tests/AMXTrap"),
    // File tests as far as they need no generated code, and the program that runs them alone.
    module("Tests/FileTesting"),
    program("vitc-filetest", in: "Tests/FileTestTool"),
    // What Scripts/outside holds to the tools that formats come from.
    program("vitc-readers", in: "Tests/ReaderTool"),
    // The embedded runtime as ordinary Swift, for sanitizers, and the readers of untrusted bytes,
    // for fuzzing; neither is part of a product.
    .systemLibrary(name: "CVitSystem", path: "Sources/Runtime/Embedded/CVitSystem"),
    module("Sources/Runtime/Embedded", named: "RuntimeForTests", exclude: ["CVitSystem"]),
    module("Tests/Fuzzing"),

    tests("JSONTests"),
    tests("IRTests"),
    tests("ModelsTests", data: ["Fixtures"]),
    tests("PassesTests"),
    tests("HeadFittingTests", data: ["Fixtures"]),
    tests("FiguresTests"),
    tests("CalibrationTests"),
    tests("CodegenTests", data: ["Fixtures"], settings: llvmSettings),
    tests("RuntimeTests", data: ["Fixtures"]),
    tests("ParallelTests"),
    tests("FilesTests"),
    tests("NpyTests", data: ["Fixtures"]),
    tests("ImagesTests", data: ["Fixtures"]),
    tests("TokenizersTests"),
    tests("FuzzTests", data: ["Corpus", "Dictionaries", "make_corpus.py"]),
    tests("FileTests", data: ["Cases"], settings: llvmSettings),
    tests("CLITests", data: ["Fixtures"], settings: llvmSettings),
    tests("EndToEndTests", data: ["Fixtures"], settings: llvmSettings),
  ]
)

// `make fuzz`: the driver has libFuzzer's `main`, so no other build has it; and what it feeds is
// compiled to tell libFuzzer which branches were taken.
if Context.environment["VITC_FUZZ_BUILD"] != nil {
  let fed: Set = [
    "Diagnostics", "JSON", "IR", "Models", "Passes", "Evaluation", "Files", "Zip", "Npy",
    "Images", "VitRuntime", "RuntimeForTests", "Packaging", "Tokenizing", "Tokenizers", "Fuzzing",
  ]
  for target in package.targets where fed.contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer"])]
  }
  // Without checksums: random changes would never get past them.
  for target in package.targets where ["CPNG", "CJPEG", "CWebP"].contains(target.name) {
    target.cSettings = [
      .define("VITC_FUZZING"), .unsafeFlags(["-fsanitize=fuzzer-no-link,address"]),
    ]
  }
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: dependencies("Tests/FuzzDriver"), path: "Tests/FuzzDriver",
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}

// Without LLVM: the libraries for apps and for the server alone, which need none of what the compiler
// needs, so that packages that use them resolve everywhere.
if llvmVersion == 0 {
  let libraries = package.products.filter { $0.name != "vitc" }
  let parts: Set = [
    "CVitABI", "VitRuntime", "CompileViT", "Diagnostics", "JSON", "Files", "Images", "CPNG",
    "CJPEG", "CWebP", "CSHA256",
  ]
  package.products = libraries
  package.targets.removeAll { !parts.contains($0.name) }
  package.dependencies = []
}
