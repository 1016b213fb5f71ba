import Diagnostics

extension VisionTransformer {
  /// An extent must be a multiple of what one patch covers; where convolutions precede, whatever
  /// gives them whole patches.
  func problem(extent: Int, _ what: String) -> Diagnostic? {
    let covered = coveredByPatch
    let least = backbone.map { covered - $0.stride + 1 } ?? patch
    guard extent >= least, extent <= Self.imageLimit else {
      return Diagnostic(
        "image \(what) \(extent) is out of range; patch size is \(covered)",
        hint: "sizes from \(least) to \(Self.imageLimit) are possible")
    }
    let pixels = backbone?.outputExtent(extent) ?? extent
    guard pixels % patch == 0 else {
      return Diagnostic(
        "image \(what) \(extent) is not a multiple of the patch size \(covered)",
        hint:
          "\(extent / covered * covered) and \((extent / covered + 1) * covered) are the nearest")
    }
    if let problem = backbone?.problem(extent: extent) { return Diagnostic(problem) }
    return nil
  }

  /// Checks that the numbers fit together.
  func check() throws(Diagnostic) {
    try checkFacts()
    let positive: [(String, Int, Int)] = [
      ("patch size", patch, 1024), ("width", dim, 1 << 16),
      ("depth", depth, 1024), ("number of heads", heads, 1024),
      ("MLP width", mlpHidden, 1 << 20), ("position grid", positionGrid[0], Self.imageLimit),
      ("position grid", positionGrid[1], Self.imageLimit),
    ]
    for (what, value, limit) in positive where value < 1 || value > limit {
      throw fault("\(what) is \(value), expected 1 to \(limit)")
    }
    guard (1...1024).contains(classTokens) else {
      throw fault("number of class tokens is \(classTokens), expected 1 to 1024")
    }
    if let problem = contextPool?.problem { throw fault(problem) }
    guard projectionHidden >= 0, projectionHidden <= 1 << 17 else {
      throw fault("width before the projection is \(projectionHidden), expected 0 to \(1 << 17)")
    }
    guard !hasConvolutionalStem || dim % 4 == 0 && patch == 16 else {
      throw fault(
        "the convolutions of the stem cover 16 pixels and widths of four, not \(patch) "
          + "and \(dim)")
    }
    guard registerTokens >= 0, registerTokens <= 1024 else {
      throw fault("number of register tokens is \(registerTokens), expected 0 to 1024")
    }
    guard suffixTokens >= 0, suffixTokens <= 1 << 16 else {
      throw fault("number of tokens after the patches is \(suffixTokens), expected 0 to 65536")
    }
    if let token = summaryTokens.first(where: { !(0..<prefixTokens).contains($0) }) {
      throw fault("the summary has token \(token), expected 0 to \(prefixTokens - 1)")
    }
    guard pooling != .summary || (1...1024).contains(summaryTokens.count) else {
      throw fault("the summary is of \(summaryTokens.count) tokens, expected 1 to 1024")
    }
    guard preLogits >= 0, preLogits <= 1 << 16 else {
      throw fault("width before the head is \(preLogits), expected 0 to \(1 << 16)")
    }
    guard projection >= 0, projection <= 1 << 16 else {
      throw fault("width of the projection is \(projection), expected 0 to \(1 << 16)")
    }
    if let pooler, !(1...1 << 16).contains(pooler.width) {
      throw fault("width of the pooler is \(pooler.width), expected 1 to \(1 << 16)")
    }
    guard preLogits == 0 || pooling != .distilled else {
      throw fault("two heads do not go with a layer before the head")
    }
    guard rotary.map({ dim / heads % ($0.angles == .learned ? 2 : 4) == 0 }) ?? true else {
      throw fault("heads of \(dim / heads), which positions do not turn by pairs on two axes")
    }
    guard rotary.map({ $0.base > 0 && $0.base.isFinite }) ?? true else {
      throw fault("the base of the positions' angles is \(rotary?.base ?? 0), expected above 0")
    }
    guard relativeBias == nil || blockForm == .sequential && !isDifferential else {
      throw fault("relative positions do not go with blocks of this form")
    }
    guard relativeBias == nil || prefixTokens == 1 else {
      throw fault("relative positions of \(prefixTokens) prefix tokens, expected one")
    }
    guard dim % heads == 0 else { throw fault("width \(dim) does not divide into \(heads) heads") }
    if let problem = backbone?.problem { throw fault(problem) }
    guard grid[0] > 0, grid[1] > 0 else {
      throw fault(
        "image \(imageHeight)x\(imageWidth) is smaller than a patch of \(coveredByPatch)")
    }
    guard layerNormEpsilon >= 0, layerNormEpsilon < 1 else {
      throw fault("layer norm epsilon is \(layerNormEpsilon), expected 0 to 1")
    }
    if let keyHeads {
      guard keyHeads.count == depth else {
        throw fault("\(keyHeads.count) numbers of heads of keys for \(depth) blocks")
      }
      if let count = keyHeads.first(where: { $0 < 1 || heads % $0 != 0 }) {
        throw fault("\(heads) heads of queries do not divide among \(count) of keys")
      }
    }
    guard !isDifferential || dim / heads % 2 == 0 else {
      throw fault("heads of \(dim / heads), which do not divide into two")
    }
    guard poolHeads.map({ $0 > 0 && dim % $0 == 0 }) ?? true else {
      throw fault("width \(dim) does not divide into the \(poolHeads ?? 0) heads of the pooling")
    }
    guard !hasWavePositions || dim % 4 == 0 else {
      throw fault("width \(dim), which sines and cosines of two axes do not divide")
    }
    guard feedForward == .mlp || pooling != .attention || !poolProjectsQuery else {
      throw fault("a gated MLP does not go with pooling by attention")
    }
    guard hasClassToken || ![.token, .tokenAndAverage, .distilled].contains(pooling) else {
      throw fault("pooling is '\(pooling.rawValue)', but there is no class token")
    }
    guard hasDistillationToken || pooling != .distilled else {
      throw fault("pooling is 'distilled', but there is no distillation token")
    }
    guard positionPrefix >= 0, positionPrefix <= prefixTokens else {
      throw fault("positions for \(positionPrefix) of \(prefixTokens) prefix tokens")
    }
  }
}
