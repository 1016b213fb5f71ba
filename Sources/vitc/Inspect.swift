import ArgumentParser
import IR
import JSON
import VitRuntime

/// `vitc inspect`: what a compiled model says about itself.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the description of a compiled model.")

  /// What is printed as JSON; the names are the ABI's.
  struct Report: Encodable {
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
    let target: String
    /// The instruction sets, the baseline first.
    let isas: [String]
    /// The one that runs here.
    let isa: String
    let weightsHash: String
    let input: Tensor
    let outputs: [Tensor]
    /// What makes scores of the logits; absent where there are none.
    let scores: String?
    let parameters: Int
    let flops: Int
    let weightsBytes: Int
    let arenaBytes: Int
    /// Everything else: preprocessing, labels, passes.
    let details: JSONValue

    enum CodingKeys: String, CodingKey {
      case name, model, target, isas, isa, input, outputs, scores, parameters, flops, details
      case abiVersion = "abi_version"
      case compilerVersion = "compiler_version"
      case weightsHash = "weights_hash"
      case weightsBytes = "weights_bytes"
      case arenaBytes = "arena_bytes"
    }
  }

  @Argument(help: "The compiled model.")
  var library: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let report = Report(try CompiledModel(library))
    if json { return try JSONValue.print(report) }
    print(report.text, terminator: "")
  }
}

extension Inspect.Report {
  /// Collects what the library says.
  init(_ compiled: CompiledModel) {
    let description = compiled.description
    self.init(
      name: description.name, model: description.model, abiVersion: description.abiVersion,
      compilerVersion: description.compilerVersion, target: description.target,
      isas: description.isas, isa: compiled.model.isa, weightsHash: description.weightsHash,
      input: Tensor(of: description.input),
      outputs: description.outputs.map(Tensor.init(of:)),
      scores: description.scores?.rawValue, parameters: description.parameters,
      flops: description.flops, weightsBytes: description.weightsBytes,
      arenaBytes: description.arenaBytes, details: compiled.extras)
  }

  /// The report for people: a fact a line.
  var text: String {
    var table = TextTable([.left, .left])
    table.add(["name", name])
    table.add(["model", model])
    table.add(["target", target])
    table.add(["runs here", isa])
    table.add(["compiler", "\(compilerVersion), ABI \(abiVersion)"])
    table.add(["weights", "\(Format.bytes(weightsBytes)), hash \(weightsHash)"])
    table.add(["input", input.text])
    for output in outputs { table.add(["output", output.text]) }
    table.add(["parameters", Format.grouped(parameters)])
    table.add(["work", "\(Format.fixed(Double(flops) / 1e9, 3)) GFLOP an image"])
    table.add(["arena", "\(Format.bytes(arenaBytes)) a task"])
    if case .object(let members) = details {
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        table.add([key, Self.brief(value)])
      }
    }
    return table.text()
  }

  /// A long list is only counted: a thousand labels say nothing.
  private static func brief(_ value: JSONValue) -> String {
    guard let items = value.array, items.count > 24 else { return value.brief }
    let first = items.prefix(3).map(\.brief).joined(separator: ", ")
    return "\(items.count): \(first), …"
  }
}

extension Inspect.Report.Tensor {
  /// Copies what the library says.
  init(of tensor: VitDescription.Tensor) {
    self.init(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape)
  }

  /// As a line: `logits f32 [1000]`.
  var text: String { "\(name) \(dtype) \(Format.shape(shape))" }
}
