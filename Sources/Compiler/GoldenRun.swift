import CVitABI
import Packaging
import VitRuntime

/// The run that gives a library its golden values, which `NAME_selftest` compares with.
///
/// They come from the plainest of its instruction sets: every machine that compiles the model and
/// runs that set computes the same bits, so the library does not depend on the machine.
struct GoldenRun {
  private let isWanted: Bool
  private let architecture: Architecture
  private let isa: String
  private var failure: String?
  /// `true` iff the library was asked to run.
  private(set) var ran = false

  /// Describes a run of `isa` for `architecture`.
  init(isWanted: Bool, architecture: Architecture, isa: String) {
    self.isWanted = isWanted
    self.architecture = architecture
    self.isa = isa
  }

  /// `true` iff the library is to be run and may run here.
  var isPossible: Bool { isWanted && architecture == .host }

  /// Runs the golden image; `nil` where that is not wanted or does not work.
  mutating func values(of library: String, weights: String?) -> [Golden]? {
    guard isWanted else {
      failure = "not wanted"
      return nil
    }
    guard architecture == .host else {
      failure = "this machine does not run \(architecture.rawValue)"
      return nil
    }
    ran = true
    do {
      let model = try VitModel(
        path: library, options: VitOptions(weightsPath: weights, isa: isa))
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
  func reason(_ kind: Product.Kind) -> String? {
    kind == .library ? failure : "an archive or an object cannot be run while it is made"
  }
}
