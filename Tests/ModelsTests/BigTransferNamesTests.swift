import Foundation
import IR
import Npy
import Testing

@testable import Models

/// The names of Google's convolutional models.
@Suite struct BigTransferNamesTests {
  @Test func namesTensors() throws {
    let names = try #require(
      BigTransferNaming(
        recognizing: [
          "resnet/root_block/standardized_conv2d/kernel",
          "resnet/block1/unit02/b/standardized_conv2d_7/kernel",
        ], by: []))
    #expect(names.prefix == "resnet/")
    let stored = try Variants.named("R50x1").model.storedNames
    func place(_ name: String, _ shape: [Int]) -> StoredTensor? {
      names.place(TensorSpecification(name: name, shape: shape), stored)
    }
    #expect(
      place("stages.2.blocks.35.conv1.weight", [256, 1024, 1, 1])
        == StoredTensor(
          "resnet/block3/unit36/a/standardized_conv2d/kernel", [[1, 1, 1024, 256]],
          .transposed(positions: 1, inputs: 1024, outputs: 256)))
    for (canonical, wanted) in [
      ("stem.conv.weight", "root_block/standardized_conv2d/kernel"),
      ("stages.0.blocks.1.conv2.weight", "block1/unit02/b/standardized_conv2d_7/kernel"),
      (
        "stages.0.blocks.0.downsample.conv.weight",
        "block1/unit01/a/proj/standardized_conv2d/kernel"
      ),
      ("head.fc.weight", "head/conv2d/kernel"),
    ] {
      #expect(place(canonical, [1, 1, 1, 1])?.name == "resnet/" + wanted)
    }
    for (canonical, wanted) in [
      ("stages.3.blocks.9.norm3.weight", "block4/unit10/c/group_norm/gamma"),
      ("norm.bias", "group_norm/beta"), ("head.fc.bias", "head/conv2d/bias"),
    ] {
      #expect(place(canonical, [8])?.name == "resnet/" + wanted)
    }
    #expect(BigTransferNaming(recognizing: ["stem.conv.weight"], by: []) == nil)
    #expect(names.ignores("global_step", .none, headIsRead: true))
    #expect(!names.ignores("resnet/head/conv2d/bias", .none, headIsRead: true))
  }

  @Test func namesTensorsOfHybrids() throws {
    let names = try #require(
      JAXNaming(
        recognizing: [
          "embedding/kernel", "Transformer/encoder_norm/scale", "conv_root/kernel",
        ], by: []))
    let stored = try Variants.named("R50+ViT-B/16").model.storedNames
    func place(_ name: String, _ shape: [Int]) throws -> StoredTensor {
      let tensor = TensorSpecification(name: "patch_embed.backbone.\(name)", shape: shape)
      return try #require(names.place(tensor, stored))
    }
    for (canonical, wanted) in [
      ("stem.conv.weight", "conv_root/kernel"), ("conv.weight", "conv_root/kernel"),
      ("stages.2.blocks.8.conv3.weight", "block3/unit9/conv3/kernel"),
      ("stages.1.blocks.0.downsample.conv.weight", "block2/unit1/conv_proj/kernel"),
    ] {
      let place = try place(canonical, [4, 3, 2, 1])
      #expect(place.name == wanted && place.shapes == [[2, 1, 3, 4]])
    }
    for (canonical, wanted) in [
      ("stem.norm.bias", "gn_root/bias"), ("norm.weight", "gn_root/scale"),
      ("stages.0.blocks.1.norm2.weight", "block1/unit2/gn2/scale"),
      ("stages.0.blocks.0.downsample.norm.bias", "block1/unit1/gn_proj/bias"),
    ] {
      let place = try place(canonical, [8])
      #expect(place.name == wanted && place.shapes == [[8], [1, 1, 1, 8]])
    }
  }

  /// A file of Big Transfer, given to its variant and to another.
  @Test func readsBigTransfer() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appendingPathComponent("w.npz").path
    let source = try Variants.named("R50x1").model
    let names = try #require(
      BigTransferNaming(recognizing: ["resnet/root_block/standardized_conv2d/kernel"], by: []))
    var arrays = try source.tensors().map { tensor in
      let place = try #require(names.place(tensor, source.storedNames))
      let values = Array(repeating: Float(0), count: tensor.type.count)
      return (name: place.name, array: NpyArray(shape: place.shapes[0], values: values))
    }
    arrays.append(("global_step", NpyArray(shape: [], values: [3])))
    try NpzArchive.write(path, arrays)
    let model = try Model.load("R50x1", options: ModelOptions(weights: path))
    #expect(model.configuration.numerics == .jax)
    #expect(
      model.configuration.numericsSummary
        == "jax: filters over sqrt(variance + 1e-10), group norm epsilon 1e-05")
    let head = try model.checkpoint.read("resnet/head/conv2d/kernel")
    #expect(head.shape == [1000, 2048, 1, 1])
    #expect(model.checkpoint.warnings.first?.message.hasPrefix("the head is all zeros") == true)
    let wrong = try diagnostic {
      try Model.load("R101x1", options: ModelOptions(weights: path))
    }
    #expect(wrong.message == "the checkpoint does not fit model 'R101x1': 153 missing")
    #expect(wrong.notes.first == "missing: 'resnet/block3/unit07/a/group_norm/gamma' [1024]")
  }
}
