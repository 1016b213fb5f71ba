import IR

extension PickRow: Lowering {
  // Of i32: the tokens.
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) -> StepCall {
    let x = site.operands[0]
    return StepCall(
      PickRowKernel(rows: x.rows, columns: x.columns, token: token, xStride: x.stride),
      [.x: site.operand(0), .ids: site.operand(1), .output: site.result(0)])
  }
}
