import Diagnostics
import IR

/// Appends to a graph what the models of all families have in common: weights under the
/// checkpoint's names, and layers that read them.
struct ModelBuilder {
  private(set) var builder: GraphBuilder
  private let storedName: (String) -> String

  /// - Parameters:
  ///   - name: the model's; what is neither letter nor digit becomes `_`.
  ///   - storedName: the checkpoint's name of a canonical tensor, which is timm's.
  init(name: String, storedName: @escaping (String) -> String) {
    let letters = name.map { $0.isLetter || $0.isNumber ? $0 : "_" }
    builder = GraphBuilder(name: String(letters), form: .imported)
    self.storedName = storedName
  }

  /// The graph made so far, without what no output reads.
  func finished() throws(Diagnostic) -> Graph { try builder.graph.removingDeadNodes() }

  func type(_ value: Value) -> TensorType { builder.type(value) }

  mutating func addOutput(_ output: ModelOutput, _ value: Value) {
    builder.addOutput(output.rawValue, value)
  }

  mutating func append(
    _ op: Op, _ operands: [Value], name: String
  ) throws(Diagnostic) -> Value {
    try builder.append(op, operands, name: name)
  }

  /// The planar image that the model reads.
  mutating func image(of model: some ModelConfiguration) throws(Diagnostic) -> Value {
    try append(
      .input(Input(type: .f32(model.channels, model.imageHeight, model.imageWidth))), [],
      name: "image")
  }

  /// A tensor of the checkpoint, the same value each time that it is asked for.
  mutating func weight(_ name: String, _ shape: [Int]) throws(Diagnostic) -> Value {
    if let known = builder.graph.value(named: name) { return known }
    return try append(.weight(Weight(tensor: storedName(name), shape: shape)), [], name: name)
  }

  mutating func linear(
    _ name: String, _ x: Value, _ outputs: Int, bias: Bool = true
  ) throws(Diagnostic) -> Value {
    let inputs = type(x).shape[1]
    var operands = [x, try weight("\(name).weight", [outputs, inputs])]
    if bias { operands.append(try weight("\(name).bias", [outputs])) }
    return try append(.linear(Linear()), operands, name: name)
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
}
