import IR

/// How far 8-bit integers are expected to make the outputs of linear layers err, from their weights
/// alone.
///
/// Rows after a norm are taken for independent numbers of mean zero and size one: integers hold
/// them, once the stream is rotated. What weights can cost there is bounded, so nothing is
/// estimated: an output's n weights are rounded to steps of their largest, m, over 127, which errs
/// by at most `sqrt(n) m / 254` and as a rule by `sqrt(n / 12) m / 127`, and such an output is at
/// least of size m. For 768 features that is 6 % as a rule where one column dwarfs all others, as a
/// norm's scale for one feature may make it; what the other columns add is lost then, and small
/// beside the output. Rotated, such a column is spread over all, and its rows err as any do. Rows
/// after an attention are those of its values, and rows after an activation what it makes of the
/// layer before (``ChannelSpread``). No photo is like that, so the estimate says nothing about
/// small errors; rows of which one channel is too large for the others stand out by orders of
/// magnitude.
public struct ErrorEstimate {
  /// A linear layer of integers.
  public struct Layer: Sendable {
    /// The name of its fused linear layer.
    public let name: String
    /// The expected error of its outputs, relative to them.
    public let error: Double
  }

  /// The layers that something can be said of, in the order of the graph.
  public let layers: [Layer]

  /// What a layer may err without being named: ten times what is usual, which is .005 to .013 for
  /// the layers of the trained DINOv2 ViT-S/14, and about that for pseudo-random weights.
  public static let unusual = 0.1

  /// The layers that err more, the worst first.
  public var outliers: [Layer] {
    layers.filter { !($0.error <= Self.unusual) }.sorted {
      ($0.error, $1.name) > ($1.error, $0.name)
    }
  }

  init(layers: [Layer]) { self.layers = layers }

  static func prologue(_ node: Node) -> Prologue? {
    guard case .fusedLinear(let fusedLinear) = node.op else { return nil }
    return fusedLinear.prologue
  }
}
