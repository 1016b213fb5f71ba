import Diagnostics

/// How checkpoints of one origin name and lay out tensors: a value, as some files differ in a
/// prefix or a spelling.
protocol Naming: Hashable, Sendable {
  /// What messages call it, as in "the checkpoint has timm's names".
  static var title: String { get }

  /// Finds the naming of a checkpoint with these tensors, or `nil` if it is another one's.
  ///
  /// `anchors` tell transformers' files, whose names have little in common.
  init?(recognizing names: [String], by anchors: [Anchor])

  /// Whose arithmetic such checkpoints were made for.
  var convention: NumericsConvention { get }

  /// `true` iff q, k and v are one tensor `blocks.i.attn.qkv`.
  var fusesQKV: Bool { get }

  /// `true` iff what is so named is loaded with a position table of another size than the model's
  /// own, and the table resized.
  var resizesPositions: Bool { get }

  /// `true` iff a family has names of this kind.
  func knows(_ names: StoredNames) -> Bool

  /// Where the checkpoint keeps a tensor; `nil` if the family has no name for it.
  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor?

  /// `true` iff a tensor that the model does not read may be there: it belongs to training, to a
  /// head that was not asked for, to another part of a whole that the family's names tell of, or is
  /// a buffer.
  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool

  /// What most likely happened if just these tensors, by their canonical names, are missing.
  func hint(missing canonical: [String]) -> String?

  /// Changes what such a checkpoint says itself of a Vision Transformer: what it was found to have
  /// comes before what the model's name implies.
  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) throws(Diagnostic)
}

extension Naming {
  /// What messages call it.
  var title: String { Self.title }
}

/// Tensors that every checkpoint of one kind has, after a prefix.
typealias Anchor = [String]

/// Buffers, which are never read, whatever the model.
enum Buffers {
  private static let parts: Set<String> = [
    "position_ids", "num_batches_tracked", "relative_position_index", "attn_mask",
  ]

  /// `true` iff a tensor of this name is one.
  static func contains(_ name: String) -> Bool {
    name.split(separator: ".").contains { parts.contains(String($0)) }
  }
}
