extension JAXNames {
  /// Where the file of a hybrid keeps a tensor of its ResNet, given the name within timm's
  /// `patch_embed.backbone`; `nil` if there is none such.
  ///
  /// Stages and units are numbered from 1: `block1/unit2/conv3/kernel`. Old files store the
  /// parameters of group norms as `[1, 1, 1, C]`.
  func trunkPlace(_ canonical: String, _ shape: [Int]) -> StoredTensor? {
    var parts = canonical.split(separator: ".").map(String.init)
    guard let last = parts.popLast(), !parts.isEmpty else { return nil }
    if parts[0] == "stem" { parts.removeFirst() }
    var module: String
    switch parts.count {
    case 1: module = "\(parts[0] == "conv" ? "conv" : "gn")_root"
    case 5 where parts[0] == "stages", 6 where parts[0] == "stages":
      guard let stage = Int(parts[1]), let unit = Int(parts[3]) else { return nil }
      let inner = parts.count == 6 ? parts[5] + "_proj" : parts[4]
      module = "block\(stage + 1)/unit\(unit + 1)/"
      module += inner.hasPrefix("norm") ? "gn" + inner.dropFirst(4) : inner
    default: return nil
    }
    let leaf = last == "bias" ? "bias" : shape.count == 1 ? "scale" : "kernel"
    return StoredTensor("\(prefix)\(module)/\(leaf)", kernelOrVector: shape)
  }
}

extension StoredTensor {
  /// A convolution kernel, stored `[rows, columns, inputs, outputs]`, or a vector, which may be
  /// stored `[1, 1, 1, C]`.
  init(_ name: String, kernelOrVector shape: [Int]) {
    if shape.count == 4 {
      self.init(
        name, [[shape[2], shape[3], shape[1], shape[0]]],
        .transposed(positions: shape[2] * shape[3], inputs: shape[1], outputs: shape[0]))
    } else {
      self.init(name, [shape, [1, 1, 1] + shape])
    }
  }
}
