// swift-tools-version: 6.2
import PackageDescription

// The folder `Model` is where `vitc compile` puts a model: library, header and module map.
//
//     vitc compile examples/digits/model -o examples/swift/Model/libdigits.so
let model = "\(Context.packageDirectory)/Model"

let package = Package(
  name: "classify",
  dependencies: [.package(name: "vitc", path: "../..")],
  targets: [
    // Links the compiled model through its module map: the C functions are Swift functions.
    .systemLibrary(name: "digits", path: "Model"),
    .executableTarget(
      name: "Linked", dependencies: ["digits", "Photo"],
      linkerSettings: [.unsafeFlags(["-L\(model)", "-Xlinker", "-rpath=\(model)"])]),
    // Loads any compiled model by its path.
    .executableTarget(
      name: "Loaded", dependencies: ["Photo", .product(name: "VitRuntime", package: "vitc")]),
    .target(name: "Photo", dependencies: ["CLibPNG"]),
    .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
  ]
)
