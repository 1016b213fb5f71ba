import IR

extension AttentionDistance: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let (weights, distances) = (site.operands[0], site.operands[1])
    let shape = site.types[0].shape
    let kernel = AttentionDistanceKernel(
      heads: shape[0], tokens: shape[1], start: start, stride: weights.stride,
      distanceStride: distances.stride)
    return StepCall(
      kernel,
      [.weights: site.operand(0), .distances: site.operand(1), .output: site.result(0)])
  }
}
