import Diagnostics

/// Lays the weight of a linear layer out in the panels that the GEMM microkernel reads.
///
/// `y[p, k, j] = weight[p * width + j, k]`, zero where `p * width + j` is beyond the last output.
/// Operand: `weight: [out, in]`, or the kernels `[out, channels, height, width]` of a convolution,
/// which are packed as `[out, height * width * channels]`, channels fastest. Result:
/// `[ceil(out / width), in, width]`. Attribute: `width`, the number of output columns in a panel;
/// default 32, which is two AVX-512 vectors, four AVX2 vectors or eight NEON vectors, so that one
/// blob serves every instruction set.
///
/// Elements of bf16 lie in pairs along the depth, as instructions that multiply pairs want them:
/// `y[p, k, j, i] = weight[p * width + j, 2 * k + i]`, zero after an odd depth; the result is
/// `[ceil(out / width), ceil(in / 2), width, 2]`. Elements of s8 lie in groups of four likewise.
///
/// - C1: `weight` is f32 or bf16 of rank 2 or 4, or s8 of rank 2.
/// - C2: `width` is positive.
public struct Pack: OpDefinition {
  /// The number of output columns in one panel.
  public var width: Int

  /// The panel width that every kernel reads.
  public static let standardWidth = 32

  /// Creates a packing.
  public init(width: Int = Pack.standardWidth) { self.width = width }

  static let mnemonic = "pack"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    if width != Pack.standardWidth { list.set("width", .integer(width)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    width = try attributes.integer("width", default: Pack.standardWidth)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let (weight, element) = (operands[0].shape, operands[0].element)
    let isFloat = element == .f32 || element.isNarrowFloat
    let isAllowed = weight.count == 2 || isFloat && weight.count == 4
    try require(
      "C1", isAllowed,
      "weight: expected \(ElementType.floatNames) of rank 2 or 4, or integers of rank 2, found "
        + "\(operands[0])")
    try require("C2", width > 0, "width: expected at least 1, found \(width)")
    let (panels, depth) = ((weight[0] - 1) / width + 1, weight[1...].reduce(1, *))
    guard element != .f32 else { return .f32(panels, depth, width) }
    let group = element.perGroup
    return TensorType(element, [panels, (depth + group - 1) / group, width, group])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let weight = operands[0].shape.count == 4 ? Pack.channelsLast(operands[0]) : operands[0]
    let (out, depth) = (weight.rows, weight.columns)
    let panels = (out + width - 1) / width
    let group = operands[0].element.perGroup
    let groups = (depth + group - 1) / group
    var result = DenseTensor<S>(
      shape: group == 1 ? [panels, depth, width] : [panels, groups, width, group])
    let width = width
    result.values.withUnsafeMutableBufferPointer { packed in
      weight.values.withUnsafeBufferPointer { source in
        for p in 0..<panels {
          let base = p * groups * group * width
          // In pieces that stay in the L1 cache, since the writes are `width` apart.
          for first in stride(from: 0, to: depth, by: 64) {
            for j in 0..<min(width, out - p * width) {
              let row = (p * width + j) * depth
              let last = min(first + 64, depth)
              // `group` divides 64: whole groups, and what the depth leaves of one.
              let whole = last / group * group
              var (from, to) = (row + first, base + (first / group * width + j) * group)
              let step = width * group
              switch group {
              case 4:
                for _ in stride(from: first, to: whole, by: 4) {
                  for i in 0..<4 { packed[to &+ i] = source[from &+ i] }
                  (from, to) = (from &+ 4, to &+ step)
                }
              case 2:
                for _ in stride(from: first, to: whole, by: 2) {
                  for i in 0..<2 { packed[to &+ i] = source[from &+ i] }
                  (from, to) = (from &+ 2, to &+ step)
                }
              default:
                for _ in first..<whole {
                  packed[to] = source[from]
                  (from, to) = (from &+ 1, to &+ step)
                }
              }
              for k in whole..<last { packed[to &+ (k - whole)] = source[row &+ k] }
            }
          }
        }
      }
    }
    return result
  }

  /// Returns the `[out, in]` weight that `packed` was made from, `in` being `depth`, or
  /// what the panels say.
  static func unpack<S: TensorScalar>(_ packed: DenseTensor<S>, columns: Int, depth: Int? = nil)
    -> DenseTensor<S>
  {
    let (groups, width) = (packed.shape[1], packed.shape[2])
    let group = packed.shape.count > 3 ? packed.shape[3] : 1
    let depth = depth ?? groups * group
    var result = DenseTensor<S>(shape: [columns, depth])
    for n in 0..<columns {
      let base = n / width * groups * width + n % width
      for k in 0..<depth {
        result.values[n * depth + k] =
          packed.values[(base + k / group * width) * group + k % group]
      }
    }
    return result
  }

  /// Returns kernels `[out, channels, height, width]` as rows, channels fastest.
  static func channelsLast<S: TensorScalar>(_ weight: DenseTensor<S>) -> DenseTensor<S> {
    let (out, channels) = (weight.shape[0], weight.shape[1])
    let window = weight.shape[2] * weight.shape[3]
    guard window > 1 else { return DenseTensor<S>(shape: [out, channels], values: weight.values) }
    return DenseTensor<S>(shape: [out, window * channels]) { rows in
      weight.values.withUnsafeBufferPointer { source in
        for o in 0..<out {
          let first = o * window * channels
          for c in 0..<channels {
            for w in 0..<window {
              rows[first + w * channels + c] = source[first + c * window + w]
            }
          }
        }
      }
    }
  }
}
