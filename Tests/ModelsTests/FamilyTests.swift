import Diagnostics
import Foundation
import IR
import Testing

@testable import Models

/// What must hold for every family, and for every naming of checkpoints.
@Suite struct FamilyTests {
  /// The namings of the files that exist, by what tells them apart.
  static let namings =
    ([
      TimmNaming(), TransformersNaming(prefix: "vit."),
      JAXNaming(recognizing: ["embedding/kernel", "Transformer/encoder_norm/scale"], by: []),
      OpenCLIPNaming(isTower: false),
      BigTransferNaming(recognizing: ["root_block/standardized_conv2d/kernel"], by: []),
    ] as [(any Naming)?]).compactMap { $0 }

  @Test func everyNamingIsLookedAt() {
    #expect(
      Self.namings.map(\.title) == [
        "timm's names", "transformers' names", "the names of Google's JAX code",
        "OpenCLIP's names", "the names of Google's Big Transfer",
      ])
    #expect(Set(Namings.all.map { $0.title }) == Set(Self.namings.map(\.title)))
  }

  /// A file that nobody has entered into the list would be a family that nobody can name.
  @Test func everyFileIsAFamily() throws {
    let folder = goldens.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/Models/Families").path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let types = Families.all.map { "\($0).swift" }.sorted()
    let odd = Set(files).symmetricDifference(types).sorted()
    #expect(odd.isEmpty, "in Families/ or in Registry/Families.swift, but not in both: \(odd)")
    #expect(Set(Families.all.map { $0.title }).count == Families.all.count)
    for family in Families.all {
      for variant in family.variants { #expect(variant.configuration.family == family.title) }
    }
    let modelTypes = Families.modelTypes.map(\.modelType)
    #expect(Set(modelTypes).count == modelTypes.count)
  }

  /// For each naming that a family knows, every tensor of some variant has a name of its own there;
  /// for the others there is none at all, not timm's.
  ///
  /// A family whose models come in folders alone is held to those (`FolderGoldenTests`).
  @Test func namesAreCompleteOrAbsent() throws {
    for family in Families.all {
      guard let first = family.variants.first else {
        #expect(!family.modelTypes.isEmpty, "\(family.title) has neither names nor folders")
        continue
      }
      for naming in Self.namings {
        let what = "\(family.title), \(naming.title)"
        var complete = 0
        let models = family.variants.map(\.model).flatMap { model -> [any Family] in
          // Where another library's model has no head, timm's head has no name there.
          var bare = model
          bare.classes = 0
          return [model, bare]
        }
        for model in models where model.architecture["depth"] ?? 0 < 30 {
          let tensors = try model.tensors(fusedQKV: naming.fusesQKV)
          let stored = model.storedNames
          let names = tensors.compactMap { naming.place($0, stored)?.graphName }
          #expect(Set(names).count == names.count, "\(what)")
          complete += names.count == tensors.count ? 1 : 0
          if !naming.knows(stored) { #expect(names.isEmpty, "\(what)") }
          if complete > 0 { break }
        }
        #expect((complete > 0) == naming.knows(first.model.storedNames), "\(what)")
      }
    }
  }

  /// The list of tensors is what the graph reads.
  @Test(arguments: [true, false]) func tensorsAreTheGraphsWeights(isFused: Bool) throws {
    for family in Families.all {
      guard let model = family.variants.first?.model else { continue }
      let output: ModelOutput = model.classes > 0 ? .logits : .features
      let graph = try model.graph(fusedQKV: isFused, outputs: [output])
      let weights = graph.nodes.compactMap { node -> TensorSpecification? in
        guard case .weight(let weight) = node.op else { return nil }
        return TensorSpecification(name: weight.tensor, shape: node.type.shape)
      }
      #expect(try model.tensors(fusedQKV: isFused) == weights, "\(family.title)")
    }
  }

  /// Nothing is read under a name that belongs to another naming.
  @Test(arguments: ["blocks.0.ls1.gamma", "dist_token", "reg_token", "fc_norm.weight", "x"])
  func whatHasNoNameHasNone(name: String) throws {
    let model = try Variants.named("ViT-Ti/16").model
    let tensor = TensorSpecification(name: name, shape: [4])
    for naming in Self.namings where !(naming is TimmNaming) {
      #expect(naming.place(tensor, model.storedNames) == nil, "\(naming.title)")
    }
  }

  /// A checkpoint of a naming that the family does not have is refused by name, before anything is
  /// compared.
  @Test func refusesNamingsByName() throws {
    let file = goldens.appendingPathComponent("hf/vit/model.safetensors").path
    for name in ["CLIP-B/32", "DeiT-III-S/16", "R50x1", "eva_large_patch14_196"] {
      let variant = try Variants.named(name)
      let family = variant.configuration.family
      let error = try diagnostic { try Model.load(name, options: ModelOptions(weights: file)) }
      if name == "R50x1" || name == "CLIP-B/32" {
        // They have transformers' names, of other files.
        #expect(error.message.hasPrefix("the checkpoint does not fit model '\(variant.name)'"))
        continue
      }
      #expect(
        error
          == Diagnostic(
            "the checkpoint has transformers' names, which vitc does not know for family "
              + "'\(family)'", at: .file(file), hint: "vitc reads this family under timm's names"))
    }
    let jax = goldens.appendingPathComponent("npz/2020/weights.npz").path
    let scaled = try diagnostic {
      try Model.load("vit_small_patch16_36x1_224", options: ModelOptions(weights: jax))
    }
    #expect(
      scaled
        == Diagnostic(
          "the names of Google's JAX code have none for 'blocks.0.ls1.gamma', which "
            + "'vit_small_patch16_36x1_224' reads", at: .file(jax)))
    let resNet = try diagnostic {
      try Model.load("R50x1", options: ModelOptions(weights: jax))
    }
    #expect(
      resNet.message
        == "the checkpoint has the names of Google's JAX code, which vitc does not know for family "
        + "'bit'")
  }

  /// Numbers that make an enormous graph are refused before one is made.
  @Test func refusesHostileSizesFirst() throws {
    var model = ViT(try transformer(Variants.named("ViT-Ti/16").configuration))
    model.model.depth = 1 << 40
    let depth = try diagnostic { try model.tensors() }
    #expect(
      depth.message == "model 'vit_tiny_patch16_224': depth is 1099511627776, expected 1 to 1024")
    var net = try #require(try Variants.named("R50x1").model as? BigTransfer)
    net.backbone.depths = [Int](repeating: 1 << 30, count: 4)
    #expect(
      try diagnostic { try net.tensors() }.message
        == "model 'resnetv2_50x1_bit': depth of a stage is 1073741824, expected 1 to 1024")
  }
}

/// The rows of a naming's table.
@Suite struct NameTableTests {
  private let table: NameTable = [
    "cls_token": "a.cls", "blocks.{i}.norm1": "layer.{i}.ln_1",
    "stages.{i}.blocks.{i}.conv1": .init("block{i+1}/unit{i+1:02}/a", .convolution),
  ]

  @Test func fillsInNumbers() {
    #expect(table.match("cls_token")?.stored == "a.cls")
    #expect(table.match("cls_token")?.leaf == nil)
    #expect(table.match("blocks.11.norm1.bias")?.stored == "layer.11.ln_1")
    #expect(table.match("blocks.11.norm1.bias")?.leaf == "bias")
    #expect(table.match("blocks.11.norm1.bias")?.numbers == [11])
    let unit = table.match("stages.2.blocks.8.conv1.weight")
    #expect(unit?.stored == "block3/unit09/a" && unit?.numbers == [2, 8])
    #expect(table.match("stages.0.blocks.35.conv1.weight")?.stored == "block1/unit36/a")
  }

  @Test(arguments: [
    "cls", "cls_token.weight.weight", "blocks.norm1.weight", "blocks.0.norm1.gamma",
    "blocks.0.norm2.weight", "", ".", "stages.0.conv1.weight",
  ])
  func hasNoOthers(name: String) { #expect(table.match(name) == nil) }

  @Test func isPutTogether() {
    let other: NameTable = ["cls_token": "b.cls", "x": "y"]
    let sum = (table + other).prefixed("p.", stored: "q/")
    #expect(sum.match("p.cls_token")?.stored == "q/b.cls")
    #expect(sum.match("p.x.weight")?.stored == "q/y" && sum.match("x") == nil)
    #expect(sum.match("p.blocks.3.norm1.weight")?.stored == "q/layer.3.ln_1")
  }
}
