import CVitABI

/// The memory and the threads of one run at a time; not for use from two threads at once.
public final class VitContext {
  /// The model that it runs.
  public let model: VitModel
  let handle: OpaquePointer

  init(_ model: VitModel) throws(VitError) {
    var made: OpaquePointer?
    try model.check(model.entry.pointee.context_create(model.handle, &made))
    guard let made else { throw VitError(.outOfMemory, "the model made no context") }
    self.model = model
    handle = made
  }

  deinit { model.entry.pointee.context_destroy(handle) }

  /// Runs images and returns the first output, [count, its shape], widened to floats.
  ///
  /// - Parameters:
  ///   - images: [count, channels, height, width].
  ///   - size: the size of the images, a place in the model's `sizes`.
  public func run(
    images: [Float], count: Int = 1, size: Int = 0
  ) throws(VitError) -> [Float] {
    let described = try model.sized(size)
    guard let first = described.outputs.first else {
      throw VitError(.notAModel, "the model has no output")
    }
    if model.description.input.holdsTokens {
      return try run(ids: try tokens(images), count: count)
    }
    try check(images.count, described.input, count, "images")
    if first.elementBytes != MemoryLayout<Float>.size {
      return try runAll(
        images: images, count: count, outputs: [first.name], size: size)[first.name] ?? []
    }
    // The initializer does not know which errors its closure throws.
    var failure: VitError?
    let output = [Float](unsafeUninitializedCapacity: count * first.elements) { output, done in
      do throws(VitError) {
        try images.withUnsafeBufferPointer { (images) throws(VitError) in
          try run(images: images, count: count, size: size, into: output)
        }
        done = count * first.elements
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return output
  }

  /// Runs images and writes the first output, [count, its shape]; allocates nothing.
  ///
  /// - Parameter size: the size of the images, a place in the model's `sizes`.
  public func run(
    images: UnsafeBufferPointer<Float>, count: Int, size: Int = 0,
    into output: UnsafeMutableBufferPointer<Float>
  ) throws(VitError) {
    let described = try model.sized(size)
    guard let first = described.outputs.first else {
      throw VitError(.notAModel, "the model has no output")
    }
    try checkImages()
    try check(images.count, described.input, count, "images")
    guard first.elementBytes == MemoryLayout<Float>.size else {
      throw VitError(
        .invalidArgument,
        "output '\(first.name)' is of \(first.dtype), expected f32; run(images:count:intoBytes:) "
          + "writes it as it is")
    }
    try check(output.count, first, count, "output")
    try model.check(
      model.entry.run(handle, size, images.baseAddress, count, output.baseAddress))
  }

  /// Runs images and writes the first output, [count, its shape], of its element type; allocates
  /// nothing.
  public func run(
    images: UnsafeBufferPointer<Float>, count: Int, size: Int = 0,
    intoBytes output: UnsafeMutableRawBufferPointer
  ) throws(VitError) {
    let described = try model.sized(size)
    guard let first = described.outputs.first else {
      throw VitError(.notAModel, "the model has no output")
    }
    try check(images.count, described.input, count, "images")
    let (wanted, overflow) = (count * first.elementBytes)
      .multipliedReportingOverflow(by: first.elements)
    guard !overflow, output.count == wanted else {
      throw VitError(
        .invalidArgument,
        "output has \(output.count) bytes, expected \(count) x \(first.shape) of "
          + "\(first.dtype) = \(wanted)")
    }
    try model.check(
      model.entry.run(handle, size, images.baseAddress, count, output.baseAddress))
  }

  /// Runs images and returns the named outputs, each [count, its shape], widened to floats.
  ///
  /// - Parameters:
  ///   - names: the outputs wanted; all by default.
  ///   - size: the size of the images, a place in the model's `sizes`.
  public func runAll(
    images: [Float], count: Int = 1, outputs names: [String]? = nil, size: Int = 0
  ) throws(VitError) -> [String: [Float]] {
    if model.description.input.holdsTokens {
      return try runAll(ids: try tokens(images), count: count, outputs: names)
    }
    return try images.withUnsafeBufferPointer { (images) throws(VitError) in
      try runAll(input: images, count: count, outputs: names, size: size)
    }
  }

  /// Runs what the model reads, 4 bytes an element, and returns the named outputs.
  func runAll(
    input: UnsafeBufferPointer<Float>, count: Int, outputs names: [String]?, size: Int = 0
  ) throws(VitError) -> [String: [Float]] {
    let described = try model.sized(size)
    let all = described.outputs
    try checkNames(names)
    try check(input.count, described.input, count, described.input.name)
    let wanted = all.map { names?.contains($0.name) ?? true }
    let places = zip(all, wanted).map { tensor, isWanted in
      isWanted
        ? UnsafeMutableRawPointer.allocate(
          byteCount: count * tensor.elements * tensor.elementBytes, alignment: 4) : nil
    }
    defer { for place in places { place?.deallocate() } }
    try model.check(model.entry.runAll(handle, size, input.baseAddress, count, places))
    var result: [String: [Float]] = [:]
    for (tensor, place) in zip(all, places) {
      guard let place else { continue }
      result[tensor.name] = Self.floats(place, tensor, count)
    }
    return result
  }

  /// Throws for a name that no output has; all sizes have the same.
  func checkNames(_ names: [String]?) throws(VitError) {
    let all = model.description.outputs
    guard let unknown = names?.first(where: { name in !all.contains { $0.name == name } }) else {
      return
    }
    throw VitError(
      .invalidArgument,
      "the model has no output '\(unknown)', but "
        + all.map { "'\($0.name)'" }.joined(separator: ", "))
  }

  /// The elements at a place as floats.
  static func floats(
    _ place: UnsafeMutableRawPointer, _ tensor: VitDescription.Tensor, _ count: Int
  ) -> [Float] {
    let elements = count * tensor.elements
    guard tensor.elementBytes == 2 else {
      return Array(
        UnsafeBufferPointer(start: place.assumingMemoryBound(to: Float.self), count: elements))
    }
    return (0..<elements).map {
      vit_half_value(place.load(fromByteOffset: 2 * $0, as: UInt16.self))
    }
  }

  /// Throws unless the model reads images.
  func checkImages() throws(VitError) {
    guard !model.description.input.holdsTokens else {
      throw VitError(.invalidArgument, "the model reads tokens, not images: run(ids:)")
    }
  }

  /// Throws unless `found` elements are `count` of `tensor`.
  func check(
    _ found: Int, _ tensor: VitDescription.Tensor, _ count: Int, _ what: String
  ) throws(VitError) {
    guard count > 0 else {
      throw VitError(.invalidArgument, "count is \(count), expected 1 or more")
    }
    let (wanted, overflow) = count.multipliedReportingOverflow(by: tensor.elements)
    guard !overflow, found == wanted else {
      throw VitError(
        .invalidArgument,
        "\(what) has \(found) \(tensor.holdsTokens ? "tokens" : "floats"), expected "
          + "\(count) x \(tensor.shape) = \(wanted)")
    }
  }
}
