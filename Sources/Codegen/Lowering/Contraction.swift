import Diagnostics
import IR

extension Contraction: Lowering {
  var takesNarrowElements: Bool { true }

  func lower(_ site: LoweringSite) throws(Diagnostic) -> StepCall {
    guard columns != nil, site.hasPanels(along: 2) else { throw site.notPacked }
    let (a, c) = (site.operands[0], site.output)
    if usesStrassen {
      let kernel = StrassenKernel(
        rows: c.rows, columns: c.columns, depth: a.columns, aStride: a.stride, cStride: c.stride,
        residualStride: site.stride(residualIndex) ?? 0, epsilon: epsilon, hasBias: hasBias,
        activation: activation, hasResidual: hasResidual)
      return StepCall(
        kernel,
        [
          .a: .matrix(a), .panels: site.operand(1), .c: .matrix(c), .bias: site.operand(biasIndex),
          .residual: site.operand(residualIndex), .scratch: .scratch(bytes: kernel.scratchBytes),
        ])
    }
    let operandType = site.types[1].element
    let kernel = ContractionKernel(
      rows: c.rows, columns: c.columns, depth: a.columns, aStride: a.stride, cStride: c.stride,
      residualStride: site.stride(residualIndex) ?? 0, epsilon: epsilon, hasBias: hasBias,
      activation: activation, hasResidual: hasResidual, operandType: operandType,
      left: site.types[0].element, result: result, hadamardSize: points,
      channelStride: operandType.format.sumsIntegers ? site.stride(biasIndex) ?? 0 : 0)
    return StepCall(
      kernel,
      [
        .a: .matrix(a), .panels: site.operand(1), .c: .matrix(c), .bias: site.operand(biasIndex),
        .residual: site.operand(residualIndex), .scratch: .scratch(bytes: kernel.scratchBytes),
      ])
  }
}
