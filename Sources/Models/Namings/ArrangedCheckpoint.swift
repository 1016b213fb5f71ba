import Diagnostics
import IR

/// A checkpoint whose tensors are arranged otherwise than the model's: each is cut out and
/// transposed when it is read, one at a time.
struct ArrangedCheckpoint: Checkpoint {
  private let base: any Checkpoint
  /// By `graphName`: the place and the shape that the model wants.
  private let places: [String: (place: StoredTensor, shape: [Int])]

  let names: [String]
  var path: String { base.path }

  init(_ base: any Checkpoint, places: [(place: StoredTensor, shape: [Int])]) {
    self.base = base
    self.places = Dictionary(
      places.map { ($0.place.graphName, $0) }, uniquingKeysWith: { first, _ in first })
    names = self.places.keys.sorted()
  }

  func type(of name: String) -> StoredType? {
    guard let (place, shape) = places[name] else { return nil }
    return base.type(of: place.name).map { StoredType($0.element, shape) }
  }

  func read(_ name: String) throws(Diagnostic) -> Tensor {
    guard let (place, shape) = places[name] else { throw missing(name) }
    var tensor: Tensor
    if let layer = place.layer {
      tensor = try base.read(place.name, part: layer)
    } else {
      tensor = try base.read(place.name)
    }
    if let part = place.part {
      let count = shape.reduce(1, *)
      tensor.values = Array(tensor.values[part * count..<(part + 1) * count])
    }
    switch place.arrangement {
    case .same: break
    case .transposed(let positions, let inputs, let outputs):
      tensor.values = Self.transposed(tensor.values, positions, inputs, outputs)
    }
    return Tensor(shape: shape, values: tensor.values)
  }

  /// `[positions, inputs, outputs]` as `[outputs, inputs, positions]`.
  ///
  /// In squares, so that neither side's cache lines and pages are left before they are used up.
  private static func transposed(
    _ values: [Float], _ positions: Int, _ inputs: Int, _ outputs: Int
  ) -> [Float] {
    let side = 32
    let rows = positions * inputs
    return [Float](unsafeUninitializedCapacity: values.count) { target, initialized in
      values.withUnsafeBufferPointer { source in
        for firstRow in stride(from: 0, to: rows, by: side) {
          for firstOutput in stride(from: 0, to: outputs, by: side) {
            for output in firstOutput..<min(firstOutput + side, outputs) {
              for row in firstRow..<min(firstRow + side, rows) {
                let (position, input) = (row / inputs, row % inputs)
                target[(output * inputs + input) * positions + position] =
                  source[row * outputs + output]
              }
            }
          }
        }
      }
      initialized = values.count
    }
  }
}
