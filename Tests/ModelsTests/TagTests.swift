import Diagnostics
import Testing

@testable import Models

/// `NAME.TAG`: timm's names of pretrained weights (Scripts/goldens/timm_tags.py).
@Suite struct TagTests {
  @Test func everyLineIsATagOfAVariant() {
    let lines = Tag.lines
    #expect(Tag.all.count == lines.count && lines.count > 300)
    #expect(Set(Tag.all.map(\.fullName)).count == lines.count)
    let names = Set(Variants.all.map(\.name))
    #expect(Tag.all.allSatisfy { names.contains($0.variant) })
    let labels = ImageNetLabels.labels(classes: 1000)
    #expect(labels.count == 1000)
    #expect(labels[0] == "tench, Tinca tinca")
    #expect(
      labels[2]
        == "great white shark, white shark, man-eater, man-eating shark, Carcharodon carcharias")
    #expect(labels[999] == "toilet tissue, toilet paper, bathroom tissue")
  }

  /// A new variant is one of these, or its tags are written by the script.
  @Test func everyVariantHasItsTagsOrNone() {
    let untagged = [
      "R101x1", "R101x3", "R152x1", "R152x4", "R200x3", "R50+ViT-B/32", "R50+ViT-L/16", "R50x2",
      "R50x3", "beit3_giant_patch14_224", "beit3_giant_patch14_336", "naflexvit_base_patch16_map",
      "naflexvit_so150m2_patch16_reg1_gap", "naflexvit_so150m2_patch16_reg1_map", "resnetv2_101d",
      "resnetv2_152", "resnetv2_152d", "resnetv2_50d", "resnetv2_50d_frn", "resnetv2_50t",
      "samvit_base_patch16_224",
      "swinv2_cr_base_224", "swinv2_cr_base_384", "swinv2_cr_base_ns_224", "swinv2_cr_giant_224",
      "swinv2_cr_giant_384", "swinv2_cr_huge_224", "swinv2_cr_huge_384", "swinv2_cr_large_224",
      "swinv2_cr_large_384", "swinv2_cr_small_384", "swinv2_cr_small_ns_256", "swinv2_cr_tiny_224",
      "swinv2_cr_tiny_384",
      "test_vit4", "vit_base_patch16_18x2_224", "vit_base_patch16_gap_224",
      "vit_base_patch16_plus_240", "vit_base_patch16_reg4_gap_256", "vit_base_patch16_xp_224",
      "vit_base_patch32_plus_256", "vit_base_r26_s32_224", "vit_base_resnet26d_224",
      "vit_base_resnet50d_224", "vit_betwixt_patch16_gap_256", "vit_giant_patch14_224",
      "vit_gigantic_patch14_224", "vit_huge_patch14_xp_224", "vit_large_patch14_224",
      "vit_large_patch14_xp_224", "vit_small_patch16_18x2_224", "vit_small_patch16_36x1_224",
      "vit_small_resnet26d_224", "vit_small_resnet50d_s16_224", "vit_so150m_patch16_reg4_map_256",
    ]
    let found = Variants.all.map(\.name).filter { Tag.tags(of: $0).isEmpty }.sorted()
    #expect(found == untagged, "run Scripts/goldens/timm_tags.py, or name it here")
  }

  /// What a bare name means is timm's default, which is the first tag.
  @Test func bareNamesHaveTheFirstTagsPreprocessing() {
    for variant in Variants.all {
      guard let first = Tag.tags(of: variant.name).first else { continue }
      #expect(variant.configuration.preprocessing == first.preprocessing, "\(variant.name)")
      #expect(variant.configuration.imageHeight == first.imageHeight, "\(variant.name)")
    }
  }

  /// By their number of classes: all that were trained with texts, and no others.
  @Test func projectionsAreThoseOfModelsTrainedWithTexts() {
    for tag in Tag.all where tag.classes > 0 {
      let isTuned = tag.name.contains("ft_") || tag.name.contains("_in1k")
      let sees = ["_clip_", "_siglip_", "_pe_", "_mci_"].contains { tag.variant.contains($0) }
      #expect(tag.isProjection == (sees && !isTuned), "\(tag.fullName)")
    }
    #expect(Tag.isProjection(512, of: "vit_base_patch32_clip_224"))
    #expect(!Tag.isProjection(1000, of: "vit_base_patch32_clip_224"))
    #expect(!Tag.isProjection(512, of: "vit_base_patch16_224"))
  }

  @Test func projectionsAreMarked() throws {
    func load(_ name: String, _ options: ModelOptions) throws -> Model {
      var options = options
      options.weights = "seed:1"
      return try Model.load(name, options: options)
    }
    for name in ["vit_base_patch32_clip_224.openai", "vit_xsmall_patch16_clip_224"] {
      let model = try load(name, ModelOptions())
      #expect(
        model.configuration.logitsAreEmbedding && model.configuration.scoreFunction == .identity)
      #expect(model.notes.contains { $0.hasPrefix("logits are the model's projection") })
    }
    let scored = try load("vit_base_patch32_clip_224.openai", ModelOptions(scores: .softmax))
    #expect(scored.configuration.scoreFunction == .softmax)
    #expect(!scored.configuration.logitsAreEmbedding)
    for name in ["vit_base_patch32_clip_224.openai_ft_in1k", "vit_base_patch32_clip_224"] {
      let model = try load(name, ModelOptions())
      #expect(model.configuration.scoreFunction == .softmax)
      #expect(!model.notes.contains { $0.contains("projection") })
    }
    let headless = try load("vit_base_patch32_clip_224.openai", ModelOptions(dropsHead: true))
    #expect(headless.configuration.scoreFunction == nil)
    #expect(!headless.configuration.logitsAreEmbedding)
  }

  @Test func aTagHasItsPreprocessingClassesAndLabels() throws {
    let name = "vit_large_patch14_clip_224"
    let bare = try Model.load(name, options: ModelOptions(weights: "seed:1")).configuration
    #expect(bare.preprocessing?.mean == [0.5, 0.5, 0.5])
    let openAI = try Model.load("\(name).openai", options: ModelOptions(weights: "seed:1"))
    #expect(openAI.configuration.preprocessing?.mean == Preprocessing.clip.0)
    #expect(openAI.configuration.classes == 768 && openAI.configuration.labels.isEmpty)
    #expect(openAI.configuration.name == "\(name).openai")

    let tiny = try Model.load(
      "vit_tiny_patch16_224.augreg_in21k", options: ModelOptions(weights: "seed:1"))
    #expect(tiny.configuration.labels == ImageNetLabels.labels(classes: 21843))
    let tuned = try Model.load(
      "ViT-Ti/16.augreg_in21k_ft_in1k", options: ModelOptions(weights: "seed:1"))
    #expect(tuned.configuration.labels == ImageNetLabels.labels(classes: 1000))
    let other = try Model.load(
      "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
      options: ModelOptions(weights: "seed:1", classes: 7))
    #expect(other.configuration.classes == 7 && other.configuration.labels.isEmpty)
  }

  /// Counts, labels in the middle and hashes (FNV-1a of the labels with newlines between them) of
  /// timm 1.0.31's `ImageNetInfo(set).label_descriptions()`.
  @Test(
    arguments: [
      (1000, "cliff dwelling", 0x84d1_18ea_2973_841c),
      (21843, "submarine, pigboat, sub, U-boat", 0x667f_5314_6e06_505d),
      (21841, "submarine, pigboat, sub, U-boat", 0xd323_ca88_7e3a_1f60),
      (11821, "rain stick", 0x9ae3_0427_af80_9ad7),
      (11221, "quad, quadrangle", 0xe8c6_0caa_9709_4d22),
    ] as [(Int, String, UInt64)])
  func labelsAreThoseOfTimm(classes: Int, middle: String, hash: UInt64) {
    let labels = ImageNetLabels.labels(classes: classes)
    #expect(labels.count == classes)
    #expect(labels[classes / 2] == middle)
    var found: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in labels.joined(separator: "\n").utf8 {
      found = (found ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    #expect(found == hash)
  }

  @Test func unknownTagsAreTold() throws {
    let error = try diagnostic {
      try Model.load(
        "vit_tiny_patch16_224.augreg_in21", options: ModelOptions(weights: "seed:1"))
    }
    #expect(error.message == "timm has no tag 'augreg_in21' of 'vit_tiny_patch16_224'")
    #expect(error.notes == ["it has augreg_in21k_ft_in1k, augreg_in21k"])
    #expect(error.hint?.contains("augreg_in21k") == true)
    let none = try diagnostic {
      try Model.load("R50x2.goog", options: ModelOptions(weights: "seed:1"))
    }
    #expect(none.message == "timm has no tags of 'R50x2'")
    let model = try diagnostic {
      try Model.load("vit_tinny_patch16_224.augreg", options: ModelOptions(weights: "seed:1"))
    }
    #expect(model.message == "no model of this name, and no such folder")
  }

  /// A name whose tags differ says which was assumed; one whose tags agree says nothing.
  @Test func namesWithoutATagSayWhatWasAssumed() throws {
    let note = try #require(Tag.note(for: Variants.named("vit_tiny_patch16_224")))
    #expect(
      note == "preprocessing and classes are those of timm's tag 'augreg_in21k_ft_in1k'; name the "
        + "tag of other weights, as in 'vit_tiny_patch16_224.augreg_in21k', if they are one of "
        + "these, which differ: augreg_in21k")
    #expect(Tag.note(for: try Variants.named("R50x2")) == nil)
    let single = try #require(
      Variants.all.first { Tag.tags(of: $0.name).count == 1 }, "a variant of one tag")
    #expect(Tag.note(for: single) == nil)
  }
}
