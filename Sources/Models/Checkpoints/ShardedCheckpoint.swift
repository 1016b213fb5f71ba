import Diagnostics
import Files
import IR

/// Several files, safetensors or PyTorch's, and the index that says which tensor is where:
/// `{"metadata": {…}, "weight_map": {"tensor": "model-00001-of-00002.safetensors"}}`.
public struct ShardedCheckpoint: Checkpoint {
  /// What messages call it.
  public let path: String
  /// The names of all tensors, sorted.
  public let names: [String]
  /// What the shards say of how they were read, each note once.
  public let notes: [String]
  private let shards: [String: any Checkpoint]
  private let shardOfTensor: [String: String]

  /// Opens an index and all files that it names; they are beside it.
  public init(indexPath: String) throws(Diagnostic) {
    path = indexPath
    let index = try ConfigurationFile(path: indexPath)
    var shardOfTensor: [String: String] = [:]
    for (tensor, value) in try index.object("weight_map").members {
      guard case .string(let shard) = value else {
        throw Diagnostic(
          "'weight_map' has \(value.described), expected a file name",
          at: .tensor(tensor, file: indexPath))
      }
      guard !shard.isEmpty, !shard.contains("/"), !shard.contains("\0"), shard != "..",
        shard != "."
      else {
        throw Diagnostic(
          "'weight_map' has '\(shard)', expected the name of a file beside the index",
          at: .tensor(tensor, file: indexPath))
      }
      shardOfTensor[tensor] = shard
    }
    guard !shardOfTensor.isEmpty else {
      throw Diagnostic("'weight_map' names no tensor", at: .file(indexPath))
    }
    let folder = Path.folder(of: indexPath)
    var shards: [String: any Checkpoint] = [:]
    for shard in Set(shardOfTensor.values).sorted() {
      let shardPath = Path.joining(folder, shard)
      do {
        shards[shard] = try Self.open(shardPath)
      } catch {
        throw error.adding(note: "'\(indexPath)' places tensors in it")
      }
    }
    for (tensor, shard) in shardOfTensor.sorted(by: { $0.key < $1.key })
    where shards[shard]?.type(of: tensor) == nil && shards[shard]?.fault(of: tensor) == nil {
      throw Diagnostic(
        "the index places it in '\(shard)', which does not hold it",
        at: .tensor(tensor, file: indexPath),
        hint: Suggestion.hint(for: tensor, in: shards[shard]?.names ?? []))
    }
    notes = Set(shards.values.flatMap(\.notes)).sorted()
    self.shards = shards
    self.shardOfTensor = shardOfTensor
    names = shardOfTensor.keys.sorted()
  }

  /// Opens a shard: a file of tensors, not another index.
  private static func open(_ path: String) throws(Diagnostic) -> any Checkpoint {
    let kind = try FileKind(path)
    if let refusal = kind.refusal(path) { throw refusal }
    return kind == .torch ? try TorchCheckpoint(path: path) : try Safetensors(path: path)
  }

  /// Why a tensor that is there cannot be read.
  public func fault(of name: String) -> Diagnostic? {
    shardOfTensor[name].flatMap { shards[$0] }?.fault(of: name)
  }

  /// The type of a tensor, or `nil` if there is none of this name.
  public func type(of name: String) -> StoredType? {
    shardOfTensor[name].flatMap { shards[$0] }?.type(of: name)
  }

  /// Returns a tensor's values as `f32`.
  public func read(_ name: String) throws(Diagnostic) -> Tensor {
    guard let shard = shardOfTensor[name].flatMap({ shards[$0] }) else { throw missing(name) }
    return try shard.read(name)
  }

  /// The values of a tensor of 64-bit integers.
  public func integers(_ name: String) throws(Diagnostic) -> [Int]? {
    try shardOfTensor[name].flatMap { shards[$0] }?.integers(name)
  }
}
