import IR

/// One size of a compiled model's images: a graph, and what is said of it alone.
///
/// A model for several sizes is a program for each, over the same packed weights.
public struct ProgramSize: Hashable, Sendable {
  /// The planned graph.
  public var graph: Graph
  /// The size of the arena in bytes.
  public var arenaBytes: Int
  /// The floating point operations of one image, 2 for each multiply-add.
  public var flops: Int
  /// How an RGB image becomes the input.
  public var preprocessing: PreprocessingInfo
  /// What the description says beyond its fields, as a JSON text.
  public var json: String

  /// Creates a description.
  public init(
    graph: Graph, arenaBytes: Int, flops: Int = 0,
    preprocessing: PreprocessingInfo = PreprocessingInfo(), json: String = "{}"
  ) {
    self.graph = graph
    self.arenaBytes = arenaBytes
    self.flops = flops
    self.preprocessing = preprocessing
    self.json = json
  }
}

extension ProgramInfo {
  /// All sizes, the first that of `graph`.
  func sizes(_ graph: Graph) -> [ProgramSize] {
    let first = ProgramSize(
      graph: graph, arenaBytes: arenaBytes, flops: flops, preprocessing: preprocessing, json: json)
    return [first] + furtherSizes
  }
}
