import ArgumentParser
import Codegen
import Diagnostics
import JSON
import Packaging
import VitRuntime

/// `vitc inspect`: what a compiled model says about itself.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the description of a compiled model.",
    discussion: """
      The file is neither loaded nor run: it may be a library for any processor, an archive or an \
      object.
      """)

  @Argument(help: "The compiled model: a library, an archive or an object.")
  var library: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let report = try InspectReport(library)
    if json { return try JSONValue.print(report.json) }
    print(report.text, terminator: "")
  }
}

/// What `vitc inspect` prints; the names in JSON are the ABI's.
struct InspectReport {
  /// The fields of the description.
  private let facts: JSONValue
  /// Everything else: preprocessing, labels, passes.
  private let details: JSONValue
  /// The instruction set that runs here; `nil`: none does.
  private let isa: String?

  /// Reads what a file says.
  ///
  /// Errors: it cannot be read, is truncated, or was not compiled by this version of vitc.
  init(_ path: String) throws(Diagnostic) {
    let record = try ModelRecord(path)
    // Of a library the headers tell whether it is whole.
    if record.isInLibrary, let fault = LibraryFile.fault(path, isLoaded: false) {
      throw Diagnostic(fault, at: .file(path))
    }
    guard let facts = try? JSONValue(parsing: record.facts),
      let details = try? JSONValue(parsing: record.details)
    else { throw Diagnostic("the record of the model is damaged", at: .file(path)) }
    self.facts = facts
    self.details = details
    let names = facts["isas"]?.array?.compactMap(\.string) ?? []
    let targets = names.compactMap { try? Target.named($0) }
    isa = Target.runnableHere(of: targets).last?.name
  }

  /// One object: the facts, `isa`, and the rest under `details`.
  var json: JSONValue {
    guard case .object(var members) = facts else { return facts }
    members["isa"] = isa.map { .string($0) } ?? .null
    members["details"] = details
    return .object(members)
  }

  /// The report for people: a fact a line.
  var text: String {
    var table = TextTable([.left, .left])
    table.add(["name", string("name")])
    table.add(["model", string("model")])
    table.add(["target", string("target")])
    table.add(["runs here", isa ?? "none of these"])
    table.add(["compiler", "\(string("compiler_version")), ABI \(integer("abi_version"))"])
    table.add([
      "weights", "\(Format.bytes(integer("weights_bytes"))), hash \(string("weights_hash"))",
    ])
    let sizes = facts["sizes"]?.array ?? []
    if let input = facts["input"] { table.add(["input", Self.text(of: input)]) }
    for output in facts["outputs"]?.array ?? [] { table.add(["output", Self.text(of: output)]) }
    for (number, size) in sizes.enumerated() {
      let outputs = size["outputs"]?.array?.map(Self.text) ?? []
      table.add([
        "size \(number)",
        "\(Self.extents(size)): " + outputs.joined(separator: ", ") + "; "
          + "\(Format.fixed(Double(Self.integer(size["flops"])) / 1e9, 3)) GFLOP, arena "
          + Format.bytes(Self.integer(size["arena_bytes"])),
      ])
    }
    table.add(["parameters", Format.grouped(integer("parameters"))])
    let work = Format.fixed(Double(integer("flops")) / 1e9, 3)
    let one = facts["input"]?["name"]?.string == "ids" ? "a text" : "an image"
    table.add(["work", "\(work) GFLOP \(one)"])
    table.add(["arena", "\(Format.bytes(integer("arena_bytes"))) a task"])
    if let threads = details["profitableThreads"] {
      table.add(["threads", "more than \(Self.integer(threads)) do not pay for one input"])
    }
    if case .object(let members) = details {
      let own: Set = ["profitableThreads", "provenance"]
      for (key, value) in members.sorted(by: { $0.key < $1.key }) where !own.contains(key) {
        table.add([key, Self.brief(value)])
      }
      if let provenance = members["provenance"] {
        for row in ProvenanceText(provenance).rows { table.add(row) }
      }
    }
    return table.text()
  }

  private func string(_ key: String) -> String { facts[key]?.string ?? "" }

  private func integer(_ key: String) -> Int { Self.integer(facts[key]) }

  private static func integer(_ value: JSONValue?) -> Int {
    if case .integer(let value)? = value { value } else { 0 }
  }

  /// Height and width of the images of a size, `HxW`.
  private static func extents(_ size: JSONValue) -> String {
    (size["input"]?["shape"]?.array ?? []).dropFirst().map(\.brief).joined(separator: "x")
  }

  /// A tensor as a line: `logits f32 [1000]`.
  private static func text(of tensor: JSONValue) -> String {
    let shape = tensor["shape"]?.array?.map(\.brief).joined(separator: ", ") ?? ""
    return "\(tensor["name"]?.string ?? "") \(tensor["dtype"]?.string ?? "") [\(shape)]"
  }

  /// A long list is only counted: a thousand labels say nothing, and of a table, such as that of
  /// the steps, not even a few rows are for reading.
  private static func brief(_ value: JSONValue) -> String {
    guard let items = value.array else { return value.brief }
    let isTable = items.contains { if case .object = $0 { true } else { false } }
    guard items.count > (isTable ? 3 : 24) else { return value.brief }
    let first = items.prefix(3).map { $0["name"]?.string ?? $0.brief }.joined(separator: ", ")
    return "\(items.count): \(first), …"
  }
}
