import Diagnostics

/// Compares a checkpoint's tensors with those that a model reads.
struct TensorCheck {
  /// What the model reads: where it is stored, and the shape that it has in the model.
  let wanted: [(place: StoredTensor, shape: [Int])]
  /// The same tensors by their canonical names.
  private let tensors: [TensorSpecification]

  private let model: any Family
  private let places: TensorPlaces
  private let checkpoint: any Checkpoint

  /// Throws if the numbers of the model do not fit together, or the checkpoint's naming has no name
  /// for what it reads.
  init(
    _ model: any Family, _ places: TensorPlaces, _ checkpoint: any Checkpoint
  ) throws(Diagnostic) {
    self.model = model
    self.places = places
    self.checkpoint = checkpoint
    tensors = try model.tensors(fusedQKV: places.naming.fusesQKV)
    wanted = try tensors.map { (tensor) throws(Diagnostic) in
      (place: try places.place(tensor), shape: tensor.type.shape)
    }
  }

  /// What graphs call the weight of the head, if the model has one.
  var head: String? { model.classes > 0 ? headPlaces.first?.graphName : nil }

  /// `true` iff every tensor is stored as the model reads it, under a name of its own.
  var keepsArrangement: Bool {
    wanted.allSatisfy { place, shape in
      place.isPlain && checkpoint.type(of: place.name)?.shape == shape
    }
  }

  /// Throws one diagnostic that lists every missing, wrong and superfluous tensor; a tensor that is
  /// there but cannot be read comes first.
  func run() throws(Diagnostic) {
    for (place, _) in wanted {
      if let fault = checkpoint.fault(of: place.name) { throw fault }
    }
    let known = Set(wanted.map(\.place.name))
    let extra = checkpoint.names.filter {
      !known.contains($0)
        && !places.naming.ignores($0, places.names, headIsRead: model.classes > 0)
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
    if wrong.isEmpty, extra.isEmpty {
      let absent = zip(tensors, wanted).filter { missing.contains($0.1.place.name) }
      if let hint = places.naming.hint(missing: absent.map(\.0.name)) { return hint }
    }
    if missing.isEmpty, wrong.isEmpty, model.classes == 0, let classes = storedClasses {
      return "the checkpoint has a head: say --num-classes \(classes) or --head none"
    }
    guard let found = Families.naming(of: checkpoint.names) else {
      return Namings.description(ofUnknown: checkpoint.names)
    }
    return found.title == places.naming.title ? nil : "these are \(found.title)"
  }

  /// The number of classes of the checkpoint's head.
  private var storedClasses: Int? {
    headPlaces.first.flatMap { $0.outputs(in: checkpoint) }
  }

  private var headPlaces: [StoredTensor] {
    model.classifiers.compactMap { try? places.place($0.weight(classes: model.classes)) }
  }

  private var headBiases: [StoredTensor] {
    model.classifiers.compactMap { try? places.place($0.bias(classes: model.classes)) }
  }
}
