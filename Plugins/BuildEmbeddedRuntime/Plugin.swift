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
    let system = sources.appending(path: "CVitSystem")
    let output = context.pluginWorkDirectoryURL.appending(path: "Objects.swift")
    let files = FileManager.default
    func swiftFiles(_ folder: URL) throws -> [URL] {
      try files.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "swift" }
        .sorted { $0.path < $1.path }
    }
    let swift = try swiftFiles(sources)
    // The tokenizer is an object of its own, which only libraries of text towers hold.
    let tokenizing = try swiftFiles(runtime.appending(path: "Tokenizing"))
    let own = "Tokenize.swift"
    let shared = "ErrorText.swift"
    let imported = try [headers, system].flatMap {
      try files.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
    }
    let fixed: [String] = [
      try context.tool(named: "swiftc").url.path,
      try context.tool(named: "clang").url.path,
      try context.tool(named: "llvm-objcopy").url.path,
      headers.path, system.path, context.pluginWorkDirectoryURL.path, output.path,
    ]
    let runtimeFiles: [String] = swift.filter { $0.lastPathComponent != own }.map(\.path)
    let tokenizerFiles: [String] =
      (tokenizing + swift.filter { [own, shared].contains($0.lastPathComponent) }).map(\.path)
    let arguments: [String] = fixed + runtimeFiles + ["--"] + tokenizerFiles
    return [
      .buildCommand(
        displayName: "Compiling the embedded runtime",
        executable: try context.tool(named: "embed-runtime").url,
        arguments: arguments, inputFiles: swift + tokenizing + imported, outputFiles: [output])
    ]
  }
}
