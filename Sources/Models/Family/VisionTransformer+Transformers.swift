import Diagnostics
import IR

extension VisionTransformer {
  /// Reads what the configurations of transformers' ViTs have in common; the width of the MLP and
  /// the head are left to the family.
  ///
  /// - Parameters:
  ///   - patch: the side of a patch unless the file says it.
  ///   - epsilon: of layer norms unless the file says it.
  ///   - image: the side of the image unless the file says it.
  ///   - activation: the function inside the MLP unless the file says it, by transformers' name.
  ///   - readBackbone: reads the convolutions, if there are any.
  init(
    _ root: ConfigurationObject, name: String, patch defaultPatch: Int, epsilon: Double,
    image defaultImage: Int = 224, activation: String = "gelu",
    readBackbone: (ConfigurationObject) throws(Diagnostic) -> ResNetBackbone? = { _ in nil }
  ) throws(Diagnostic) {
    let image = try root.extent("image_size") ?? (defaultImage, defaultImage)
    let patch = try root.extent("patch_size") ?? (defaultPatch, defaultPatch)
    guard patch.height == patch.width, patch.height > 0 else {
      throw Diagnostic(
        "'\(root.prefix)patch_size' is \(patch.height)x\(patch.width), expected a square",
        at: .file(root.path))
    }
    self.init(
      name: name, image: image.height, patch: patch.height,
      dim: try root.integer("hidden_size") ?? 768,
      depth: try root.integer("num_hidden_layers") ?? 12,
      heads: try root.integer("num_attention_heads") ?? 12, mlpHidden: 0, classes: 0)
    imageWidth = image.width
    channels = try root.integer("num_channels") ?? 3
    backbone = try readBackbone(root)
    positionGrid = grid
    qkvBias = try root.bool("qkv_bias") ?? true
    layerNormEpsilon = try root.double("layer_norm_eps") ?? epsilon
    self.activation = try ActivationFunction(root, "hidden_act", default: activation)
    numerics = .huggingFace
    positionResize = .bicubic
  }
}

extension ActivationFunction {
  /// Reads a function by transformers' names (`ACT2FN`).
  init(_ root: ConfigurationObject, _ key: String, default: String) throws(Diagnostic) {
    let name = try root.string(key) ?? `default`
    let known: [String: ActivationFunction] = [
      "gelu": .gelu, "gelu_python": .gelu, "gelu_new": .geluTanh, "gelu_fast": .geluTanh,
      "gelu_pytorch_tanh": .geluTanh, "gelu_python_tanh": .geluTanh, "quick_gelu": .quickGelu,
      "silu": .silu, "swish": .silu, "relu": .relu, "tanh": .tanh,
    ]
    guard let function = known[name] else {
      throw Diagnostic(
        "unknown '\(root.prefix)\(key)' '\(name)'", at: .file(root.path),
        notes: ["known are \(known.keys.sorted().joined(separator: ", "))"],
        hint: Suggestion.hint(for: name, in: known.keys.sorted()))
    }
    self = function
  }
}

extension ConfigurationObject {
  /// A width given as a ratio to another one, of whose product the whole part counts.
  func width(
    _ key: String, of dim: Int, default ratio: Double
  ) throws(Diagnostic) -> Int {
    let ratio = try double(key) ?? ratio
    guard ratio > 0, ratio < 1000, let width = Int(exactly: (Double(dim) * ratio).rounded(.down))
    else {
      throw Diagnostic("'\(prefix)\(key)' is \(ratio), expected 0 to 1000", at: .file(path))
    }
    return width
  }
}
