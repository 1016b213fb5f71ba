import Foundation
import PackagePlugin

/// Compiles the models that a target lists, each a file `NAME.vit.json` among its sources, with an
/// installed vitc.
///
/// The library becomes a resource of the target, and `NAME.swift`, with a type that loads it, one of
/// its sources. A model is compiled again when its description, its files or vitc have changed.
@main
struct CompileViT: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    guard let module = target.sourceModule else { return [] }
    let descriptions = module.sourceFiles(withSuffix: ModelDescription.suffix).map(\.url)
    guard !descriptions.isEmpty else { return [] }
    let vitc = try Compiler.installed()
    return try descriptions.map { url in
      try command(ModelDescription(url), vitc, context.pluginWorkDirectoryURL)
    }
  }

  /// The command that compiles one model.
  private func command(
    _ model: ModelDescription, _ vitc: URL, _ folder: URL
  ) throws -> Command {
    let library = folder.appending(path: "lib\(model.name).so")
    let source = folder.appending(path: "\(model.name).swift")
    var outputs = [library, source]
    // Which the library looks for beside itself.
    if model.hasWeightsFile { outputs.append(folder.appending(path: "\(model.name).weights")) }
    return .buildCommand(
      displayName: "Compiling the model \(model.name)", executable: vitc,
      arguments: [
        "compile", model.url.path, "--output", library.path, "--swift", source.path, "--quiet",
      ],
      inputFiles: [model.url, vitc] + model.inputs, outputFiles: outputs)
  }
}
