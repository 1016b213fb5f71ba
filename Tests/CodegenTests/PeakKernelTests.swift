import Testing

@testable import Codegen

@Suite struct PeakKernelTests {
  /// Every accumulator `x = x / 2 + 1/2` from 1/2 is 1 - 2^-(rounds + 1), exact in a float.
  @Test(arguments: Target.runnableHere)
  func computesItsAccumulators(target: Target) throws {
    let kernel = try PeakKernel(target: target)
    #expect(kernel.run(rounds: 1) == 0.75)
    #expect(kernel.run(rounds: 10) == 1 - 0x1p-11)
    #expect(kernel.run(rounds: 1000) == 1)
    #expect(kernel.flopsPerRound % (2 * target.lanes) == 0)
  }
}
