import Diagnostics
import Evaluation
import Foundation
import IR
import Models
import Npy

/// The trained classifier of `examples/digits` and the images of its test split.
struct Digits {
  /// The root of the checkout.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  let model: Model
  private let pixels: NpyArray

  init() throws {
    model = try Model.load(Self.root.appendingPathComponent("examples/digits/model").path)
    pixels = try NpyArray(
      path: Self.root.appendingPathComponent("examples/digits/test-images.npy").path)
  }

  /// How many images there are.
  var count: Int { pixels.shape[0] }

  /// An image as the model's input, normalized in double precision.
  func image(_ index: Int) -> [Double] {
    let area = pixels.shape[1] * pixels.shape[2]
    let grey = pixels.values[index * area..<(index + 1) * area].map {
      (Double($0) / 255 - 0.5) / 0.5
    }
    return grey + grey + grey
  }

  /// The same as a tensor.
  func tensor(_ index: Int) -> DenseTensor<Double> {
    DenseTensor(shape: [3] + pixels.shape[1...], values: image(index))
  }

  /// Computes values of the graph for an image.
  func visit(
    _ graph: Graph, _ wanted: [Value], image: Int,
    _ body: (Value, DenseTensor<Double>) throws(Diagnostic) -> Void
  ) throws {
    let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in try model.checkpoint.read(name)
    }
    try evaluator.visit(Set(wanted), ["image": tensor(image)], body)
  }
}

/// Whether numbers agree to 1e-9.
func agree(_ a: some Collection<Double>, _ b: some Collection<Double>) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-9 }
}
