import Diagnostics
import IR
import Models

/// What is kept of the values of one photo, taken as they are computed.
struct SeenPhoto {
  /// The values that are taken.
  private(set) var wanted: Set<Value> = []
  /// What the heads of each block do.
  private(set) var heads: [[HeadDistances.Head]] = []
  /// The weights of all blocks, for rollout.
  private(set) var rollout: AttentionRollout?
  /// The weights of a learned query.
  private(set) var query: DenseTensor<Double>?
  /// The tokens of each block as colours.
  private(set) var colors: [LayerFigure.Colors] = []

  private let anatomy: Anatomy
  private let layers: Set<Value>
  private let measure: HeadDistances?
  private let prefix: Int
  /// Rows and columns of patches, where all blocks have the same tokens.
  private let patches: [Int]?
  private let map: PlaceMap
  private var attentions: [DenseTensor<Double>] = []
  /// The attentions that are still to come in the block that is being computed.
  private var missing: [Value: Int] = [:]

  init(
    _ anatomy: Anatomy, _ geometry: TokenGeometry, _ layers: [Value],
    _ measure: HeadDistances?, _ fusion: AttentionRollout.Fusion, map: PlaceMap
  ) {
    self.anatomy = anatomy
    self.layers = Set(layers)
    self.measure = measure
    self.map = map
    wanted = self.layers
    guard case .grid(let grid) = geometry else {
      (prefix, patches) = (0, nil)
      return
    }
    (prefix, patches) = (grid.prefix, grid.grid)
    for block in anatomy.blocks {
      wanted.formUnion(block.attentions)
      if let last = block.attentions.last { missing[last] = block.attentions.count }
    }
    if !anatomy.blocks.contains(where: \.isDifferential) {
      rollout = AttentionRollout(tokens: grid.tokens, fusion: fusion)
    }
    if let query = anatomy.query { wanted.insert(query) }
  }

  /// Takes one of the wanted values.
  mutating func take(_ value: Value, _ tensor: DenseTensor<Double>) throws(Diagnostic) {
    if layers.contains(value) {
      let columns = tensor.columns
      let places = patches.map { $0[0] * $0[1] } ?? tensor.rows - prefix
      guard let grid = patches ?? map.grid(places: places), grid[0] * grid[1] == places else {
        throw Diagnostic("\(places) tokens of a block are no map of the image")
      }
      let rows = prefix * columns..<(prefix + places) * columns
      guard tensor.values.count >= rows.upperBound else {
        throw Diagnostic("\(tensor.rows) tokens of a block are no map of the image")
      }
      colors.append(
        try LayerFigure.Colors(Array(tensor.values[rows]), columns: columns, grid: grid))
    } else if value == anatomy.query {
      query = tensor
    } else {
      attentions.append(tensor)
      guard missing[value] == attentions.count else { return }
      heads.append(attentions.flatMap { measure?($0) ?? [] })
      rollout?.add(attentions)
      attentions = []
    }
  }
}
