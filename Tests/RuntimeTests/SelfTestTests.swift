import CVitABI
import Packaging
import SeededRandom
import Testing

@testable import VitRuntime

/// The self-test of the fixture, whose outputs are known.
@Suite struct SelfTestTests {
  static let outputs = Fixture.expected(
    (0..<Fixture.inputs).map { vit_selftest_pixel(UInt64($0)) })

  private func model(_ logits: SelfTestValues, _ tokens: SelfTestValues, in folder: Folder) throws
    -> VitModel
  {
    try VitModel(path: Fixture.build(selfTestValues: [logits, tokens], in: folder)[0])
  }

  @Test func passes() throws {
    let folder = try Folder()
    let logits = SelfTestValues(of: Self.outputs.logits)
    let test = try model(logits, SelfTestValues(of: Self.outputs.tokens), in: folder).selftest()
    #expect(test.passed && test.error < 1e-7 && test.limit == Double(Float(1e-4)))
  }

  @Test func oneValueOfTheLastOutput() throws {
    let folder = try Folder()
    var tokens = SelfTestValues(of: Self.outputs.tokens)
    #expect(tokens.values.count == 60)
    tokens.values[59] += 0.01 * tokens.rms
    let test = try model(SelfTestValues(of: Self.outputs.logits), tokens, in: folder).selftest()
    #expect(!test.passed && test.error > 1e-4 && test.error < 0.0101)
  }

  @Test func theRootMeanSquare() throws {
    let folder = try Folder()
    var logits = SelfTestValues(of: Self.outputs.logits)
    logits.rms *= 2
    let test = try model(logits, SelfTestValues(of: Self.outputs.tokens), in: folder).selftest()
    #expect(abs(test.error - 0.5) < 1e-6)
  }

  @Test func noNumber() throws {
    let folder = try Folder()
    var logits = SelfTestValues(of: Self.outputs.logits)
    logits.values[0] = .nan
    let test = try model(logits, SelfTestValues(of: Self.outputs.tokens), in: folder).selftest()
    #expect(test.error == .infinity)
  }

  @Test(arguments: [[], ["NO_PROOF"]]) func noGoldenValues(defines: [String]) throws {
    let folder = try Folder()
    let model = try VitModel(path: Fixture.build(defines: defines, in: folder)[0])
    let error = #expect(throws: VitError.self) { _ = try model.selftest() }
    #expect(error?.status == .noSelfTestValues)
    #expect(
      error?.message
        == "there are no self-test values: vitc left them out, and said why when it compiled "
        + "the model"
    )
  }

  /// -2...2, exact in f32, about uniform.
  @Test func theGoldenImage() {
    let pixels = (0..<10_000).map { vit_selftest_pixel($0) }
    let steps = pixels.map { $0 * 4_194_304 }
    #expect(pixels.allSatisfy { $0 >= -2 && $0 < 2 } && steps.allSatisfy { $0 == $0.rounded() })
    #expect(abs(pixels.reduce(0, +) / 10_000) < 0.05)
    // The reference implementation from the state 0 begins with 0xe220a8397b1dcdaf.
    #expect(pixels[0] == Float(0xe220a8) / 4_194_304 - 2)
    var random = SplitMix64(seed: 0)
    #expect(pixels == pixels.map { _ in 2 * SplitMix64.signed(random.next()) })
  }
}
