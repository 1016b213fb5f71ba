import CVitABI

/// Runs of a text tower, whose input is the tokens of texts.
extension VitContext {
  /// Runs texts and returns the first output, [count, its shape].
  ///
  /// - Parameter ids: [count, length]: the tokens of each text, as many as the model was compiled
  ///   for.
  /// - Throws: `VitError` for a model of images, another number of tokens, a token that is not in
  ///   the vocabulary, a text without end-of-text.
  public func run(ids: [Int32], count: Int = 1) throws(VitError) -> [Float] {
    guard let first = model.description.outputs.first else {
      throw VitError(.notAModel, "the model has no output")
    }
    return try runAll(ids: ids, count: count, outputs: [first.name])[first.name] ?? []
  }

  /// Runs texts and returns the named outputs, each [count, its shape].
  ///
  /// - Parameter names: the outputs wanted; all by default.
  public func runAll(
    ids: [Int32], count: Int = 1, outputs names: [String]? = nil
  ) throws(VitError) -> [String: [Float]] {
    guard model.description.input.holdsTokens else {
      throw VitError(.invalidArgument, "the model reads images, not tokens: run(images:)")
    }
    // Both have 4 bytes.
    return try ids.withUnsafeBufferPointer { (ids) throws(VitError) in
      try ids.withMemoryRebound(to: Float.self) { (input) throws(VitError) in
        try runAll(input: input, count: count, outputs: names)
      }
    }
  }

  /// Tokens that are held as floats, as an array's elements are, as the model reads them.
  ///
  /// - Throws: `VitError` for what is no integer of 32 bits.
  func tokens(_ values: [Float]) throws(VitError) -> [Int32] {
    var tokens: [Int32] = []
    tokens.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard let token = Int32(exactly: value) else {
        throw VitError(.invalidArgument, "ids[\(index)] is \(value), expected an integer")
      }
      tokens.append(token)
    }
    return tokens
  }
}

extension VitDescription.Tensor {
  /// `true` iff it holds the tokens of a text.
  public var holdsTokens: Bool { dtype == "i32" }
}
