import Diagnostics
import IR

extension Pass {
  /// Writes the patch embedding as a linear layer over patches.
  ///
  ///     %x: f32[196,768] = patch_embed %image, %w, %b
  /// becomes
  ///     %x.weight: f32[768,768] = reshape %w {shape = [768, 768]}
  ///     %x.patches: f32[196,768] = extract_patches %image {patch = 16}
  ///     %x: f32[196,768] = linear %x.patches, %x.weight, %b
  ///
  /// A convolution whose stride is its kernel size reads each pixel once; the flattened kernel and
  /// the flattened patch have the same order of channel, row, column. It never declines.
  public static let lowerPatchEmbed = Pass(
    "lower-patch-embed", "patch embedding as a linear layer over patches", .imported, lower)
}

@Sendable private func lower(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .patchEmbed = node.op else { return nil }
    let operands = rewriter[node.operands]
    let shape = rewriter.type(operands[1]).shape
    let weight = try rewriter.append(
      .reshape(Reshape([shape[0], shape[1] * shape[2] * shape[3]])), [operands[1]],
      name: "\(node.name).weight")
    let patches = try rewriter.append(
      .extractPatches(ExtractPatches(patch: shape[2])), [operands[0]],
      name: "\(node.name).patches")
    return try rewriter.append(
      .linear(Linear()), [patches, weight] + operands.dropFirst(2), name: node.name)
  }
}
