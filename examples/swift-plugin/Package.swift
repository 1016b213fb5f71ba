// swift-tools-version: 6.2
import PackageDescription

// The plugin compiles Sources/Classify/Models/digits.vit.json with an installed vitc: the first in
// PATH, or the one that the environment variable VITC names.
let package = Package(
  name: "classify-bundled",
  dependencies: [.package(name: "vitc", path: "../..")],
  targets: [
    .executableTarget(
      name: "Classify", dependencies: ["CLibPNG", .product(name: "VitRuntime", package: "vitc")],
      plugins: [.plugin(name: "CompileViT", package: "vitc")]),
    .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
  ]
)
