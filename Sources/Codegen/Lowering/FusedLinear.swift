import Diagnostics
import IR

extension FusedLinear: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) throws(Diagnostic) -> StepCall {
    guard columns != nil, site.hasPanels(along: 2) else { throw site.notPacked }
    let (a, c) = (site.operands[0], site.output)
    let residualStride = site.stride(.residual) ?? 0
    if algorithm == .strassen {
      let kernel = StrassenKernel(
        rows: c.rows, columns: c.columns, depth: a.columns, aStride: a.stride, cStride: c.stride,
        residualStride: residualStride, epsilon: prologue.epsilon, hasBias: epilogue.hasBias,
        activation: epilogue.activation, hasResidual: epilogue.hasResidual)
      return StepCall(
        kernel,
        [
          .a: .matrix(a), .panels: site.operand(.weight), .c: .matrix(c),
          .bias: site.operand(.bias), .residual: site.operand(.residual),
          .scratch: .scratch(bytes: kernel.scratchBytes(site.target)),
        ])
    }
    let operandType = site.types[1].element
    if operandType == .s8, let most = S8Format.mostDepth(on: site.target), a.columns > most {
      throw Diagnostic(
        "\(a.columns) products of 8-bit integers in a sum, '\(site.target.name)' has at most "
          + "\(most)",
        at: .node(site.node.name),
        hint: "compile for aarch64, or keep the operation with --keep \(site.node.name)=bf16")
    }
    let kernel = FusedLinearKernel(
      rows: c.rows, columns: c.columns, depth: a.columns, aStride: a.stride, cStride: c.stride,
      residualStride: residualStride, epsilon: prologue.epsilon, hasBias: epilogue.hasBias,
      activation: epilogue.activation, hasResidual: epilogue.hasResidual, operandType: operandType,
      left: site.types[0].element, result: epilogue.result, hadamardSize: prologue.hadamardSize,
      channelStride: operandType.format.sumsIntegers ? site.stride(.bias) ?? 0 : 0,
      summationBlock: summation.block ?? Tile.standardSummationBlock)
    return StepCall(
      kernel,
      [
        .a: .matrix(a), .panels: site.operand(.weight), .c: .matrix(c), .bias: site.operand(.bias),
        .residual: site.operand(.residual),
        .scratch: .scratch(bytes: kernel.scratchBytes(site.target)),
      ])
  }
}
