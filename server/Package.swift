// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

// What each folder may import, of ours and of other packages, as in the manifest above this folder;
// Scripts/check-style holds the sources to these lines.
let imports = """
  Sources/Serving: VitRuntime JSON Images Diagnostics
  Sources/ServingHTTP: Serving JSON Hummingbird HummingbirdCore HTTPTypes NIOCore NIOPosix \
    NIOHTTP1 NIOHTTPTypes Logging ServiceLifecycle UnixSignals
  Sources/vitc-serve: Serving ServingHTTP VitRuntime ArgumentParser Logging NIOCore

  Tests/ServingTests: Serving JSON
  Tests/ServingHTTPTests: Serving ServingHTTP JSON HummingbirdCore Logging
  """

/// The package of each product of another package that a target depends on, and the product of each
/// module whose name is another.
let packages = [
  "VitRuntime": "vitc", "VitcReaders": "vitc", "Hummingbird": "hummingbird",
  "HummingbirdCore": "hummingbird",
  "HTTPTypes": "swift-http-types", "NIOCore": "swift-nio",
  "NIOPosix": "swift-nio", "NIOHTTP1": "swift-nio", "NIOHTTPTypes": "swift-nio-extras",
  "Logging": "swift-log", "ServiceLifecycle": "swift-service-lifecycle",
  "UnixSignals": "swift-service-lifecycle",
  "ArgumentParser": "swift-argument-parser",
]
let products = ["JSON": "VitcReaders", "Images": "VitcReaders", "Diagnostics": "VitcReaders"]

/// The dependencies of the target in a folder.
func dependencies(_ folder: String) -> [Target.Dependency] {
  guard let row = imports.split(separator: "\n").first(where: { $0.hasPrefix("\(folder):") }) else {
    fatalError("no line of `imports` begins with \(folder)")
  }
  let names = Set(
    row.split(separator: " ").dropFirst().map { products[String($0)] ?? String($0) })
  return names.sorted().map { name in
    guard let package = packages[name] else { return .init(stringLiteral: name) }
    return .product(name: name, package: package)
  }
}

let package = Package(
  name: "vitc-serve",
  products: [.executable(name: "vitc-serve", targets: ["vitc-serve"])],
  dependencies: [
    .package(name: "vitc", path: ".."),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.0.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.9.0"),
  ],
  targets: [
    // Requests, batches and metrics, without HTTP.
    .target(
      name: "Serving", dependencies: dependencies("Sources/Serving"), swiftSettings: strict),
    // The routes, and what is particular to HTTP.
    .target(
      name: "ServingHTTP", dependencies: dependencies("Sources/ServingHTTP"),
      swiftSettings: strict),
    .executableTarget(
      name: "vitc-serve", dependencies: dependencies("Sources/vitc-serve"), swiftSettings: strict),
    .testTarget(
      name: "ServingTests", dependencies: dependencies("Tests/ServingTests"),
      swiftSettings: strict),
    .testTarget(
      name: "ServingHTTPTests", dependencies: dependencies("Tests/ServingHTTPTests"),
      swiftSettings: strict),
  ]
)
