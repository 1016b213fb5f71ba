internal import CVitABI
import Diagnostics
import IR

/// An operation that something is executed for.
struct Step {
  /// The node's name.
  let name: String
  let call: StepCall

  /// Lowers one operation.
  init(_ node: Node, in graph: Graph, for target: Target) throws(Diagnostic) {
    name = node.name
    call = try StepCall(node, in: graph, for: target)
  }

  /// Lowers the operations of a planned graph that have a step, in order: operations on weights
  /// alone are evaluated when the weights are written, and views do nothing.
  static func all(_ graph: Graph, for target: Target) throws(Diagnostic) -> [Step] {
    var steps: [Step] = []
    for node in CodeGenerator.steps(of: graph) {
      steps.append(try Step(node, in: graph, for: target))
    }
    return steps
  }
}

/// Emits steps: for each a small function that finds the operands in memory and calls the kernel
/// that the operation is lowered to, which all equal ones share.
struct StepEmitter {
  let builder: Builder
  /// What the names of steps begin with.
  let prefix: String
  /// The steps, in order.
  private(set) var functions: [Function] = []
  /// The largest scratch memory that a step asks for, in bytes.
  private(set) var scratchBytes = 0

  init(builder: Builder, prefix: String = "step") {
    self.builder = builder
    self.prefix = prefix
  }

  /// Emits the next step.
  mutating func emit(_ step: Step) {
    scratchBytes = max(scratchBytes, step.call.scratchBytes)
    functions.append(function(step.call, named: "\(prefix)_\(functions.count)_\(step.name)"))
  }

  /// The parameters of a `vit_step`.
  private enum Parameter: KernelParameter {
    case frame, task, count

    var type: ParameterType { self == .frame ? .address : .int32 }
  }

  /// Emits `(frame, task, count) -> void`.
  private func function(_ call: StepCall, named name: String) -> Function {
    let b = builder
    let kernel = call.function(b)
    return b.define(name, Parameter.self) { p in
      let operands = call.operands.map { operand in
        switch operand {
        case .none: b.null
        case .scratch: field(\.scratch, of: p[.frame])
        case .matrix(let matrix):
          b.offset(
            base(of: matrix.placement.space, p[.frame]), bytes: matrix.placement.offsetBytes)
        }
      }
      let (task, count) = (b.signExtend(p[.task]), b.signExtend(p[.count]))
      let spare = b.load(b.i64, b.offset(p[.frame], bytes: offset(of: \.spare)), alignment: 8)
      guard call.hasPieces else {
        // Nobody helps with these.
        return b.ifThen(b.equal(spare, b.constant(0))) { b.call(kernel, operands + [task, count]) }
      }
      let counters = field(\.pieces, of: p[.frame])
      let own = b.offset(counters, b.multiply(task, b.constant(Int(VIT_PIECES_BYTES))))
      let isAlone = b.equal(counters, b.null)
      b.call(
        kernel, operands + [task, count, b.select(isAlone, b.null, own), spare])
    }
  }

  /// The address at which a space begins.
  private func base(of space: Placement.Space, _ frame: Value) -> Value {
    switch space {
    case .weights: field(\.weights, of: frame)
    case .arena: field(\.arena, of: frame)
    case .image: field(\.image, of: frame)
    case .output(let index):
      pointer(field(\.outputs, of: frame), index * MemoryLayout<UnsafeRawPointer>.stride)
    }
  }

  /// Loads a field of `vit_frame`, whose layout is the same on every target: all are LP64.
  private func field(_ path: PartialKeyPath<vit_frame>, of frame: Value) -> Value {
    pointer(frame, offset(of: path))
  }

  private func offset(of path: PartialKeyPath<vit_frame>) -> Int {
    guard let bytes = MemoryLayout<vit_frame>.offset(of: path) else {
      preconditionFailure("\(path) is not a stored field of vit_frame")
    }
    return bytes
  }

  private func pointer(_ base: Value, _ bytes: Int) -> Value {
    builder.load(
      builder.pointer, builder.offset(base, bytes: bytes),
      alignment: MemoryLayout<UnsafeRawPointer>.alignment)
  }
}
