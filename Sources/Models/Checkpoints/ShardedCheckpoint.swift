import Diagnostics
import Foundation
import IR

/// Several safetensors files and the index that says which tensor is where:
/// `{"metadata": {…}, "weight_map": {"tensor": "model-00001-of-00002.safetensors"}}`.
public struct ShardedCheckpoint: Checkpoint {
  /// What messages call it.
  public let path: String
  /// The names of all tensors, sorted.
  public let names: [String]
  private let shards: [String: Safetensors]
  private let shardOfTensor: [String: String]

  /// Opens an index and all files that it names; they stand beside it.
  public init(indexPath: String) throws(Diagnostic) {
    path = indexPath
    let index = try ConfigurationFile(path: indexPath)
    var shardOfTensor: [String: String] = [:]
    for (tensor, value) in try index.object("weight_map").members {
      guard case .string(let shard) = value else {
        throw Diagnostic(
          "'weight_map' gives \(value.described), expected a file name",
          at: .tensor(tensor, file: indexPath))
      }
      guard !shard.isEmpty, !shard.contains("/"), !shard.contains("\0"), shard != "..",
        shard != "."
      else {
        throw Diagnostic(
          "'weight_map' gives '\(shard)', expected the name of a file beside the index",
          at: .tensor(tensor, file: indexPath))
      }
      shardOfTensor[tensor] = shard
    }
    guard !shardOfTensor.isEmpty else {
      throw Diagnostic("'weight_map' names no tensor", at: .file(indexPath))
    }
    let folder = (indexPath as NSString).deletingLastPathComponent
    var shards: [String: Safetensors] = [:]
    for shard in Set(shardOfTensor.values).sorted() {
      let shardPath = (folder as NSString).appendingPathComponent(shard)
      do {
        shards[shard] = try Safetensors(path: shardPath)
      } catch {
        throw error.adding(note: "'\(indexPath)' places tensors in it")
      }
    }
    for (tensor, shard) in shardOfTensor.sorted(by: { $0.key < $1.key })
    where shards[shard]?.type(of: tensor) == nil {
      throw Diagnostic(
        "the index places it in '\(shard)', which does not hold it",
        at: .tensor(tensor, file: indexPath),
        hint: Suggestion.hint(for: tensor, in: shards[shard]?.names ?? []))
    }
    self.shards = shards
    self.shardOfTensor = shardOfTensor
    names = shardOfTensor.keys.sorted()
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
}
