import CVitABI
import Codegen
import Diagnostics
import IR
import JSON

/// The fields of a compiled model's description as JSON, which is in its file for those who
/// read it without loading it: `vit_record` of vit_abi.h.
struct RecordedFacts: Encodable {
  /// A tensor of the interface, for one image.
  struct Tensor: Encodable {
    let name: String
    let dtype: String
    let shape: [Int]
  }

  let name: String
  let model: String
  let abiVersion: Int
  let compilerVersion: String
  /// Triple and instruction sets.
  let target: String
  /// The instruction sets, the baseline first.
  let isas: [String]
  let weightsHash: String
  let input: Tensor
  let outputs: [Tensor]
  /// What makes scores of the logits; absent where there are none.
  let scores: String?
  let parameters: Int
  let flops: Int
  let weightsBytes: Int
  let arenaBytes: Int
  /// Of a model for several sizes each of them, the first that of the fields above; else absent.
  let sizes: [Size]?

  /// One size of the images.
  struct Size: Encodable {
    let input: Tensor
    let outputs: [Tensor]
    let flops: Int
    let arenaBytes: Int

    enum CodingKeys: String, CodingKey {
      case input, outputs, flops
      case arenaBytes = "arena_bytes"
    }
  }

  enum CodingKeys: String, CodingKey {
    case name, model, target, isas, input, outputs, scores, parameters, flops, sizes
    case abiVersion = "abi_version"
    case compilerVersion = "compiler_version"
    case weightsHash = "weights_hash"
    case weightsBytes = "weights_bytes"
    case arenaBytes = "arena_bytes"
  }

  /// Collects what the emitted description says.
  init(_ program: ProgramInfo, _ graph: Graph, _ targets: [Target]) {
    name = program.name
    model = program.model
    abiVersion = Int(VIT_ABI_VERSION)
    compilerVersion = program.compilerVersion
    target = Target.summary(targets)
    isas = targets.map(\.name)
    weightsHash = program.weightsHash
    let first = Size(graph, flops: program.flops, arenaBytes: program.arenaBytes)
    input = first.input
    outputs = first.outputs
    sizes =
      program.furtherSizes.isEmpty
      ? nil
      : [first]
        + program.furtherSizes.map {
          Size($0.graph, flops: $0.flops, arenaBytes: $0.arenaBytes)
        }
    scores = program.scores
    parameters = program.parameters
    flops = program.flops
    weightsBytes = program.weightsBytes
    arenaBytes = program.arenaBytes
  }

  /// The JSON text, keys sorted, so that equal models give equal bytes.
  func text() throws(Diagnostic) -> String {
    do {
      return try JSONValue(encoding: self).text(.compact)
    } catch {
      throw Diagnostic("the model's description cannot be written as JSON", notes: ["\(error)"])
    }
  }
}

extension RecordedFacts.Size {
  init(_ graph: Graph, flops: Int, arenaBytes: Int) {
    input = RecordedFacts.Tensor(
      name: graph.inputName, dtype: graph.tokens == nil ? "f32" : "i32", shape: graph.imageShape)
    outputs = graph.outputs.map {
      RecordedFacts.Tensor(
        name: $0.name, dtype: graph[$0.value].type.element.rawValue,
        shape: graph.visibleShape(of: $0))
    }
    self.flops = flops
    self.arenaBytes = arenaBytes
  }
}
