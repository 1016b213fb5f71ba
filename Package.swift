// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// `true` iff the headers and the shared library of this LLVM version are installed.
func llvmIsInstalled(_ version: Int) -> Bool {
  FileManager.default.fileExists(atPath: "/usr/lib/llvm-\(version)/include/llvm-c/Core.h")
    && FileManager.default.fileExists(atPath: "/usr/lib/llvm-\(version)/lib/libLLVM-\(version).so")
}

/// `VITC_LLVM=19 swift build` chooses a version; otherwise the one that Debian's `llvm-dev` points
/// to, otherwise the newest installed.
func chosenLLVM() -> Int {
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
guard llvmIsInstalled(llvmVersion) else {
  let wanted = llvmVersion == 0 ? "LLVM development files" : "LLVM \(llvmVersion)"
  let message = "vitc: \(wanted) not found; run: apt-get install llvm-dev (or make deps)\n"
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
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "vitc",
  products: [
    .executable(name: "vitc", targets: ["vitc"]),
    .library(name: "VitRuntime", targets: ["VitRuntime"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .target(name: "Diagnostics", swiftSettings: strict),
    .target(name: "JSON", swiftSettings: strict),
    .target(name: "IR", dependencies: ["Diagnostics"], swiftSettings: strict),
    .target(
      name: "Models", dependencies: ["Diagnostics", "JSON", "IR", "Npy"], swiftSettings: strict),
    .target(name: "Passes", dependencies: ["Diagnostics", "IR"], swiftSettings: strict),
    .target(
      name: "Evaluation", dependencies: ["Diagnostics", "IR", "COpenBLAS"], swiftSettings: strict),
    .target(
      name: "Calibration",
      dependencies: ["Diagnostics", "IR", "Passes", "Evaluation", "COpenBLAS"],
      swiftSettings: strict),
    .systemLibrary(name: "CLLVM"),
    .target(
      name: "Codegen", dependencies: ["Diagnostics", "IR", "CLLVM"],
      swiftSettings: strict + llvmSettings,
      linkerSettings: [.linkedLibrary("LLVM-\(llvmVersion)")]),
    .target(
      name: "Packaging",
      dependencies: ["Diagnostics", "Files", "EmbeddedImage", "CXXHash", "CVitABI"],
      swiftSettings: strict),

    // What sits inside a compiled model: compiled for every target by the plugin, carried by
    // EmbeddedImage as bytes.
    .plugin(
      name: "BuildEmbeddedRuntime", capability: .buildTool(), dependencies: ["embed-runtime"]),
    .executableTarget(
      name: "embed-runtime", path: "Sources/Runtime/EmbedRuntimeTool", swiftSettings: strict),
    .target(
      name: "EmbeddedImage", path: "Sources/Runtime/EmbeddedImage", swiftSettings: strict,
      plugins: ["BuildEmbeddedRuntime"]),
    // The library for Swift apps that load a compiled model; no unsafe flags, so that packages may
    // depend on it by version.
    .target(name: "CVitABI", path: "Sources/Runtime/CVitABI"),
    .target(
      name: "VitRuntime", dependencies: ["CVitABI"], path: "Sources/Runtime/VitRuntime",
      swiftSettings: strict),

    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // C, not a system library: libpng reports errors by longjmp, which must not cross Swift.
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png16")]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .target(name: "Files", dependencies: ["Diagnostics"], swiftSettings: strict),
    .target(name: "Npy", dependencies: ["Diagnostics", "Files", "CZlib"], swiftSettings: strict),
    .target(
      name: "Images", dependencies: ["Diagnostics", "Files", "CPNG", "CTurboJPEG"],
      swiftSettings: strict),

    .target(
      name: "Compiler",
      dependencies: [
        "Diagnostics", "JSON", "IR", "Models", "Passes", "Evaluation", "Calibration", "Codegen",
        "Images",
        "Packaging",
        "VitRuntime", "CVitABI",
      ], swiftSettings: strict + llvmSettings),
    .executableTarget(
      name: "vitc",
      dependencies: [
        "Diagnostics", "JSON", "IR", "Models", "Passes", "Evaluation", "Codegen", "Packaging",
        "Files",
        "Npy", "Images",
        "VitRuntime", "Compiler",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict + llvmSettings),

    // The embedded runtime as ordinary Swift, for sanitizers, and the readers of untrusted bytes, for
    // fuzzing; neither is part of a product.
    .systemLibrary(name: "CSystem", path: "Sources/Runtime/Embedded/CSystem"),
    .target(
      name: "RuntimeForTests", dependencies: ["CSystem", "CVitABI"],
      path: "Sources/Runtime/Embedded", exclude: ["CSystem"], swiftSettings: strict),
    .target(
      name: "Fuzzing",
      dependencies: [
        "Diagnostics", "IR", "Models", "Passes", "Evaluation", "Npy", "Images", "CVitABI",
        "VitRuntime",
        "RuntimeForTests", "Packaging",
      ], path: "Tests/Fuzzing", swiftSettings: strict),
    // What several test targets draw at random.
    .target(
      name: "RandomModels", dependencies: ["Diagnostics", "IR"], path: "Tests/RandomModels",
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests", dependencies: ["Fuzzing", "CVitABI", "RuntimeForTests", "RandomModels"],
      exclude: ["Corpus", "Dictionaries", "make_corpus.py"], swiftSettings: strict),

    .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
    .testTarget(
      name: "IRTests", dependencies: ["Diagnostics", "IR", "Evaluation"], swiftSettings: strict),
    .testTarget(
      name: "ModelsTests", dependencies: ["Diagnostics", "IR", "Models", "Evaluation", "Npy"],
      swiftSettings: strict),
    .testTarget(
      name: "PassesTests",
      dependencies: ["Diagnostics", "IR", "Passes", "Evaluation", "Models", "RandomModels"],
      swiftSettings: strict),
    .testTarget(
      name: "CalibrationTests",
      dependencies: ["Diagnostics", "IR", "Passes", "Calibration", "RandomModels"],
      swiftSettings: strict),
    .testTarget(
      name: "CodegenTests",
      dependencies: ["Diagnostics", "IR", "Codegen", "Evaluation", "CVitABI"],
      swiftSettings: strict + llvmSettings),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "Diagnostics", "IR", "Files", "VitRuntime", "CVitABI", "Packaging", "EmbeddedImage",
      ],
      exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "FilesTests", dependencies: ["Diagnostics", "IR", "Files"], swiftSettings: strict),
    .testTarget(
      name: "NpyTests", dependencies: ["Diagnostics", "IR", "Files", "Npy"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "ImagesTests", dependencies: ["Diagnostics", "IR", "Images"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "FileTests",
      dependencies: [
        "Diagnostics", "IR", "Models", "Passes", "Evaluation", "Codegen", "Packaging", "VitRuntime",
        "Compiler",
      ], exclude: ["Cases"], swiftSettings: strict + llvmSettings),
    .testTarget(
      name: "CLITests", dependencies: ["vitc", "JSON", "Npy"], exclude: ["Fixtures"],
      swiftSettings: strict + llvmSettings),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "Diagnostics", "IR", "Models", "Passes", "Evaluation", "Codegen", "Packaging", "VitRuntime",
        "Images",
        "Compiler", "Npy", "CVitABI", "RandomModels",
      ], exclude: ["Fixtures"], swiftSettings: strict + llvmSettings),
  ]
)

// `make fuzz`: the driver has libFuzzer's `main`, so no other build has it; and what it feeds is
// compiled to tell libFuzzer which branches were taken.
if Context.environment["VITC_FUZZ_BUILD"] != nil {
  let fed: Set = [
    "Diagnostics", "JSON", "IR", "Models", "Passes", "Evaluation", "Files", "Npy", "Images",
    "VitRuntime",
    "RuntimeForTests", "Packaging", "Fuzzing",
  ]
  for target in package.targets where fed.contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer"])]
  }
  // Without checksums: random changes would never get past them.
  for target in package.targets where target.name == "CPNG" {
    target.cSettings = [
      .define("VITC_FUZZING"), .unsafeFlags(["-fsanitize=fuzzer-no-link,address"]),
    ]
  }
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["Fuzzing"], path: "Tests/FuzzDriver",
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
