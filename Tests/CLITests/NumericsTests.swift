import Foundation
import Npy
import Testing

@testable import vitc

/// `--numerics`: the same weights under three conventions.
@Suite struct NumericsTests {
  private static let golden = Toy.fixtures + "/../../Goldens/npz/augreg"
  private static let weights = golden + "/weights.npz"

  @Test(arguments: [
    (nil, "jax: gelu_tanh, layer norm epsilon 1e-06", "logits"),
    ("timm", "timm: gelu, layer norm epsilon 1e-06", "logits-timm"),
    ("hf", "hf: gelu, layer norm epsilon 1e-12", "logits-hf"),
  ])
  func resultsFollowTheConvention(numerics: String?, summary: String, file: String) throws {
    let folder = try Folder()
    let result = try vitc(
      ["compile", Self.golden, "--weights", Self.weights, "-o", folder("libm.so")]
        + (numerics.map { ["--numerics", $0] } ?? []))
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("numerics \(summary)\n"), "\(result.errors)")
    #expect(
      result.errors.contains(
        "note     the checkpoint has the names of Google's JAX code: read as such, "
          + "with its numerics\n"))
    let header = try String(contentsOfFile: folder("m.h"), encoding: .utf8)
    #expect(header.contains(" * Numerics: \(summary)\n"))

    let run = try vitc(
      "run", folder("libm.so"), "-i", "\(Self.golden)/golden/24-input.npy", "-o",
      folder("y.npy"))
    #expect(run.code == 0, "\(run.errors)")
    let found = try NpyArray(path: folder("y.npy"))
    let truth = try NpyArray(path: "\(Self.golden)/golden/24-\(file).npy")
    #expect(found.shape == truth.shape)
    for (value, wanted) in zip(found.values, truth.values) {
      #expect(abs(value - wanted) < 2e-5)
    }
  }

  @Test func otherConventionsAreTold() throws {
    let result = try vitc("compile", "ViT-Ti/16", "--weights", "seed:1", "--numerics", "keras")
    #expect(result.code != 0 && result.output.isEmpty)
    #expect(
      result.errors.hasPrefix(
        "Error: The value 'keras' is invalid for '--numerics <numerics>'"), "\(result.errors)")
  }

  /// What the user should know comes with --quiet too, and where no library is made.
  @Test(arguments: ["ir", "library"])
  func warningsOfTheCheckpoint(emission: String) throws {
    let folder = try Folder()
    let path = Toy.fixtures + "/../../Goldens/npz/two-towers"
    let config = try String(contentsOfFile: path + "/config.json", encoding: .utf8)
    try config.replacing("vit_base_patch16_gap_224", with: "vit_base_patch32_siglip_gap_256").write(
      toFile: folder("config.json"), atomically: true, encoding: .utf8)
    let result = try vitc(
      "compile", folder("."), "--weights", path + "/weights.npz", "-q", "--emit", emission, "-o",
      folder("libm.so"))
    #expect(result.code == 0 && result.output.isEmpty)
    #expect(
      result.errors
        == "\(path)/weights.npz: warning: the file's model pools by attention ('MAPHead_0'), "
        + "this one does not: features are the mean of the tokens instead\n"
        + "  hint: name the model without 'gap' for the file's own features\n")
  }
}
