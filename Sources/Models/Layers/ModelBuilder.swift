import Diagnostics
import IR

/// A graph in the making, and how the checkpoint names what it reads: layers append themselves.
struct ModelBuilder {
  private var builder: GraphBuilder
  private let tensors: TensorLayout
  /// The weights so far, by canonical name.
  private var weights: [String: Value] = [:]
  /// What several layers read, by its name.
  private var named: [String: Value] = [:]
  /// The tensors that were asked for, in order.
  private(set) var specifications: [TensorSpecification] = []

  /// - Parameters:
  ///   - name: the model's; what is neither an ASCII letter nor a digit becomes `_`.
  ///   - tensors: how the checkpoint names and groups tensors.
  init(name: String, tensors: TensorLayout) {
    let letters = name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
    builder = GraphBuilder(name: letters.isEmpty ? "model" : String(letters), form: .imported)
    self.tensors = tensors
  }

  /// The graph made so far, without what no output reads.
  func finished() throws(Diagnostic) -> Graph { try builder.graph.removingDeadNodes() }

  /// `true` iff the checkpoint holds q, k and v of an attention in one tensor, q first.
  var fusesQKV: Bool { tensors.fusesQKV }

  func type(_ value: Value) -> TensorType { builder.type(value) }

  /// What has been made so far.
  var graph: Graph { builder.graph }

  /// `true` iff something of this name is returned already.
  func hasOutput(_ name: String) -> Bool { builder.graph.outputs.contains { $0.name == name } }

  mutating func addOutput(_ name: String, _ value: Value) { builder.addOutput(name, value) }

  mutating func append(
    _ op: Op, _ operands: [Value], name: String
  ) throws(Diagnostic) -> Value {
    try builder.append(op, operands, name: name)
  }

  /// The same value each time that it is asked for by this name.
  mutating func once(
    _ op: Op, _ operands: [Value], name: String
  ) throws(Diagnostic) -> Value {
    if let known = named[name] { return known }
    let value = try append(op, operands, name: name)
    named[name] = value
    return value
  }

  /// What `make` appends, the same value each time that it is asked for by this name.
  mutating func once(
    _ name: String, _ make: (inout ModelBuilder) throws(Diagnostic) -> Value
  ) throws(Diagnostic) -> Value {
    if let known = named[name] { return known }
    let value = try make(&self)
    named[name] = value
    return value
  }

  /// The planar image that the model reads.
  mutating func image(_ facts: ModelFacts) throws(Diagnostic) -> Value {
    try append(
      .input(Input(type: .f32(facts.channels, facts.imageHeight, facts.imageWidth))), [],
      name: "image")
  }

  /// A tensor of the checkpoint, the same value each time that it is asked for: the only place
  /// that says which tensors a model reads, and their shapes.
  mutating func weight(_ name: String, _ shape: [Int]) throws(Diagnostic) -> Value {
    if let known = weights[name] { return known }
    let tensor = TensorSpecification(name: name, shape: shape)
    let stored = try tensors.name(tensor)
    let value = try append(.weight(Weight(tensor: stored, shape: shape)), [], name: name)
    weights[name] = value
    specifications.append(tensor)
    return value
  }

  /// `x @ weight^T + bias`.
  mutating func linear(
    _ name: String, _ x: Value, _ outputs: Int, bias: Bool = true
  ) throws(Diagnostic) -> Value {
    let inputs = type(x).shape[1]
    var operands = [x, try weight("\(name).weight", [outputs, inputs])]
    if bias { operands.append(try weight("\(name).bias", [outputs])) }
    return try append(.linear(Linear()), operands, name: name)
  }

  mutating func activation(
    _ function: ActivationFunction, _ x: Value, name: String
  ) throws(Diagnostic) -> Value {
    try append(.activation(Activation(function)), [x], name: name)
  }

  mutating func sum(_ a: Value, _ b: Value, name: String) throws(Diagnostic) -> Value {
    try append(.add(Add()), [a, b], name: name)
  }

  /// Rows `start..<start + count`.
  mutating func rows(
    _ x: Value, from start: Int, count: Int, name: String
  ) throws(Diagnostic) -> Value {
    try append(.slice(Slice(start: start, count: count)), [x], name: name)
  }

  mutating func mean(_ x: Value, name: String) throws(Diagnostic) -> Value {
    try append(.meanRows(MeanRows()), [x], name: name)
  }

  mutating func concatenated(
    _ parts: [Value], _ name: String
  ) throws(Diagnostic) -> Value {
    parts.count == 1 ? parts[0] : try append(.concatenate(Concatenate()), parts, name: name)
  }

  /// A result of one row as a vector.
  mutating func flat(_ row: Value, _ name: String) throws(Diagnostic) -> Value {
    try append(.reshape(Reshape([type(row).count])), [row], name: name)
  }

  /// Learned tokens, stored `[1, count, dim]`, as `[count, dim]`.
  mutating func tokens(_ name: String, _ count: Int, _ dim: Int) throws(Diagnostic) -> Value {
    let stored = try weight(name, [1, count, dim])
    return try append(.reshape(Reshape([count, dim])), [stored], name: "\(name).rows")
  }

  /// A batch norm of each channel, by its stored statistics.
  mutating func batchNorm(
    _ name: String, _ x: Value, epsilon: Double
  ) throws(Diagnostic) -> Value {
    let channels = type(x).shape[1]
    var vectors: [Value] = []
    for vector in ["weight", "bias", "running_mean", "running_var"] {
      vectors.append(try weight("\(name).\(vector)", [channels]))
    }
    let scaleShift = try append(
      .batchScaleShift(BatchScaleShift(epsilon: Float(epsilon))), vectors,
      name: "\(name).scale_shift")
    return try append(.normalize(Normalize()), [x, scaleShift], name: name)
  }
}
