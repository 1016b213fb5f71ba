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
/// its code depends on; of what their parameters are bound to; and of the target. So the key is a
/// text that says all of that, found by reflection as the symbols of kernels are, and needs no
/// LLVM. What is said about the model, its name and its weights, is in a module of its own.
public struct ModuleKey: Hashable, Sendable {
  /// The text: different for different modules.
  public let text: String

  /// - Parameter sizes: the steps of each size.
  init(_ target: Target, at position: Int, of sizes: [[Step]]) {
    // Layers share kernels, and reflection is slow.
    var texts: [AnyHashable: String] = [:]
    var lines = [
      "llvm \(LLVMVersion.current)", "target \(position) \(KernelSymbol.description(of: target))",
    ]
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
    text = lines.joined(separator: "\n")
  }
}
