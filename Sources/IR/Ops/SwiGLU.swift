import Diagnostics

/// Multiplies the second half of each row by the SiLU of the first.
///
/// `y[t, d] = silu(x[t, d]) * x[t, hidden + d]`. Operand: `x: [tokens, 2 * hidden]`, the gate
/// first, as timm's `GluMlp(gate_last=False)` and Hugging Face's DINOv2 pack it.
/// Result: `[tokens, hidden]`.
///
/// - C1: `x` has rank 2 and an even number of columns.
///
/// Reference: Shazeer 2020, arXiv:2002.05202.
public struct SwiGLU: OpDefinition {
  /// Creates the op.
  public init() {}

  static let mnemonic = "swiglu"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .oneSided,
      carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    let x = operands[0].shape
    try require("C1", x[1] % 2 == 0, "x: \(operands[0]) has no two halves")
    return .f32(x[0], x[1] / 2)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (rows, hidden) = (operands[0].rows, operands[0].columns / 2)
    var result = DenseTensor<S>(shape: [rows, hidden])
    for t in 0..<rows {
      for d in 0..<hidden {
        let gate = Double(operands[0].values[t * 2 * hidden + d])
        let x = Double(operands[0].values[t * 2 * hidden + hidden + d])
        result.values[t * hidden + d] = S(ActivationFunction.silu(gate) * x)
      }
    }
    return result
  }
}
