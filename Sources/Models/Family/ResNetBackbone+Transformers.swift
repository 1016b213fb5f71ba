import Diagnostics

extension ResNetBackbone {
  /// Reads transformers' `BitConfig`: the configuration of a ResNet, and of the one in a hybrid;
  /// absent keys have the defaults of that class.
  static func read(_ object: ConfigurationObject) throws(Diagnostic) -> ResNetBackbone {
    let depths = [3, 4, 6, 3]
    func refusal(_ key: String, _ found: String, _ expected: String) -> Diagnostic {
      Diagnostic(
        "'\(object.prefix)\(key)' is \(found), expected \(expected)", at: .file(object.path))
    }
    let layers = try object.string("layer_type") ?? "preactivation"
    let padding = try object.string("global_padding")?.lowercased()
    let isDynamic = try object.bool("embedding_dynamic_padding") ?? false
    var backbone: ResNetBackbone
    switch layers {
    case "preactivation":
      guard padding == nil else {
        throw refusal("global_padding", "'\(padding ?? "")'", "none in a preactivation model")
      }
      guard !isDynamic else {
        throw refusal("embedding_dynamic_padding", "true", "false in a preactivation model")
      }
      backbone = ResNetBackbone(.preActivation, border: .fixed, depths: depths)
    case "bottleneck":
      guard padding == "same" else {
        throw refusal(
          "global_padding", padding.map { "'\($0)'" } ?? "absent", "'same' in a bottleneck model")
      }
      guard isDynamic else {
        throw refusal("embedding_dynamic_padding", "false", "true in a bottleneck model")
      }
      backbone = ResNetBackbone(.postActivation, border: .same, depths: depths)
    default: throw refusal("layer_type", "'\(layers)'", "'preactivation' or 'bottleneck'")
    }
    if let function = try object.string("hidden_act"), function != "relu" {
      throw refusal("hidden_act", "'\(function)'", "'relu'")
    }
    // transformers' own last norm and head know no other.
    if let factor = try object.integer("width_factor"), factor != 1 {
      throw refusal("width_factor", "\(factor)", "1")
    }
    backbone.depths = try object.integers("depths") ?? depths
    backbone.widths = try object.integers("hidden_sizes") ?? [256, 512, 1024, 2048]
    if backbone.widths.count > backbone.depths.count {
      backbone.widths.removeLast(backbone.widths.count - backbone.depths.count)
    }
    backbone.stemWidth = try object.integer("embedding_size") ?? 64
    backbone.groups = try object.integer("num_groups") ?? 32
    if let problem = backbone.problem {
      throw Diagnostic(
        "\(object.prefix.isEmpty ? "" : "'backbone_config': ")\(problem)", at: .file(object.path))
    }
    let reached = try object.integer("output_stride") ?? 32
    guard reached >= backbone.stride else {
      throw refusal(
        "output_stride", "\(reached)", "at least the \(backbone.stride) that the stages reach")
    }
    return backbone
  }
}
