import Diagnostics
import Files
import IR

extension Model {
  /// What it reads, if it is a text tower; `nil`: images.
  public var text: TextInput? { family.text }

  /// Loads the text tower of a folder with two towers.
  ///
  /// - Parameters:
  ///   - folder: of transformers' `clip`, `metaclip_2`, `siglip`, `siglip2` and `aimv2`, or of
  ///     OpenCLIP.
  ///   - weights: a checkpoint elsewhere, or `seed:N`; `nil`: the folder's own.
  ///   - length: how many tokens a text has; `nil`: as many as the tower has positions for. Fewer
  ///     are possible where what follows end-of-text has no influence.
  ///   - patterns: of tensors that are treated as absent.
  /// - Throws: a folder without such a tower, a length that would change the vectors, tensors that
  ///   do not fit.
  public static func loadText(
    _ folder: String, weights: String? = nil, length: Int? = nil, ignoring patterns: [String] = []
  ) throws(Diagnostic) -> Model {
    guard let kind = Path.kind(of: folder) else {
      throw Diagnostic(
        folder.contains("/") ? "no such folder" : "'\(folder)' is not a folder",
        at: .argument("--tower"),
        hint: "text towers are in folders with two towers, as CLIP's and SigLIP's on the hub")
    }
    guard kind == .folder else {
      throw Diagnostic("is a file; a text tower is in a model folder", at: .file(folder))
    }
    var tower = try TextFolder.read(path: folder)
    if let length { try tower.setLength(length) }
    let path = weights ?? folder
    let checkpoint: any Checkpoint
    if path.hasPrefix("seed:") {
      guard let seed = UInt64(path.dropFirst(5)) else {
        throw Diagnostic(
          "invalid seed '\(path)'", at: .argument("--weights"),
          hint: "a seed is a number from 0 to \(UInt64.max), as in seed:1")
      }
      tower.names = .canonical
      checkpoint = SeededCheckpoint(
        seed: seed,
        shapes: Dictionary(
          try tower.tensors(fusedQKV: true, outputs: []).map { ($0.name, $0.type.shape) },
          uniquingKeysWith: { first, _ in first }))
    } else {
      checkpoint = try TensorSelection.selected(
        from: CheckpointFile.open(path: path), ignoring: patterns)
    }
    let naming = TextNaming(tower.names, in: checkpoint.names)
    try tower.adapt(to: checkpoint, naming)
    let places = TensorPlaces(tower, naming, path: checkpoint.path)
    let check = try TensorCheck(tower, places, checkpoint, outputs: [])
    let leftovers = try check.run()
    var notes = checkpoint.notes
    if !leftovers.isEmpty {
      notes.append(
        "ignored what training left: \(ShortList.text(leftovers.map { "'\($0)'" }))")
    }
    notes += tower.notes
    return Model(
      family: tower, places: places,
      checkpoint: CheckedCheckpoint(
        check.keepsArrangement
          ? checkpoint : ArrangedCheckpoint(checkpoint, places: check.wanted)), notes: notes,
      warnings: [], comparison: try tower.comparison(in: checkpoint, naming))
  }
}

extension TextTower {
  /// Takes another number of tokens.
  ///
  /// - Throws: one that there are no positions for, or fewer where each has a say.
  mutating func setLength(_ length: Int) throws(Diagnostic) {
    guard length != input.length else { return }
    guard (1...input.positions).contains(length) else {
      throw Diagnostic(
        "length is \(length), the text tower has positions for 1 to \(input.positions)",
        at: .argument("--text-length"))
    }
    guard input.mayBeCut else {
      throw Diagnostic(
        "length is \(length), but texts of '\(name)' have \(input.positions) tokens: all of them, "
          + "filled up, have a say in the vector", at: .argument("--text-length"),
        hint: "leave the option out")
    }
    input.length = length
  }

  /// Takes the width of the projection from the checkpoint: a folder's two places may say two.
  mutating func adapt(
    to checkpoint: any Checkpoint, _ naming: TextNaming
  ) throws(Diagnostic) {
    guard case .linear(let width, let hasBias) = projection,
      let place = naming.place(
        TensorSpecification(name: "proj.weight", shape: [width, dim]), storedNames),
      let found = place.outputs(in: checkpoint)
    else { return }
    projection = .linear(width: found, hasBias: hasBias)
  }

  /// What was decided, a line each.
  var notes: [String] {
    var notes: [String] = []
    if input.length < input.positions {
      notes.append(
        "texts of \(input.length) tokens of \(input.positions): what follows end-of-text has no "
          + "influence")
    }
    return notes
  }

  /// How its vectors are compared with those of images; `nil` where the checkpoint does not say.
  func comparison(
    in checkpoint: any Checkpoint, _ naming: TextNaming
  ) throws(Diagnostic) -> TextComparison? {
    let names = naming.comparison
    return try TextComparison.read(rule, in: checkpoint, scale: names.scale, bias: names.bias)
  }
}
