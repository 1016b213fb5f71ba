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

  /// What is transparent is on white only where the checkpoint's library puts it there; photos are
  /// turned only on demand.
  @Test func transparencyAndOrientation() throws {
    let images =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ImagesTests/Fixtures").path
    let keys = #""size": 32, "resample": 2, "image_mean": 0.5, "image_std": 0.5"#
    var outputs: [String] = []
    for convert in ["true", "false"] {
      let folder = try checkpoint(
        "{\"image_processor_type\": \"ViTImageProcessor\", \(keys), "
          + "\"do_convert_rgb\": \(convert)}")
      let compiled = try vitc("compile", folder.path, "-q", "-o", folder("m.so"))
      #expect(compiled.code == 0, "\(compiled.errors)")
      let run = try vitc("run", folder("m.so"), images + "/alphas.png", "--json")
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.errors.contains("warning: transparency is ignored") == (convert == "false"))
      outputs.append(run.output)
      guard convert == "true" else { continue }
      let photo = images + "/oriented_6.jpg"
      let plain = try vitc("run", folder("m.so"), photo, "--json")
      let turned = try vitc("run", folder("m.so"), photo, "--json", "--orient")
      #expect(plain.code == 0 && turned.code == 0 && plain.output != turned.output)
    }
    #expect(outputs[0] != outputs[1])
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
