import IR

extension ExtractPatches: Lowering {
  func lower(_ site: LoweringSite) -> StepCall {
    let shape = site.types[0].shape
    let kernel = PatchKernel(
      channels: shape[0], height: shape[1], width: shape[2], patch: patch,
      outputStride: site.output.stride)
    return StepCall(kernel, [.image: site.operand(0), .output: .matrix(site.output)])
  }
}
