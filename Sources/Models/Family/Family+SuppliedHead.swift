import Diagnostics
import IR

extension Family {
  /// Appends what a head reads that is not the model's own: one row.
  func row(
    _ reads: SuppliedHead.Features, _ tokens: Value, _ pooled: Value,
    in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    if reads != .mean { try checkFeatures() }
    switch reads {
    case .token: return try featureRow(pooled, in: &builder)
    case .mean: return try patchMean(tokens, in: &builder)
    case .both:
      return try builder.append(
        .concatenate(Concatenate(axis: 1)),
        [try featureRow(pooled, in: &builder), try patchMean(tokens, in: &builder)],
        name: "supplied_head.row")
    }
  }

  /// What `features` means, appended once.
  func featureRow(
    _ pooled: Value, in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    try builder.once("features.row") { (builder) throws(Diagnostic) in
      try features(pooled, in: &builder)
    }
  }

  private func patchMean(
    _ tokens: Value, in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var patches = tokens
    let after = tokenMap(afterBlock: nil).suffix
    if prefixTokens + after > 0 {
      let count = builder.type(tokens).shape[0] - prefixTokens - after
      patches = try builder.rows(
        tokens, from: prefixTokens, count: count, name: "supplied_head.patches")
    }
    return try builder.mean(patches, name: "supplied_head.mean")
  }

  /// Appends the logits of a head that is not the model's own: one row.
  func logits(
    of head: SuppliedHead.Form, _ tokens: Value, _ pooled: Value, in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var row = try row(head.reads, tokens, pooled, in: &builder)
    let width = builder.type(row).shape[1]
    if head.readsUnit { row = try Self.unit(row, in: &builder) }
    guard width == head.width else {
      throw Diagnostic(
        "the head reads \(head.width) features, '\(name)' gives \(width) "
          + "('\(head.reads.rawValue)')")
    }
    let weight = try builder.append(
      .weight(Weight(tensor: SuppliedHead.weightName, shape: [classes, width])), [],
      name: "supplied_head.weight")
    let bias = try builder.append(
      .weight(Weight(tensor: SuppliedHead.biasName, shape: [classes])), [],
      name: "supplied_head.bias")
    return try builder.append(.linear(Linear()), [row, weight, bias], name: "supplied_head")
  }

  /// Appends a row divided by its length: `x / sqrt(mean(x^2) + 1e-24) / sqrt(D)`, which differs
  /// from `x / |x|` for rows that are almost zero alone.
  private static func unit(
    _ row: Value, in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(row).shape[1]
    let factor = try builder.append(
      .fill(Fill(Float(1 / Double(dim).squareRoot()), shape: [dim])), [],
      name: "supplied_head.unit.factor")
    return try builder.append(
      .rmsNorm(RMSNorm(epsilon: 1e-24)), [row, factor], name: "supplied_head.unit")
  }

  /// Returns the model up to what a head reads, as a graph whose output is called `features`.
  func graph(
    reading reads: SuppliedHead.Features, tensors: TensorLayout
  ) throws(Diagnostic) -> Graph {
    try check()
    var builder = ModelBuilder(name: name, tensors: tensors)
    let all = try tokens(of: try builder.image(facts), in: &builder)
    let pooled = try pooled(all, in: &builder)
    let row = try row(reads, all, pooled, in: &builder)
    builder.addOutput("features", try builder.flat(row, "features"))
    return try builder.finished()
  }

  private func checkFeatures() throws(Diagnostic) {
    guard !hasFeatures else { return }
    throw Diagnostic(
      "'\(name)' pools nothing, so there are no features for a head",
      hint: "fit it to the mean of the patches: features 'mean'")
  }
}
