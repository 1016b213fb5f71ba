import Diagnostics

/// Compares a checkpoint's tensors with those that a model reads.
struct TensorCheck {
  /// What the model reads: where it is stored, and the shape that it has in the model.
  let wanted: [(place: StoredTensor, shape: [Int])]

  private let model: any ModelConfiguration
  private let names: TensorNames
  private let checkpoint: any Checkpoint

  init(_ model: any ModelConfiguration, names: TensorNames, checkpoint: any Checkpoint) {
    self.model = model
    self.names = names
    self.checkpoint = checkpoint
    wanted = model.tensors(fusedQKV: names.fusesQKV).map {
      (place: names.place($0, of: model), shape: $0.type.shape)
    }
  }

  /// What graphs call the weight of the head, if the model has one.
  var head: String? { model.classes > 0 ? headPlaces.first?.graphName : nil }

  /// Throws one diagnostic that lists every missing, wrong and superfluous tensor; a tensor that is
  /// there but cannot be read comes first.
  func run() throws(Diagnostic) {
    for (place, _) in wanted {
      if let fault = checkpoint.fault(of: place.name) { throw fault }
    }
    let known = Set(wanted.map(\.place.name))
    let extra = checkpoint.names.filter {
      !known.contains($0) && !names.ignores($0, headIsRead: model.classes > 0)
    }
    var missing: [String] = []
    var wrong: [String] = []
    var notes: [String] = []
    var seen: Set<String> = []
    for (place, _) in wanted where seen.insert(place.name).inserted {
      let (name, shape) = (place.name, place.shapes[0])
      guard let stored = checkpoint.type(of: name) else {
        missing.append(name)
        let near = Suggestion.nearest(to: name, in: extra, limit: 1).first.map {
          ", is it '\($0)'?"
        }
        notes.append("missing: '\(name)' \(shape)\(near ?? "")")
        continue
      }
      if !place.shapes.contains(stored.shape) {
        wrong.append(name)
        notes.append("wrong shape: '\(name)' is \(stored.shape), expected \(shape)")
      } else if !stored.element.isReadable {
        wrong.append(name)
        notes.append("wrong type: '\(name)' holds \(stored.element.rawValue)")
      }
    }
    for name in extra {
      let type = checkpoint.type(of: name)?.description ?? ""
      notes.append("extra: '\(name)' \(type)")
    }
    if notes.isEmpty { return }
    let counts = [
      (missing.count, "missing"), (wrong.count, "wrong"), (extra.count, "extra"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    throw Diagnostic(
      "the checkpoint does not fit model '\(model.name)': \(counts)", at: .file(checkpoint.path),
      notes: notes, hint: hint(missing: missing, wrong: wrong, extra: extra))
  }

  /// What most likely happened.
  private func hint(missing: [String], wrong: [String], extra: [String]) -> String? {
    let heads = Set(headPlaces.map(\.name) + headBiases.map(\.name))
    if missing.isEmpty, extra.isEmpty, heads.isSuperset(of: wrong), let classes = storedClasses {
      return "the checkpoint's head has \(classes) classes: say --num-classes \(classes)"
    }
    if wrong.isEmpty, extra.isEmpty, heads.isSuperset(of: missing) {
      return "the checkpoint has no head: say --head none"
    }
    if case .jax = names, wrong.isEmpty, extra.isEmpty, missing == [place(of: "cls_token")] {
      return "the file's model has no class token: name a variant without one, of 'vitc list''s "
        + "families gap and siglip_gap"
    }
    if missing.isEmpty, wrong.isEmpty, model.classes == 0, let classes = storedClasses {
      return "the checkpoint has a head: say --num-classes \(classes) or --head none"
    }
    guard let found = TensorNames.recognized(checkpoint.names) else {
      return TensorNames.description(ofUnknown: checkpoint.names)
    }
    return found.kind == names.kind ? nil : "these are \(found.kind)"
  }

  /// Where the checkpoint keeps a tensor that the model reads, by its canonical name.
  private func place(of canonical: String) -> String? {
    model.tensors(fusedQKV: names.fusesQKV).first { $0.name == canonical }.map {
      names.place($0, of: model).name
    }
  }

  /// The number of classes of the checkpoint's head.
  private var storedClasses: Int? {
    headPlaces.first.flatMap { $0.outputs(in: checkpoint) }
  }

  private var headPlaces: [StoredTensor] { model.headWeights.map { names.place($0, of: model) } }

  private var headBiases: [StoredTensor] {
    model.headWeights.map { weight in
      let name = weight.name.dropLast("weight".count) + "bias"
      return names.place(
        TensorSpecification(name: String(name), type: .f32(model.classes)), of: model)
    }
  }
}
