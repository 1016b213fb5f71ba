import Foundation
import PackagePlugin

/// Compiles Sources/Runtime/Embedded for every target of vitc and hands the objects to the
/// EmbeddedImage target as one Swift file.
///
/// A plugin itself may not run a compiler, so `embed-runtime` does; an object among the outputs
/// would become a resource with an accessor that needs Foundation, hence the Swift file.
@main
struct BuildEmbeddedRuntime: BuildToolPlugin {
  /// Returns the one command, with every source declared so that an edit rebuilds.
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let runtime = context.package.directoryURL.appending(path: "Sources/Runtime")
    let sources = runtime.appending(path: "Embedded")
    let headers = runtime.appending(path: "CVitABI/include")
    let system = sources.appending(path: "CSystem")
    let output = context.pluginWorkDirectoryURL.appending(path: "Objects.swift")
    let files = FileManager.default
    let swift = try files.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "swift" }
      .sorted { $0.path < $1.path }
    let imported = try [headers, system].flatMap {
      try files.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
    }
    let arguments =
      [
        try context.tool(named: "swiftc").url.path,
        try context.tool(named: "clang").url.path,
        try context.tool(named: "llvm-objcopy").url.path,
        headers.path, system.path, context.pluginWorkDirectoryURL.path, output.path,
      ] + swift.map(\.path)
    return [
      .buildCommand(
        displayName: "Compiling the embedded runtime",
        executable: try context.tool(named: "embed-runtime").url,
        arguments: arguments, inputFiles: swift + imported, outputFiles: [output])
    ]
  }
}
