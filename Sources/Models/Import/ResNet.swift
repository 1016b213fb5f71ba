import Diagnostics
import IR

/// Writes down a ResNet of Big Transfer as a graph in the `imported` form.
enum ResNet {
  static func graph(
    _ model: ResNetConfiguration, outputs: [ModelOutput],
    storedName: @escaping (String) -> String
  ) throws(Diagnostic) -> Graph {
    try model.check()
    try model.checkOutputs(outputs)
    var builder = ModelBuilder(name: model.name, storedName: storedName)
    let image = try builder.image(of: model)
    let pixels = try builder.trunk(model.trunk, image, prefix: "").value
    let mean = try builder.append(.meanRows(MeanRows()), [pixels], name: "pool.mean")
    for output in outputs {
      switch output {
      case .tokens: builder.addOutput(output, pixels)
      case .features: builder.addOutput(output, try builder.flat(mean, "features"))
      case .logits:
        let weight = try builder.weight("head.fc.weight", [model.classes, model.featureDim, 1, 1])
        let rows = try builder.append(
          .reshape(Reshape([model.classes, model.featureDim])), [weight],
          name: "head.fc.weight.rows")
        let bias = try builder.weight("head.fc.bias", [model.classes])
        let row = try builder.append(.linear(Linear()), [mean, rows, bias], name: "head.fc")
        builder.addOutput(output, try builder.flat(row, "logits"))
      }
    }
    return try builder.finished()
  }
}
