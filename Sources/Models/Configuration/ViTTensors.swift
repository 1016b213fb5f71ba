import IR

/// A tensor that a model reads, by its canonical name, which is timm's.
public struct TensorSpecification: Hashable, Sendable {
  /// timm's name; where q, k and v are stored apart, `blocks.3.attn.q.weight` and so on.
  public var name: String
  /// Its type.
  public var type: TensorType
}

extension ViTConfiguration {
  /// What stands before the names of the trunk's tensors.
  static let trunkPrefix = "patch_embed.backbone."

  /// The weights of the linear layers that make logits.
  public var headWeights: [TensorSpecification] {
    var list = [TensorSpecification(name: "head.weight", type: .f32(classes, featureDim))]
    if pooling == .distilled {
      list.append(TensorSpecification(name: "head_dist.weight", type: .f32(classes, dim)))
    }
    return list
  }

  /// With `fusedQKV` the three projections are one tensor `blocks.i.attn.qkv` of 3D rows, q first,
  /// as timm stores them; without, three tensors of D rows.
  public func tensors(fusedQKV: Bool) -> [TensorSpecification] {
    var list: [TensorSpecification] = []
    func add(_ name: String, _ shape: Int...) {
      list.append(TensorSpecification(name: name, type: TensorType(.f32, shape)))
    }
    func norm(_ name: String) {
      add("\(name).weight", dim)
      add("\(name).bias", dim)
    }
    func linear(_ name: String, from inputs: Int, to outputs: Int, bias: Bool = true) {
      add("\(name).weight", outputs, inputs)
      if bias { add("\(name).bias", outputs) }
    }

    if let trunk { list = trunk.tensors(prefix: Self.trunkPrefix, channels: channels) }
    add("patch_embed.proj.weight", dim, patchChannels, patch, patch)
    if patchBias { add("patch_embed.proj.bias", dim) }
    if hasClassToken { add("cls_token", 1, 1, dim) }
    if hasDistillationToken { add("dist_token", 1, 1, dim) }
    if registerTokens > 0 { add("reg_token", 1, registerTokens, dim) }
    add("pos_embed", 1, positionRows, dim)
    if preNorm { norm("norm_pre") }
    for index in 0..<depth {
      let block = "blocks.\(index)"
      norm("\(block).norm1")
      if fusedQKV {
        linear("\(block).attn.qkv", from: dim, to: 3 * dim, bias: qkvBias)
      } else {
        for part in ["q", "k", "v"] {
          linear("\(block).attn.\(part)", from: dim, to: dim, bias: qkvBias)
        }
      }
      linear("\(block).attn.proj", from: dim, to: dim)
      if layerScale { add("\(block).ls1.gamma", dim) }
      norm("\(block).norm2")
      linear("\(block).mlp.fc1", from: dim, to: feedForward == .gated ? 2 * mlpHidden : mlpHidden)
      linear("\(block).mlp.fc2", from: mlpHidden, to: dim)
      if layerScale { add("\(block).ls2.gamma", dim) }
    }
    if finalNorm { norm("norm") }
    if poolNorm { norm("fc_norm") }
    if preLogits > 0 { linear("pre_logits", from: pooledDim, to: preLogits) }
    if classes > 0 {
      linear("head", from: featureDim, to: classes)
      if pooling == .distilled { linear("head_dist", from: dim, to: classes) }
    }
    return list
  }
}
