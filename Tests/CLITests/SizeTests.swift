import Foundation
import JSON
import Npy
import Testing

@testable import vitc

/// The commands with a library for images of several sizes.
@Suite struct SizeTests {
  private static let goldens =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/Goldens"

  private func compile(
    _ model: String, _ sizes: String, in folder: Folder, _ more: String...
  ) throws -> Outcome {
    try vitc(
      ["compile", model, "--image-size", sizes, "--target", "host", "-o", folder("libm.so")] + more)
  }

  @Test func commandsKnowSizes() throws {
    let folder = try Folder()
    let model = Self.goldens + "/hf/vit"
    let made = try compile(model, "16,24x32", in: folder, "--outputs", "logits,tokens")
    #expect(made.code == 0, "\(made.errors)")
    #expect(made.errors.contains("sizes    16x16, 24x32\n"), "\(made.errors)")
    let library = folder("libm.so")

    let inspected = try vitc("inspect", library)
    #expect(inspected.code == 0 && inspected.output.contains("size 1"))
    #expect(inspected.output.contains("24x32: logits f32 [5]"))
    let json = try vitc("inspect", library, "--json").json()
    #expect(json["sizes"]?.array?.count == 2)
    #expect(
      json["sizes"]?.array?[1]["input"]?["shape"]
        == .array([.integer(3), .integer(24), .integer(32)]))

    // The array's shape says the size.
    try NpyArray(
      shape: [2, 3, 24, 32], values: (0..<2 * 2304).map { Float($0 % 17) / 17 }
    ).write(to: folder("x.npy"))
    let ran = try vitc(
      "run", library, "-i", folder("x.npy"), "-o", "tokens=\(folder("t.npy"))", "-o",
      "logits=\(folder("y.npy"))")
    #expect(ran.code == 0, "\(ran.errors)")
    let tokens = try NpyArray(path: folder("t.npy"))
    #expect(tokens.shape.count == 3 && tokens.shape[0] == 2)
    let single = try vitc(
      "compile", model, "--image-size", "24x32", "--target", "host", "--outputs", "logits,tokens",
      "-o", folder("libone.so"))
    #expect(single.code == 0, "\(single.errors)")
    let alone = try vitc(
      "run", folder("libone.so"), "-i", folder("x.npy"), "-o", "tokens=\(folder("u.npy"))")
    #expect(alone.code == 0, "\(alone.errors)")
    #expect(try NpyArray(path: folder("u.npy")) == tokens)

    // Goldens, comparisons and self-tests are of any size.
    let recorded = try vitc(
      "golden", "record", library, "--seed", "3", "--size", "24x32", "--count", "2", "-o",
      folder("g.npz"))
    #expect(recorded.code == 0, "\(recorded.errors)")
    #expect(recorded.output.contains("2 images"))
    for other in [library, folder("libone.so")] {
      let checked = try vitc("golden", "check", other, folder("g.npz"))
      #expect(checked.code == 0, "\(checked.errors)")
    }
    let compared = try vitc(
      "compare", library, folder("libone.so"), "-i", folder("x.npy"), "--json")
    #expect(compared.code == 0, "\(compared.errors)")
    let tested = try vitc("selftest", library)
    #expect(tested.code == 0 && tested.output.contains("passed"), "\(tested.errors)")
    let bench = try vitc(
      "bench", library, "--size", "24x32", "--iterations", "1", "--threads", "1", "--json")
    #expect(bench.code == 0, "\(bench.errors)")
    #expect(
      try bench.json()["flops"] == json["sizes"]?.array?[1]["flops"])

    // What is no size.
    let unknown = try vitc("bench", library, "--size", "8", "--iterations", "1")
    #expect(unknown.code == 1)
    #expect(unknown.errors.contains("the model takes no images of 8x8"))
    #expect(unknown.errors.contains("the sizes are 16x16, 24x32"))
    try NpyArray(shape: [1, 3, 8, 8], values: [Float](repeating: 0, count: 192))
      .write(to: folder("w.npy"))
    let wrong = try vitc("run", library, "-i", folder("w.npy"), "-o", folder("z.npy"))
    #expect(wrong.code == 1 && wrong.errors.contains("the sizes are 16x16, 24x32"))
    let array = try vitc(
      "run", library, "-i", folder("x.npy"), "-o", folder("z.npy"), "--size", "16")
    #expect(array.code != 0 && array.errors.contains("--size requires photos"))
  }

  @Test func photosPickTheirSize() throws {
    let folder = try Folder()
    let model = folder("naflex")
    try FileManager.default.copyItem(atPath: Self.goldens + "/encoders/siglip2", toPath: model)
    try Data(
      #"{"image_processor_type": "Siglip2ImageProcessor", "patch_size": 4, "max_num_patches": 9}"#
        .utf8
    ).write(to: URL(fileURLWithPath: model + "/preprocessor_config.json"))
    let made = try compile(
      model, "auto:17,aspect<=3", in: folder, "--outputs", "features,tokens")
    #expect(made.code == 0, "\(made.errors)")
    #expect(
      (made.output + made.errors).contains("9 sizes, for photos of an aspect up to 3.0"))
    let library = folder("libm.so")
    let wide = folder("wide.png")
    let strip = folder("strip.png")
    try Bitmap(width: 60, height: 24, 9, 200, 30).write(to: wide)
    try Bitmap(width: 200, height: 10, 9, 200, 30).write(to: strip)
    // A photo of a more extreme aspect is told, and the others are answered.
    let ran = try vitc("run", library, Toy.photos, wide, strip, "--json")
    #expect(ran.code == 1)
    #expect(
      ran.errors.contains(
        "strip.png: error: a picture of 200 x 10 pixels becomes 4 x 68 pixels (height x width), "
          + "which is none of the sizes"), "\(ran.errors)")
    let photos = try JSONValue(parsing: ran.output).array ?? []
    let square = JSONValue.array([.integer(16), .integer(16)])
    #expect(
      photos.map { $0["size"] } == [square, square, square, .array([.integer(8), .integer(20)])])

    // Rows, and values of photos, have one length.
    let rows = try vitc("embed", library, Toy.photos, "-o", "tokens=\(folder("t.npy"))")
    #expect(rows.code == 1)
    #expect(rows.errors.contains("rows have one length"))
    let images = ["compare", library, library, "--images", Toy.photos, "--images", wide]
    let compared = try vitc(images + ["--json"])
    #expect(compared.code == 0, "\(compared.errors)")
    let outputs = try JSONValue(parsing: compared.output)["outputs"]?.array ?? []
    #expect(outputs.map { $0["name"] } == [.string("features")])
    let tokens = try vitc(images + ["--outputs", "tokens"])
    #expect(tokens.code == 1)
    #expect(tokens.errors.contains("output 'tokens' has [16, 32] for images of 16x16"))
  }

  @Test func whatCannotBeIsRefused() throws {
    let folder = try Folder()
    let model = Self.goldens + "/hf/vit"
    let auto = try compile(model, "auto", in: folder)
    #expect(auto.code == 1)
    #expect(auto.errors.contains("'auto' needs a preprocessing that keeps a photo's aspect"))
    let twice = try compile(model, "16,16x16", in: folder)
    #expect(twice.code == 1 && twice.errors.contains("16x16 is named twice"))
    let odd = try compile(model, "16,17", in: folder)
    #expect(odd.code == 1 && odd.errors.contains("--image-size"))
    let text = try vitc("compile", model, "--image-size", "16,24", "--emit", "ir")
    #expect(text.code == 1)
    #expect(text.errors.contains("--emit ir shows the graph of one size, found 2"))
    #expect(!FileManager.default.fileExists(atPath: folder("libm.so")))
  }
}
