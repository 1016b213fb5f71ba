import Testing

@testable import Codegen

/// A kernel that runs here.
struct NativeKernel<K: StepKernel> {
  /// What each parameter but `task` and `count` is bound to.
  typealias Operands = [K.Parameter: UnsafeMutablePointer<Float>?]

  private let function: NativeFunction

  /// Emits a module with the kernel, after what `others` writes.
  init(_ kernel: K, on target: Target, behind others: (Builder) -> Void = { _ in }) throws {
    function = try NativeFunction(target: target) { b in
      others(b)
      b.export(kernel, as: "run")
    }
  }

  /// Calls every task of `count`, last first: the order must not matter.
  func all(_ operands: Operands, count: Int) {
    function.all(
      K.Parameter.allCases.filter { $0.type == .address }.map { parameter in
        guard let operand = operands[parameter] else {
          preconditionFailure("\(parameter) is not bound")
        }
        return operand
      }, count: count)
  }
}

extension Builder {
  /// Exports a kernel as `name(p0, …, p7, task, count)`, which hands it as many addresses as it
  /// takes.
  func export<K: StepKernel>(_ kernel: K, as name: String) {
    let addresses = K.Parameter.allCases.count { $0.type == .address }
    let function = function(of: kernel)
    _ = define(name, Array(repeating: pointer, count: 8) + [i64, i64], exported: true) {
      call(function, Array($0[..<addresses]) + Array($0[8...]))
    }
  }
}
