import Foundation
import Testing

/// What `vitc compile` and `vitc run` say of checkpoints whose preprocessing vitc does not know.
@Suite struct PreprocessingTests {
  private static let golden =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Goldens/hf/vit").path

  /// A checkpoint with another preprocessor_config.json.
  private func checkpoint(_ processor: String) throws -> Folder {
    let folder = try Folder()
    for name in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(atPath: "\(Self.golden)/\(name)", toPath: folder(name))
    }
    _ = try folder.write(processor, to: "preprocessor_config.json")
    return folder
  }

  @Test func photosOfUnknownPreprocessingFail() throws {
    let folder = try checkpoint(#"{"image_processor_type": "Qwen2VLImageProcessor"}"#)
    let compiled = try vitc("compile", folder.path, "-q", "-o", folder("m.so"))
    #expect(compiled.code == 0, "\(compiled.errors)")
    let reason = "vitc does not follow the image processor 'Qwen2VLImageProcessor'"
    #expect(compiled.errors.contains("warning: photos cannot be preprocessed: \(reason)"))
    let run = try vitc("run", folder("m.so"), Toy.photos + "/red.png")
    #expect(run.code == 1 && run.output.isEmpty)
    #expect(run.errors.contains("m.so: error: photos cannot be preprocessed: \(reason)"))
    #expect(run.errors.contains("run arrays with --input"))
    let header = try String(contentsOfFile: folder("m.h"), encoding: .utf8)
    #expect(header.contains("Here: none, always an error: \(reason)."))
  }

  @Test func genericKeysOfUnknownClassesAreUsedWithAWarning() throws {
    let folder = try checkpoint(
      #"{"image_processor_type": "MyImageProcessor", "size": 32, "do_normalize": false}"#)
    let compiled = try vitc("compile", folder.path, "-q", "-o", folder("m.so"))
    #expect(compiled.code == 0, "\(compiled.errors)")
    #expect(compiled.errors.contains("warning: unknown image processor 'MyImageProcessor'"))
    let run = try vitc("run", folder("m.so"), Toy.photos + "/red.png")
    #expect(run.code == 0, "\(run.errors)")
  }
}
