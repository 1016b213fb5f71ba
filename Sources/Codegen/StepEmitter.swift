internal import CVitABI
import Diagnostics
import IR

/// Emits the steps of a graph: for each operation a small function that finds the operands in
/// memory and calls the kernel that the operation is lowered to, which all equal ones share.
struct StepEmitter {
  let builder: Builder
  let graph: Graph
  /// The steps, in order.
  private(set) var functions: [Function] = []
  /// The largest scratch memory that a step asks for, in bytes.
  private(set) var scratchBytes = 0

  init(builder: Builder, graph: Graph) {
    self.builder = builder
    self.graph = graph
  }

  /// Emits the step of one value, if it has one: operations on weights alone are evaluated when
  /// the weights are written, and views do nothing.
  mutating func emit(_ value: IR.Value) throws(Diagnostic) {
    let node = graph[value].node
    guard CodeGenerator.hasStep(node) else { return }
    let call = try StepCall(node, in: graph, for: builder.target)
    scratchBytes = max(scratchBytes, call.scratchBytes)
    functions.append(step(call, named: "step_\(functions.count)_\(node.name)"))
  }

  /// The parameters of a `vit_step`.
  private enum Parameter: KernelParameter {
    case frame, task, count

    var type: ParameterType { self == .frame ? .address : .int32 }
  }

  /// Emits `(frame, task, count) -> void`.
  private func step(_ call: StepCall, named name: String) -> Function {
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
      b.call(kernel, operands + [b.signExtend(p[.task]), b.signExtend(p[.count])])
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
    guard let bytes = MemoryLayout<vit_frame>.offset(of: path) else {
      preconditionFailure("\(path) is not a stored field of vit_frame")
    }
    return pointer(frame, bytes)
  }

  private func pointer(_ base: Value, _ bytes: Int) -> Value {
    builder.load(
      builder.pointer, builder.offset(base, bytes: bytes),
      alignment: MemoryLayout<UnsafeRawPointer>.alignment)
  }
}
