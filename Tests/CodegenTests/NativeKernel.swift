import Synchronization
import Testing

@testable import Codegen

/// A kernel that runs here.
struct NativeKernel<K: StepKernel> {
  /// What each parameter but `task` and `count` is bound to.
  typealias Operands = [K.Parameter: UnsafeMutablePointer<Float>?]

  private let function: NativeFunction

  /// Takes the kernel's code, which is compiled where no test had just compiled it.
  init(_ kernel: K, on target: Target) throws {
    let key = CompiledKernels.Key(kernel: kernel, target: target)
    function = try CompiledKernels.function(key) {
      try NativeFunction(target: target) { $0.export(kernel, as: "run") }
    }
  }

  /// Emits a module with the kernel, after what `others` writes.
  init(_ kernel: K, on target: Target, behind others: (Builder) -> Void) throws {
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

/// The code of kernels that ran lately: tests run a kernel over other numbers, tasks and parts of
/// its rows, and LLVM takes longer than all of that.
private enum CompiledKernels {
  struct Key: Hashable, @unchecked Sendable {
    let kernel: AnyHashable
    let target: Target
  }

  /// The most that are kept: each is a loaded library.
  private static let most = 256

  private static let functions = Mutex<[Key: NativeFunction]>([:])

  static func function(
    _ key: Key, compile: () throws -> NativeFunction
  ) throws -> NativeFunction {
    if let known = functions.withLock({ $0[key] }) { return known }
    let function = try compile()
    functions.withLock {
      if $0.count >= most { $0.removeAll() }
      $0[key] = function
    }
    return function
  }
}

extension Builder {
  /// Exports a kernel as `name(p0, …, p7, task, count)`, which hands it as many addresses as it
  /// takes; each task does all of its share.
  func export<K: StepKernel>(_ kernel: K, as name: String) {
    let addresses = K.Parameter.allCases.count { $0.type == .address }
    let function = function(of: kernel)
    _ = define(name, Array(repeating: pointer, count: 8) + [i64, i64], exported: true) {
      let alone = K.Parameter.self is any PieceParameter.Type ? [null, constant(0)] : []
      call(function, Array($0[..<addresses]) + Array($0[8...]) + alone)
    }
  }
}
