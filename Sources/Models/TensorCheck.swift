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
    _ model: any Family, _ places: TensorPlaces, _ checkpoint: any Checkpoint,
    outputs: [ModelOutput]
  ) throws(Diagnostic) {
    self.model = model
    self.places = places
    self.checkpoint = checkpoint
    tensors = try model.tensors(fusedQKV: places.naming.fusesQKV, outputs: outputs)
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

  /// Throws one diagnostic that lists every missing, wrong and superfluous tensor, the first of
  /// them by name; a tensor that is there but cannot be read comes first.
  ///
  /// - Returns: the tensors that training left there and that are not read.
  func run() throws(Diagnostic) -> [String] {
    for (place, _) in wanted {
      if let fault = checkpoint.fault(of: place.name) { throw fault }
    }
    let known = Set(wanted.map(\.place.name))
    let unread = checkpoint.names.filter {
      !known.contains($0)
        && !places.naming.ignores($0, places.names, headIsRead: model.classes > 0)
    }
    let extra = unread.filter { !TrainingLeftover.contains($0, checkpoint.type(of: $0)) }
    var missing: [String] = []
    var wrong: [String] = []
    var notes: [String] = []
    var seen: Set<String> = []
    for (place, _) in wanted where seen.insert(place.name).inserted {
      let (name, shape) = (place.name, place.shapes[0])
      guard let stored = checkpoint.type(of: name) else {
        // Each comparison takes time, and nobody reads on.
        let near =
          missing.count < ShortList.limit
          ? Suggestion.nearest(to: name, in: extra, limit: 1).first : nil
        missing.append(name)
        notes.append("missing: '\(name)' \(shape)\(near.map { ", is it '\($0)'?" } ?? "")")
        continue
      }
      if !place.shapes.contains(stored.shape) {
        let why = TensorShape.explanation(of: stored.shape, expected: shape).map { ": \($0)" }
        wrong.append(name)
        notes.append(
          "wrong shape: '\(name)' is \(stored.shape), expected \(shape)\(why ?? "")")
      } else if !stored.element.isReadable {
        wrong.append(name)
        notes.append("wrong type: '\(name)' holds \(stored.element.rawValue)")
      }
    }
    if notes.isEmpty, extra.isEmpty {
      return unread.filter { !extra.contains($0) }
    }
    let superfluous = extra.map { name in
      "extra: '\(name)' \(checkpoint.type(of: name)?.description ?? "")"
    }
    let counts = [
      (missing.count, "missing"), (wrong.count, "wrong"), (extra.count, "extra"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    throw Diagnostic(
      "the checkpoint does not fit model '\(model.name)': \(counts)", at: .file(checkpoint.path),
      notes: (ShortList.lines(notes) + ShortList.lines(superfluous) + ambiguity)
        .map(PlainText.escaped),
      hint: hint(missing: missing, wrong: wrong, extra: extra))
  }

  /// Why a prefix of the names, if there is one, was not left out.
  private var ambiguity: [String] {
    if case .ambiguous(let reason) = WrapperPrefix.find(in: checkpoint.names) { return [reason] }
    return []
  }

  /// What most likely happened.
  private func hint(missing: [String], wrong: [String], extra: [String]) -> String? {
    let heads = Set(headPlaces.map(\.name) + headBiases.map(\.name))
    if missing.isEmpty, extra.isEmpty, heads.isSuperset(of: wrong) {
      if let classes = model.storedClasses(in: checkpoint, places.naming) {
        return "the checkpoint's head has \(classes) classes: say --num-classes \(classes)"
      }
      if let form = headForm { return form }
    }
    if wrong.isEmpty, extra.isEmpty, heads.isSuperset(of: missing) {
      return "the checkpoint has no head: say --head none"
    }
    if wrong.isEmpty, missing.allSatisfy(poolers.contains), !missing.isEmpty {
      return "the checkpoint has no pooler: transformers' ViTModel and DeiTModel have one, models "
        + "with a head do not"
    }
    if wrong.isEmpty, extra.isEmpty {
      let absent = zip(tensors, wanted).filter { missing.contains($0.1.place.name) }
      if let hint = places.naming.hint(missing: absent.map(\.0.name)) { return hint }
    }
    if missing.isEmpty, wrong.isEmpty {
      if model.classes == 0, !heads.isDisjoint(with: extra),
        let classes = model.storedClasses(in: checkpoint, places.naming)
      {
        return "the checkpoint has a head: say --num-classes \(classes) or --head none"
      }
      return "--ignore PATTERN leaves out tensors that inference does not need"
    }
    guard let found = Families.naming(of: checkpoint.names) else {
      return Namings.description(ofUnknown: checkpoint.names)
    }
    return found.title == places.naming.title ? nil : "these are \(found.title)"
  }

  /// What the head's weight is, where it is not the matrix that is expected, and how to mend it.
  private var headForm: String? {
    for (place, head) in zip(headPlaces, model.classifiers) {
      guard let shape = checkpoint.type(of: place.name)?.shape else { continue }
      if head.isConvolution, shape.count == 2, shape[1] == head.inputs {
        return "the head is a linear layer, expected a convolution of one pixel: save its weight "
          + "as weight[:, :, None, None]"
      }
      if !head.isConvolution, shape.count == 4, shape[1...] == [head.inputs, 1, 1] {
        return "the head is a convolution of one pixel, expected a linear layer: save its weight "
          + "as weight.flatten(1)"
      }
      if shape.count == 2, shape[0] == head.inputs {
        return "the head is transposed, [inputs, classes]: save its weight as weight.T.contiguous()"
      }
    }
    return nil
  }

  private var headPlaces: [StoredTensor] {
    model.classifiers.compactMap { try? places.place($0.weight(classes: model.classes)) }
  }

  private var poolers: [String] {
    zip(tensors, wanted).filter { $0.0.name.hasPrefix("\(Pooler.name).") }.map(\.1.place.name)
  }

  private var headBiases: [StoredTensor] {
    model.classifiers.compactMap { try? places.place($0.bias(classes: model.classes)) }
  }
}
