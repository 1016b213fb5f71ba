/// Where objects are kept that were generated before, so that LLVM need not make them again.
public protocol ObjectStore: Sendable {
  /// The object of a module; `nil` where it is not known. Called from several threads.
  func object(of module: ModuleKey) -> [UInt8]?
  /// Keeps the object of a module, if that can be. Called from several threads.
  func keep(_ object: [UInt8], of module: ModuleKey)
}

/// All that the object of one instruction set's module depends on, besides this program itself and
/// the libraries that it is linked to.
///
/// Code is a function of the kernels, each of which is a value whose stored properties are all that
/// its code depends on; of what their parameters are bound to; of the target; and of the code of
/// earlier targets, whose functions are not generated again (``CodeFamily``). So the key is a text
/// that says all of that, found by reflection as the symbols of kernels are, and needs no LLVM.
/// What is said about the model, its name and its weights, is in a module of its own.
public struct ModuleKey: Hashable, Sendable {
  /// The text: different for different modules.
  public let text: String

  /// - Parameters:
  ///   - steps: the module's own.
  ///   - isShared: whether other targets may take its functions.
  ///   - earlier: the steps of the targets whose functions it takes.
  init(_ steps: StepTexts, at position: Int, isShared: Bool, after earlier: [StepTexts]) {
    var lines = [
      "llvm \(LLVMVersion.current)", "target \(position) \(steps.target)", "shared \(isShared)",
    ]
    lines += steps.lines
    for other in earlier {
      lines.append("after \(other.target)")
      // Most are the same.
      precondition(other.lines.count == steps.lines.count, "every target has the same steps")
      lines += zip(other.lines, steps.lines).map { $0 == $1 ? "=" : $0 }
    }
    text = lines.joined(separator: "\n")
  }
}

/// What a module's code is made of, as text.
struct StepTexts: Sendable {
  let target: String
  /// A line for each step, and one before those of each size after the first.
  let lines: [String]

  /// - Parameter sizes: the steps of each size.
  init(_ sizes: [[Step]], for target: Target) {
    self.target = KernelSymbol.description(of: target)
    // Layers share kernels, and reflection is slow.
    var texts: [AnyHashable: String] = [:]
    var lines: [String] = []
    for (number, steps) in sizes.enumerated() {
      if number > 0 { lines.append("size \(number)") }
      for step in steps {
        let kernel = step.call.kernel
        let text = texts[kernel] ?? KernelSymbol.description(of: kernel.base)
        texts[kernel] = text
        lines.append(
          "step \"\(step.name)\" \(text) \(KernelSymbol.description(of: step.call.operands))")
      }
    }
    self.lines = lines
  }
}
