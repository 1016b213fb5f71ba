import CVitABI
import Codegen
import Packaging
import VitRuntime

/// The run that gives a library its self-test values, which `NAME_selftest` compares with.
///
/// They come from AVX2's code where the library has it and this machine runs it, which takes half
/// the baseline's time, or else from the baseline's. Where the artifact is another architecture's,
/// or no library, code is compiled for this machine. All machines with AVX2 compute the same bits,
/// so the artifact depends on the machine only where AVX2 is missing. Where the code does not run,
/// the values are left out, and the compiler says so.
struct SelfTestRun {
  private let isWanted: Bool
  /// What tokens are less than, and which one must be there; `nil`: an image is run.
  private let tokens: TokenLimits?
  /// The instruction set that runs.
  let target: Target
  /// `true` iff the artifact itself can be run.
  private let ownRuns: Bool
  /// `true` iff the artifact itself is to be run.
  var runsArtifact: Bool { isWanted && ownRuns }
  private var failure: String?
  /// `true` iff something was asked to run.
  private(set) var ran = false

  /// Describes the run for an artifact of `targets`.
  init(isWanted: Bool, kind: Artifact.Kind, targets: [Target], tokens: TokenLimits?) {
    self.isWanted = isWanted
    self.tokens = tokens
    let own = targets.filter { Architecture(triple: $0.triple) == .host }
    ownRuns = kind == .library && !own.isEmpty
    let candidates = own.isEmpty ? Target.portable : own
    target = Target.runnableHere(of: candidates).first { $0 == .x86v3 } ?? candidates[0]
  }

  /// `true` iff other code than the artifact's is to be run.
  var needsRehearsal: Bool { isWanted && !ownRuns }

  /// Runs the self-test's image of each size; `nil` where that does not work.
  mutating func values(of library: String, weights: String?) -> [SelfTestValues]? {
    ran = true
    do {
      // On one thread where the system has no more: the bits are the same.
      var model = try model(library, weights, threads: 0)
      let context: VitContext
      do {
        context = try model.makeContext()
      } catch {
        guard error.status == .noThreads else { throw error }
        model = try self.model(library, weights, threads: 1)
        context = try model.makeContext()
      }
      var all: [[Float]] = []
      for (number, size) in model.sizes.enumerated() {
        let outputs = try run(context, elements: size.input.elements, size: number)
        all += size.outputs.map { outputs[$0.name] ?? [] }
      }
      guard all.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
        failure = "the model's outputs are not finite"
        return nil
      }
      return all.map { SelfTestValues(of: $0) }
    } catch let error as VitError where error.status == .unsupportedCPU {
      failure = "this machine does not run \(target.name)"
      return nil
    } catch {
      failure = "\(error)"
      return nil
    }
  }

  /// Runs the image, or the text.
  private func run(
    _ context: VitContext, elements: Int, size: Int
  ) throws -> [String: [Float]] {
    guard let tokens, let limit = Int32(exactly: tokens.limit) else {
      return try context.runAll(
        images: (0..<elements).map { vit_selftest_pixel(UInt64($0)) }, size: size)
    }
    let required = tokens.required.flatMap { Int32(exactly: $0) } ?? -1
    return try context.runAll(
      ids: (0..<elements).map {
        vit_selftest_token(UInt64($0), UInt64(elements), limit, required)
      })
  }

  private func model(_ library: String, _ weights: String?, threads: Int) throws -> VitModel {
    try VitModel(
      path: library,
      options: VitOptions(threads: threads, weightsPath: weights, isa: target.name))
  }

  /// Why there are none; `nil` if there are.
  var reason: String? { isWanted ? failure : "not wanted" }
}
