import IR

/// An operation that makes each row of its result from the same row of its operands.
///
/// Tasks share the rows.
struct RowKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, y, z, output, task, count
  }

  /// What is done with the elements `x` of the first operand and `y` of the second.
  enum Operation: Hashable {
    case copy
    case fill(ExactFloat)
    case scale(ExactFloat)
    case activation(ActivationFunction)
    /// `x + y`
    case add
    /// `x * y`
    case multiply
    /// `x * y[row % extent]`, `y` a vector.
    case multiplyByRow(extent: Int)
    /// `silu(x[d]) * x[columns + d]`
    case swiGLU
    case softmax
    /// Of the columns up to the diagonal of a square matrix; the others become zero.
    case causalSoftmax
    /// Subtract the row's mean.
    case center
    /// Zero mean, unit variance; then scale and shift by the second and third operand.
    case layerNorm(epsilon: Float, affine: Bool)
    /// Mean square 1; then scale by the second operand.
    case rmsNorm(epsilon: Float, weighted: Bool)

    /// Its word in the title of a kernel.
    fileprivate var title: String {
      switch self {
      case .copy: "copy"
      case .fill: "fill"
      case .scale: "scale"
      case .activation(let function): function.rawValue
      case .add: "add"
      case .multiply: "multiply"
      case .multiplyByRow: "multiply_rows"
      case .swiGLU: "swiglu"
      case .softmax: "softmax"
      case .causalSoftmax: "causal_softmax"
      case .center: "center"
      case .layerNorm: "layer_norm"
      case .rmsNorm: "rms_norm"
      }
    }
  }

  var operation: Operation
  /// The extents of the result.
  var rows: Int
  var columns: Int
  /// Elements from one row to the next; 0 where every row reads the same vector.
  var xStride: Int
  var yStride = 0
  var outputStride: Int

  var title: String { "\(operation.title)_\(rows)x\(columns)" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      func at(_ base: Value, _ stride: Int) -> Value {
        b.element(base, b.multiply(row, b.constant(stride)))
      }
      let lines = Lines(
        x: at(p[.x], xStride), y: at(p[.y], yStride), z: p[.z],
        output: at(p[.output], outputStride), index: row)
      emit(b, lines)
      return []
    }
  }

  /// The addresses of one row.
  private struct Lines {
    let x: Value
    let y: Value
    let z: Value
    let output: Value
    let index: Value
  }

  private func emit(_ b: Builder, _ lines: Lines) {
    let lanes = b.target.lanes
    func map(_ body: @escaping (_ load: (Value) -> Value) -> Value) {
      b.visitRow(columns: columns) { bytes, count in
        let result = body { b.loadFloats(b.offset($0, bytes), lanes, count: count) }
        b.storeFloats(result, b.offset(lines.output, bytes), count: count)
      }
    }
    switch operation {
    case .copy: map { load in load(lines.x) }
    case .fill(let value): map { _ in b.floats(value.value, lanes) }
    case .scale(let factor):
      map { load in b.multiplyFloat(load(lines.x), b.floats(factor.value, lanes)) }
    case .activation(let function): map { load in b.activate(function, load(lines.x)) }
    case .add: map { load in b.addFloat(load(lines.x), load(lines.y)) }
    case .multiply: map { load in b.multiplyFloat(load(lines.x), load(lines.y)) }
    case .multiplyByRow(let extent):
      let place = b.remainder(lines.index, b.constant(extent))
      let factor = b.splat(b.load(b.f32, b.element(lines.y, place)), lanes)
      map { load in b.multiplyFloat(load(lines.x), factor) }
    case .swiGLU:
      let second = b.offset(lines.x, bytes: columns * 4)
      map { load in b.multiplyFloat(b.activate(.silu, load(lines.x)), load(second)) }
    case .softmax:
      b.call(SoftmaxRow(columns: columns), [.x: lines.x, .y: lines.output])
    case .causalSoftmax:
      let place = b.remainder(lines.index, b.constant(columns))
      let mask = CausalMask(visible: b.add(place, b.constant(1)))
      map { load in load(lines.x) }
      mask.hide(b, lines.output, columns: columns, as: -.infinity)
      b.call(SoftmaxRow(columns: columns), [.x: lines.output, .y: lines.output])
      mask.hide(b, lines.output, columns: columns, as: 0)
    case .center:
      let mean = b.splat(self.mean(b, lines.x), lanes)
      map { load in b.subtractFloat(load(lines.x), mean) }
    case .layerNorm(let epsilon, let affine):
      let mean = b.splat(self.mean(b, lines.x), lanes)
      let factor = b.splat(deviation(b, lines.x, mean, epsilon), lanes)
      map { load in
        let normal = b.multiplyFloat(b.subtractFloat(load(lines.x), mean), factor)
        return affine ? b.multiplyAdd(normal, load(lines.y), load(lines.z)) : normal
      }
    case .rmsNorm(let epsilon, let weighted):
      let factor = b.splat(rootMeanSquare(b, lines.x, epsilon), lanes)
      map { load in
        let normal = b.multiplyFloat(load(lines.x), factor)
        return weighted ? b.multiplyFloat(normal, load(lines.y)) : normal
      }
    }
  }

  /// The mean of the row at `x`.
  private func mean(_ b: Builder, _ x: Value) -> Value {
    let lanes = b.target.lanes
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      b.addFloat(sum, b.loadFloats(b.offset(x, bytes), lanes, count: count))
    }
    return b.divideFloat(b.total(sums), b.float(Float(columns)))
  }

  /// `1 / sqrt(mean square + epsilon)`.
  private func rootMeanSquare(_ b: Builder, _ x: Value, _ epsilon: Float) -> Value {
    let lanes = b.target.lanes
    let sums = b.visitRow(columns: columns, sums: b.floats(0, lanes)) { bytes, count, sum in
      let elements = b.loadFloats(b.offset(x, bytes), lanes, count: count)
      return b.multiplyAdd(elements, elements, sum)
    }
    return RowNorm(columns: columns, epsilon: epsilon).finish(b, b.total(sums))
  }

  /// `1 / sqrt(variance + epsilon)`, the variance from the deviations themselves: the mean of the
  /// squares less the square of the mean would cancel.
  private func deviation(_ b: Builder, _ x: Value, _ mean: Value, _ epsilon: Float) -> Value {
    let lanes = b.target.lanes
    let zero = b.floats(0, lanes)
    let sums = b.visitRow(columns: columns, sums: zero) { bytes, count, sum in
      var distance = b.subtractFloat(
        b.loadFloats(b.offset(x, bytes), lanes, count: count), mean)
      if count < lanes { distance = b.select(b.mask(first: count, of: lanes), distance, zero) }
      return b.multiplyAdd(distance, distance, sum)
    }
    return RowNorm(columns: columns, epsilon: epsilon).finish(b, b.total(sums))
  }
}
