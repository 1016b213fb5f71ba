import CVitABI

/// An image of a run of several sizes.
public struct VitSizedImage: Hashable, Sendable {
  /// [channels, height, width] of its size.
  public var pixels: [Float]
  /// Its size, a place in the model's `sizes`.
  public var size: Int

  /// Creates an image.
  public init(pixels: [Float], size: Int) {
    self.pixels = pixels
    self.size = size
  }
}

extension VitContext {
  /// Runs images of any sizes and returns the named outputs of each, in order.
  ///
  /// There is no padding. As many whole images are run at a time as the context has tasks, and what
  /// remains by teams of tasks; the bits are those of each image run by itself.
  ///
  /// - Parameter names: the outputs wanted; all by default.
  /// - Throws: `VitError` if an image has not the number of floats of its size, or the model is one
  ///   of tokens.
  public func runMixed(
    _ images: [VitSizedImage], outputs names: [String]? = nil
  ) throws(VitError) -> [[String: [Float]]] {
    try checkImages()
    try checkNames(names)
    guard !images.isEmpty else {
      throw VitError(.invalidArgument, "there are no images, expected one or more")
    }
    for (number, image) in images.enumerated() {
      try check(image.pixels.count, try model.sized(image.size).input, 1, "images[\(number)]")
    }
    guard model.sizes.count > 1 else {
      let pixels = images.flatMap(\.pixels)
      let found = try runAll(images: pixels, count: images.count, outputs: names)
      return images.indices.map { number in
        found.mapValues { values in
          let elements = values.count / images.count
          return Array(values[number * elements..<(number + 1) * elements])
        }
      }
    }
    let batch = MixedBatch(images, model, names)
    try model.check(
      model.entry.pointee.run_mixed(handle, batch.records, images.count))
    return batch.results()
  }
}

/// The memory of a mixed run: the images as C sees them, and the places of their outputs.
private final class MixedBatch {
  let records: UnsafeMutablePointer<vit_sized_image>
  private let images: [VitSizedImage]
  private let outputs: [[VitDescription.Tensor]]
  /// The places of each image's outputs; a null one is not wanted.
  private var places: [UnsafeMutablePointer<UnsafeMutableRawPointer?>] = []
  private var pixels: [UnsafeMutablePointer<Float>] = []

  init(_ images: [VitSizedImage], _ model: VitModel, _ names: [String]?) {
    self.images = images
    outputs = images.map { model.sizes[$0.size].outputs }
    records = .allocate(capacity: images.count)
    for (number, image) in images.enumerated() {
      let tensors = outputs[number]
      let table = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(
        capacity: max(1, tensors.count))
      for (index, tensor) in tensors.enumerated() {
        let isWanted = names?.contains(tensor.name) ?? true
        table.advanced(by: index).initialize(
          to: isWanted
            ? .allocate(byteCount: tensor.elements * tensor.elementBytes, alignment: 4) : nil)
      }
      let copy = UnsafeMutablePointer<Float>.allocate(capacity: max(1, image.pixels.count))
      image.pixels.withUnsafeBufferPointer { pixels in
        if let start = pixels.baseAddress { copy.initialize(from: start, count: pixels.count) }
      }
      places.append(table)
      pixels.append(copy)
      records.advanced(by: number).initialize(
        to: vit_sized_image(
          image: copy, outputs: table, size: Int32(truncatingIfNeeded: image.size), reserved: 0))
    }
  }

  deinit {
    for (number, table) in places.enumerated() {
      for index in outputs[number].indices { table[index]?.deallocate() }
      table.deallocate()
      pixels[number].deallocate()
    }
    records.deallocate()
  }

  /// The outputs of each image.
  func results() -> [[String: [Float]]] {
    outputs.enumerated().map { number, tensors in
      var found: [String: [Float]] = [:]
      for (index, tensor) in tensors.enumerated() {
        guard let place = places[number][index] else { continue }
        found[tensor.name] = VitContext.floats(place, tensor, 1)
      }
      return found
    }
  }
}
