import Diagnostics

/// transformers' `BitConfig`: the configuration of a ResNet, and of the one in a hybrid.
extension TransformersFolder {
  /// Reads the configuration of a folder whose model is a ResNet; images are of 224 pixels unless
  /// the preprocessor says otherwise.
  static func resNet(
    _ root: ConfigurationObject, name: String
  ) throws(Diagnostic) -> ResNetConfiguration {
    var model = ResNetConfiguration(
      name: name, family: TransformersFamily.bit.rawValue, image: 224,
      trunk: try trunk(root), classes: 0)
    model.channels = try root.integer("num_channels") ?? 3
    model.numerics = .huggingFace
    return model
  }

  /// Reads the `backbone_config` of a hybrid, which has its own default: the first three stages of
  /// a ResNet-50, with nine units in the third.
  static func backbone(_ root: ConfigurationObject) throws(Diagnostic) -> ResNetTrunk {
    if let name = root.value("backbone") {
      throw Diagnostic(
        "'backbone' is \(name.described), which vitc does not know", at: .file(root.path),
        hint: "vitc reads hybrids whose 'backbone_config' is that of a Bit model")
    }
    let path = root.path
    guard let object = try root.object("backbone_config") else {
      return ResNetTrunk(.postActivation, border: .same, depths: [3, 4, 9])
    }
    if let type = try object.string("model_type"), type != TransformersFamily.bit.rawValue {
      throw Diagnostic(
        "'backbone_config.model_type' is '\(type)', expected 'bit'", at: .file(path))
    }
    let trunk = try trunk(object)
    guard trunk.form == .postActivation else {
      throw Diagnostic(
        "'backbone_config.layer_type' is 'preactivation', expected 'bottleneck'", at: .file(path))
    }
    let last = "stage\(trunk.depths.count)"
    if let features = object.value("out_features"), features != .array([.string(last)]) {
      throw Diagnostic(
        "'backbone_config.out_features' is \(features.described), expected the last stage, "
          + "'\(last)'", at: .file(path))
    }
    return trunk
  }

  /// Reads a trunk; absent keys have the defaults of `BitConfig`.
  private static func trunk(_ object: ConfigurationObject) throws(Diagnostic) -> ResNetTrunk {
    let depths = [3, 4, 6, 3]
    func refusal(_ key: String, _ found: String, _ expected: String) -> Diagnostic {
      Diagnostic(
        "'\(object.prefix)\(key)' is \(found), expected \(expected)", at: .file(object.path))
    }
    let layers = try object.string("layer_type") ?? "preactivation"
    let padding = try object.string("global_padding")?.lowercased()
    let isDynamic = try object.bool("embedding_dynamic_padding") ?? false
    var trunk: ResNetTrunk
    switch layers {
    case "preactivation":
      guard padding == nil else {
        throw refusal("global_padding", "'\(padding ?? "")'", "none in a preactivation model")
      }
      guard !isDynamic else {
        throw refusal("embedding_dynamic_padding", "true", "false in a preactivation model")
      }
      trunk = ResNetTrunk(.preActivation, border: .fixed, depths: depths)
    case "bottleneck":
      guard padding == "same" else {
        throw refusal(
          "global_padding", padding.map { "'\($0)'" } ?? "absent", "'same' in a bottleneck model")
      }
      guard isDynamic else {
        throw refusal("embedding_dynamic_padding", "false", "true in a bottleneck model")
      }
      trunk = ResNetTrunk(.postActivation, border: .same, depths: depths)
    default: throw refusal("layer_type", "'\(layers)'", "'preactivation' or 'bottleneck'")
    }
    if let function = try object.string("hidden_act"), function != "relu" {
      throw refusal("hidden_act", "'\(function)'", "'relu'")
    }
    // transformers' own last norm and head know no other.
    if let factor = try object.integer("width_factor"), factor != 1 {
      throw refusal("width_factor", "\(factor)", "1")
    }
    trunk.depths = try object.integers("depths") ?? depths
    trunk.widths = try object.integers("hidden_sizes") ?? [256, 512, 1024, 2048]
    if trunk.widths.count > trunk.depths.count {
      trunk.widths.removeLast(trunk.widths.count - trunk.depths.count)
    }
    trunk.stemWidth = try object.integer("embedding_size") ?? 64
    trunk.groups = try object.integer("num_groups") ?? 32
    if let problem = trunk.problem {
      throw Diagnostic(
        "\(object.prefix.isEmpty ? "" : "'backbone_config': ")\(problem)", at: .file(object.path))
    }
    let reached = try object.integer("output_stride") ?? 32
    guard reached >= trunk.stride else {
      throw refusal(
        "output_stride", "\(reached)", "at least the \(trunk.stride) that the stages reach")
    }
    return trunk
  }
}
