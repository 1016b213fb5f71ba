import IR

/// Compares a checkpoint's tensors with those that a model reads.
enum TensorCheck {
  /// Throws one diagnostic that lists every missing, wrong and superfluous tensor.
  static func check(
    _ model: ViTConfiguration, names: TensorNames, checkpoint: any Checkpoint
  ) throws(Diagnostic) {
    let wanted = model.tensors(fusedQKV: names.fusesQKV).map {
      (name: names.stored($0.name, of: model), shape: $0.type.shape)
    }
    let known = Set(wanted.map(\.name))
    let extra = checkpoint.names.filter {
      !known.contains($0) && !names.ignores($0, headIsRead: model.classes > 0)
    }
    var missing: [String] = []
    var wrong: [String] = []
    var notes: [String] = []
    for (name, shape) in wanted {
      guard let stored = checkpoint.type(of: name) else {
        missing.append(name)
        let near = Suggestion.nearest(to: name, in: extra, limit: 1).first.map {
          ", is it '\($0)'?"
        }
        notes.append("missing: '\(name)' \(shape)\(near ?? "")")
        continue
      }
      if stored.shape != shape {
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
      notes: notes,
      hint: hint(
        model, names: names, missing: missing, wrong: wrong, extra: extra, checkpoint: checkpoint))
  }

  /// What most likely happened.
  private static func hint(
    _ model: ViTConfiguration, names: TensorNames, missing: [String], wrong: [String],
    extra: [String], checkpoint: any Checkpoint
  ) -> String? {
    let heads = Set(
      ["head", "head_dist"].map { names.stored("\($0).weight", of: model) }
        + ["head", "head_dist"].map { names.stored("\($0).bias", of: model) })
    if missing.isEmpty, extra.isEmpty, heads.isSuperset(of: wrong),
      let rows = checkpoint.type(of: names.stored("head.weight", of: model))?.shape.first
    {
      return "the checkpoint's head has \(rows) classes: say --num-classes \(rows)"
    }
    if wrong.isEmpty, extra.isEmpty, heads.isSuperset(of: missing) {
      return "the checkpoint has no head: say --head none"
    }
    if missing.isEmpty, wrong.isEmpty, model.classes == 0,
      let rows = checkpoint.type(of: names.stored("head.weight", of: model))?.shape.first
    {
      return "the checkpoint has a head: say --num-classes \(rows) or --head none"
    }
    if names == .timm, extra.contains(where: { $0.hasSuffix("embeddings.cls_token") }) {
      return "these are transformers' names: give the folder with its config.json as MODEL"
    }
    return nil
  }
}
