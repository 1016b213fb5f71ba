import CVitABI
import Codegen
import Diagnostics
import IR
import Models
import Packaging
import Passes

/// A model for each size of images that a library is for.
struct SizedModels {
  /// The first size.
  let first: Model
  /// The others, in order.
  let further: [Model]
  /// Which sizes were chosen, where the model's preprocessing says them.
  let note: String?

  /// - Parameter model: for images of the first size of a list, else of the model's own.
  /// - Throws: a size that the model does not take; several where the answer is of one.
  init(_ model: Model, _ request: CompileRequest) throws(Diagnostic) {
    switch request.imageSizes {
    case .own:
      self.init(first: model, further: [], note: nil)
    case .listed(let sizes):
      self.init(
        first: model, further: try Self.models(model, Array(sizes.dropFirst())), note: nil)
    case .grids(let choice):
      let chosen = try model.choosing(choice)
      let models = try Self.models(chosen.model, chosen.sizes)
      self.init(
        first: models.first ?? chosen.model, further: Array(models.dropFirst()), note: chosen.note)
    }
    if request.emission == .ir, !further.isEmpty {
      throw Diagnostic(
        "--emit ir shows the graph of one size, found \(further.count + 1)",
        at: .argument("--image-size"))
    }
  }

  private init(first: Model, further: [Model], note: String?) {
    self.first = first
    self.further = further
    self.note = note
  }

  private static func models(
    _ model: Model, _ sizes: [ImageSize]
  ) throws(Diagnostic) -> [Model] {
    try sizes.map { (size) throws(Diagnostic) in
      try model.resized(height: size.height, width: size.width)
    }
  }

  /// What the library has of a size after the first: the passes run for it, and its outputs are
  /// those of the first.
  static func program(
    _ model: Model, outputs: [ModelOutput], passes: [Pass]
  ) throws(Diagnostic) -> ProgramSize {
    let (graph, report) = try PassManager(passes).run(try model.graph(outputs: outputs))
    let metadata = try ModelMetadata(model, report, graph, nil)
    return ProgramSize(
      graph: graph, arenaBytes: graph.arenaBytes, flops: graph.cost.flops,
      preprocessing: PreprocessingInfo(model.configuration),
      json: try metadata.ofFurtherSize.text())
  }
}
