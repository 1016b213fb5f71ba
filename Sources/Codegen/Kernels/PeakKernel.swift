import Diagnostics

/// The most multiply-adds that this machine can do: `vitc bench` measures its peak with it.
///
/// A loop over independent accumulators `x = x * a + b` in vector registers; nothing is loaded or
/// stored in it. There are more of them than the latency of a multiply-add times its throughput
/// asks for (4 cycles and 2 a cycle on x86 cores of the last ten years, 4 and 4 on large Arm cores,
/// so 8 and 16), as far as registers allow.
public final class PeakKernel: Sendable {
  private typealias Body =
    @convention(c) (_ rounds: Int, _ vectors: UnsafeMutableRawPointer) -> Void

  private enum Parameter: KernelParameter {
    case rounds, vectors

    var type: ParameterType { self == .rounds ? .index : .address }
  }

  /// Floating-point operations of one round, 2 for each multiply-add.
  public let flopsPerRound: Int

  private let accumulators: Int
  private let vectorBytes: Int
  // Machine code; immutable and without state.
  private nonisolated(unsafe) let code: JIT
  private let body: Body

  /// Generates the kernel for `target`, which this machine must run.
  public init(target: Target) throws(Diagnostic) {
    // AVX-512 and NEON have 32 registers, the others 16; two hold a and b.
    let accumulators = target.vectorUnit == "avx512" || target.vectorUnit == "neon" ? 24 : 12
    let vectorBytes = 4 * target.lanes
    let name = "vit_peak_f32_\(target.vectorUnit)"
    let module = Module(name: name, target: target)
    let builder = module.builder
    _ = builder.define(name, Parameter.self, exported: true) { p in
      let type = builder.floats(target.lanes)
      func place(_ index: Int) -> Value {
        builder.offset(p[.vectors], bytes: index * vectorBytes)
      }
      let a = builder.load(type, place(0), alignment: vectorBytes)
      let b = builder.load(type, place(1), alignment: vectorBytes)
      let starts = (0..<accumulators).map {
        builder.load(type, place(2 + $0), alignment: vectorBytes)
      }
      let ends = builder.forLoop(
        from: builder.constant(0), to: p[.rounds], carrying: starts
      ) { _, values in
        values.map { builder.multiplyAdd($0, a, b) }
      }
      for (index, end) in ends.enumerated() {
        builder.store(end, place(2 + index), alignment: vectorBytes)
      }
    }
    self.accumulators = accumulators
    self.vectorBytes = vectorBytes
    flopsPerRound = 2 * target.lanes * accumulators
    code = try JIT(module)
    body = unsafeBitCast(try code.address(of: name), to: Body.self)
  }

  /// Does this many rounds on the calling thread, and returns a value that depends on them: 1 after
  /// many.
  @discardableResult
  public func run(rounds: Int) -> Float {
    let bytes = (2 + accumulators) * vectorBytes
    let vectors = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer { vectors.deallocate() }
    // x = x / 2 + 1/2 tends to 1: no overflow, no subnormal numbers.
    vectors.initializeMemory(as: Float.self, repeating: 0.5, count: bytes / 4)
    body(rounds, vectors)
    return vectors.load(fromByteOffset: bytes - 4, as: Float.self)
  }
}
