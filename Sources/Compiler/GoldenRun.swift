import CVitABI
import Codegen
import Packaging
import VitRuntime

/// The run that gives a library its golden values, which `NAME_selftest` compares with.
///
/// They come from the plainest of its instruction sets, or, where this machine runs none of them or
/// the product is no library, from the plainest of this machine's, compiled for that: every machine
/// that compiles the model computes the same bits, so the product does not depend on the machine.
struct GoldenRun {
  private let isWanted: Bool
  /// The instruction set that runs.
  let target: Target
  /// `true` iff the product itself is run.
  let runsProduct: Bool
  private var failure: String?
  /// `true` iff something was asked to run.
  private(set) var ran = false

  /// Describes the run for a product of `targets`.
  init(isWanted: Bool, kind: Product.Kind, targets: [Target]) {
    self.isWanted = isWanted
    // In the plainest set of the product, if that is one of this machine's architecture.
    let own = targets.first { Architecture(triple: $0.triple) == .host }
    runsProduct = kind == .library && own != nil
    target = own ?? Target.portable[0]
  }

  /// `true` iff other code than the product's is to be run.
  var needsRehearsal: Bool { isWanted && !runsProduct }

  /// Runs the golden image; `nil` where that is not wanted or does not work.
  mutating func values(of library: String, weights: String?) -> [Golden]? {
    guard isWanted else {
      failure = "not wanted"
      return nil
    }
    ran = true
    do {
      let model = try VitModel(
        path: library, options: VitOptions(weightsPath: weights, isa: target.name))
      let image = (0..<model.description.input.elements).map { vit_golden_pixel(UInt64($0)) }
      let outputs = try model.makeContext().runAll(images: image)
      let all = model.description.outputs.map { outputs[$0.name] ?? [] }
      guard all.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
        failure = "the model's outputs are not finite"
        return nil
      }
      return all.map { Golden(of: $0) }
    } catch {
      failure = "\(error)"
      return nil
    }
  }

  /// Why there are none; `nil` if there are.
  var reason: String? { isWanted ? failure : "not wanted" }
}
