internal import CLLVM
internal import CVitABI
import Diagnostics
import IR

extension Graph {
  /// The shape of one image's result: a matrix of one row is a vector to the caller, unless it is
  /// a list of tokens, or one of heads, blocks or places.
  public func visibleShape(of output: Output) -> [Int] {
    let shape = self[output.value].type.shape
    let isList = ["tokens", "layer", "attention", "rollout", "distance"].contains {
      output.name.hasPrefix($0)
    }
    return shape.count == 2 && shape[0] == 1 && !isList ? [shape[1]] : shape
  }
}

extension Graph {
  /// What its input is called by users: of a text tower `ids`.
  public var inputName: String { tokens == nil ? "images" : "ids" }

  /// What tokens it reads; `nil`: its input is an image.
  public var tokens: TokenLimits? {
    for node in nodes {
      if case .input(let input) = node.op, let limit = input.limit {
        return TokenLimits(limit: limit, required: input.required)
      }
    }
    return nil
  }
}

/// Which tokens a text tower reads.
public struct TokenLimits: Hashable, Sendable {
  /// What they are less than.
  public var limit: Int
  /// The one that must be there; `nil`: none.
  public var required: Int?
}

/// Emits what surrounds the steps: the constants of `vit_abi.h` and the exported functions, each
/// of which hands its arguments to the embedded runtime.
struct ProgramEmitter {
  /// What the exported functions are compiled for: they run before the CPU has been checked.
  private let b: Builder
  /// The sizes, the first one first.
  private let parts: [Part]
  private let program: ProgramInfo
  /// The instruction sets of the library.
  private let targets: [Target]

  /// What is emitted of one size.
  struct Part {
    let size: ProgramSize
    /// The `vit_isa` of each target.
    var isas: [Value]
    /// The number of steps.
    let steps: Int
    /// Threads beyond which an image gets no faster.
    let profitableThreads: Int

    var graph: Graph { size.graph }
  }

  init(builder: Builder, parts: [Part], program: ProgramInfo, targets: [Target]) {
    b = builder.baseline
    self.parts = parts
    self.program = program
    self.targets = targets
  }

  /// Emits everything.
  ///
  /// - Throws: a graph that has not exactly one input.
  func emit() throws(Diagnostic) {
    var descriptions: [Value] = []
    for (number, part) in parts.enumerated() {
      let json = number == 0 ? record() : b.text(part.size.json)
      descriptions.append(try description(part, json: json))
    }
    let errorText = emitErrorText()
    let weights =
      program.weightsFileName == nil
      ? b.declareData(CodeGenerator.weightsSymbol) : b.null
    let shared = Shared(weights: weights, errorText: errorText, proof: proof())
    // The first program lists the others, so they come before it.
    var records: [Value] = []
    for number in parts.indices.dropFirst() {
      records.append(record(number, descriptions[number], shared, further: []))
    }
    let record = record(0, descriptions[0], shared, further: records)
    exportFunctions(record: record, descriptions: descriptions, errorText: errorText)
  }

  /// What the programs of all sizes have in common.
  private struct Shared {
    let weights: Value
    let errorText: Function
    let proof: Value
  }

  /// `const vit_program *` of a size.
  private func record(
    _ number: Int, _ description: Value, _ shared: Shared, further: [Value]
  ) -> Value {
    let part = parts[number]
    let tokens = part.graph.tokens
    let before = parts[..<number].reduce(0) { $0 + $1.graph.outputs.count }
    let table = b.global("isas", b.constantArray(part.isas, of: b.pointer))
    return b.global(
      "program",
      b.constantStruct([
        .size, .value(description),
        // The first program finds them for all: its place for their address is the only one.
        .value(number == 0 ? shared.weights : b.null),
        .value(program.weightsFileName.map { b.text($0) } ?? b.null),
        .wide(program.weightsBytes),
        .value(
          b.constantArray(
            [
              b.constant(Int(bitPattern: UInt(program.weightsHashLow))),
              b.constant(Int(bitPattern: UInt(program.weightsHashHigh))),
            ], of: b.i64)),
        .wide(part.size.arenaBytes), .narrow(part.steps), .narrow(part.isas.count), .value(table),
        .value(preprocessing(part.size.preprocessing)),
        .value(b.asPointer(shared.errorText.value)), .value(shared.proof),
        .narrow(tokens?.limit ?? 0), .narrow(tokens?.required ?? -1),
        .value(program.tokenizer.isEmpty ? b.null : b.data("tokenizer", program.tokenizer)),
        .narrow(before), .narrow(further.count),
        .value(
          further.isEmpty
            ? b.null : b.global("further", b.constantArray(further, of: b.pointer))),
        .narrow(part.profitableThreads), .narrow(0),
      ]))
  }

  /// `const vit_description *` of a size, with the address of its details.
  private func description(_ part: Part, json: Value) throws(Diagnostic) -> Value {
    let graph = part.graph
    let inputs = graph.nodes.filter { if case .input = $0.op { true } else { false } }
    guard inputs.count == 1, let input = inputs.first else {
      throw Diagnostic("a compiled model has one input, found \(inputs.count)")
    }
    let outputs = graph.outputs.map { output in
      tensor(
        name: output.name, dtype: graph[output.value].type.element,
        shape: graph.visibleShape(of: output))
    }
    return b.global(
      "description",
      b.constantStruct([
        .size, .narrow(Int(VIT_ABI_VERSION)), .narrow(outputs.count),
        .value(b.text(program.name)), .value(b.text(program.model)),
        .value(b.text(program.compilerVersion)), .value(b.text(Target.summary(targets))),
        .value(b.text(program.weightsHash)),
        .value(
          tensor(
            name: graph.inputName, dtype: input.type.element, shape: input.type.shape)),
        .value(b.global("outputs", b.constantArray(outputs, of: tensorType))),
        .wide(program.parameters), .wide(part.size.flops), .wide(program.weightsBytes),
        .wide(part.size.arenaBytes), .value(json),
        .value(b.text(Target.names(targets))),
        .value(program.scores.map { b.text($0) } ?? b.null),
      ]))
  }

  /// Emits the `vit_record`; returns the address of the details in it.
  private func record() -> Value {
    let marks = [VIT_RECORD_MARK_LOW, VIT_RECORD_MARK_HIGH].map {
      b.constant(Int(bitPattern: UInt($0)))
    }
    let facts = program.facts.utf8.count
    let record = b.global(
      "record",
      b.constantStruct([
        .value(b.constantArray(marks, of: b.i64)), .wide(facts), .wide(program.json.utf8.count),
        .value(b.characters(program.facts)), .value(b.characters(program.json)),
      ]))
    return b.constantAddress(record, plus: MemoryLayout<vit_record>.size + facts + 1)
  }

  private var tensorType: ValueType { b.type(of: tensor(name: "", dtype: .f32, shape: [])) }

  /// `vit_tensor`.
  private func tensor(name: String, dtype: ElementType, shape: [Int]) -> Value {
    let extents = shape.prefix(4) + Array(repeating: 0, count: max(0, 4 - shape.count))
    return b.constantStruct([
      .value(b.text(name)), .value(b.text(dtype.rawValue)), .narrow(shape.count), .narrow(0),
      .value(b.constantArray(extents.map { b.constant($0) }, of: b.i64)),
      .wide(shape.reduce(1, *)),
    ])
  }

  /// `const vit_preprocessing *`.
  private func preprocessing(_ info: PreprocessingInfo) -> Value {
    func channels(_ values: [Float]) -> Builder.Member {
      .value(
        b.constantArray(
          (0..<3).map { b.float($0 < values.count ? values[$0] : 0) }, of: b.f32))
    }
    return b.global(
      "preprocessing",
      b.constantStruct([
        .value(info.refusal.map { b.text($0) } ?? b.null), .narrow(info.resize),
        .narrow(info.resizeWidth), .narrow(info.resizeHeight), .narrow(info.longestEdge),
        .narrow(info.filter), .narrow(info.arithmetic), .narrow(info.window),
        .narrow(info.cropRounding), .narrow(info.isBGR ? 1 : 0), channels(info.scale),
        channels(info.shift), channels(info.border), .narrow(info.isAlphaOnWhite ? 1 : 0),
        .narrow(info.multiple),
      ]))
  }

  /// `char *error_text(void)`: a buffer of each thread's own.
  private func emitErrorText() -> Function {
    let buffer = b.threadLocalBytes("error_buffer", count: Int(VIT_ERROR_BYTES))
    return b.define("error_text", [], returning: b.pointer) { _ in b.returnValue(buffer) }
  }

  /// `const vit_proof *`, and the self-test values, or room for those that are written when the
  /// library is finished.
  private func proof() -> Value {
    let nameBytes = MemoryLayout.size(ofValue: vit_proof().weights_file_name)
    let name = Array((program.weightsFileName ?? "").utf8.prefix(nameBytes - 1))
    let padded = name + Array(repeating: 0, count: nameBytes - name.count)
    // Characters as whole words, little-endian as every target is.
    let words = stride(from: 0, to: nameBytes, by: 8).map { start in
      padded[start..<(start + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    func wide(_ values: [UInt64]) -> Value {
      b.constantArray(values.map { b.constant(Int(bitPattern: UInt($0))) }, of: b.i64)
    }
    let outputs = parts.reduce(0) { $0 + $1.graph.outputs.count }
    let count = MemoryLayout<vit_selftest_values>.size / MemoryLayout<Float>.size * outputs
    let isKnown = !program.selfTestValues.isEmpty
    let values =
      isKnown ? program.selfTestValues.flatMap(\.self) : Array(repeating: 0, count: count)
    precondition(values.count == count, "\(values.count) self-test values, expected \(count)")
    return b.global(
      "proof",
      b.constantStruct([
        .value(wide([VIT_PROOF_MARK_LOW, VIT_PROOF_MARK_HIGH])), .wide(program.weightsBytes),
        .value(wide([program.weightsHashLow, program.weightsHashHigh])), .value(wide(words)),
        .narrow(outputs), .narrow(isKnown ? 1 : 0),
        .value(b.float(program.selfTestLimit)), .narrow(0),
        .value(b.constantArray(values.map(b.float), of: b.f32)),
      ]))
  }

  private func exportFunctions(
    record: Value, descriptions: [Value], errorText: Function
  ) {
    let p = b.pointer
    let readsTokens = parts[0].graph.tokens != nil
    let hasSizes = parts.count > 1
    let leave = b.declare("vit_rt_leave", [p], returning: b.void)
    /// Exports `NAME_name(parameters)`, which calls `vit_rt_name`, the program first if wanted.
    /// What may be left by an exception ends its run on the way: the context comes first.
    /// `symbol` is another name than the runtime's; `nil`: the table alone leads to it.
    func forward(
      _ name: String, _ parameters: [ValueType], as symbol: String?, withProgram: Bool = true,
      returning result: ValueType? = nil, mayBeLeft: Bool = false
    ) -> Value {
      let runtime = b.declare(
        "vit_rt_\(name)", (withProgram ? [p] : []) + parameters, returning: result ?? b.void)
      let function = b.define(
        symbol.map { "\(program.name)_\($0)" } ?? "table_\(name)", parameters, returning: result,
        exported: symbol != nil
      ) { arguments in
        let all = (withProgram ? [record] : []) + arguments
        let value =
          mayBeLeft
          ? b.callUnwound(runtime, all) { b.call(leave, [arguments[0]]) } : b.call(runtime, all)
        if result != nil { b.returnValue(value) }
      }
      return b.asPointer(function.value)
    }
    func constant(_ name: String, _ body: () -> Value) -> Value {
      b.asPointer(
        b.define("\(program.name)_\(name)", [], returning: p, exported: true) { _ in
          b.returnValue(body())
        }.value)
    }
    /// The functions of several sizes.
    func sized() -> [Builder.Member] {
      let list = b.global("sizes", b.constantArray(descriptions + [b.null], of: p))
      return [
        .value(constant("sizes") { list }),
        .value(
          forward(
            "run_sized", [p, b.i32, p, b.i64, p], as: "run_sized", returning: b.i32,
            mayBeLeft: true)),
        .value(
          forward(
            "run_all_sized", [p, b.i32, p, b.i64, p], as: "run_all_sized", returning: b.i32,
            mayBeLeft: true)),
        .value(
          forward("run_mixed", [p, p, b.i64], as: "run_mixed", returning: b.i32, mayBeLeft: true)),
        .value(
          forward(
            "preprocess_sized", [p, b.i32, b.i32, b.i64, b.i32, p], as: "preprocess_sized",
            returning: b.i32)),
        .value(forward("size_for", [b.i32, b.i32, p], as: "size_for", returning: b.i32)),
      ]
    }
    let entry = b.global(
      "entry",
      b.constantStruct(
        [
          .size, .narrow(Int(VIT_ABI_VERSION)), .narrow(0),
          .value(constant("description") { descriptions[0] }),
          .value(forward("create", [p, p], as: "create", returning: b.i32)),
          .value(forward("destroy", [p], as: "destroy", withProgram: false)),
          .value(forward("context_create", [p, p], as: "context_create", returning: b.i32)),
          .value(forward("context_destroy", [p], as: "context_destroy", withProgram: false)),
          .value(
            forward(
              "run", [p, p, b.i64, p], as: readsTokens ? "run_ids" : "run", returning: b.i32,
              mayBeLeft: true)),
          .value(
            forward(
              "run_all", [p, p, b.i64, p], as: readsTokens ? "run_ids_all" : "run_all",
              returning: b.i32, mayBeLeft: true)),
          .value(
            forward(
              "preprocess", [p, b.i32, b.i32, b.i64, p], as: readsTokens ? nil : "preprocess",
              returning: b.i32)),
          .value(constant("last_error") { b.call(errorText, []) }),
          .value(forward("isa", [p], as: "isa", returning: p)),
          .value(forward("selftest", [p, p], as: "selftest", returning: b.i32)),
          .value(forward("context_stats", [p, p], as: "context_stats", returning: b.i32)),
          .value(
            forward(
              "preprocess_picture", [p, p], as: readsTokens ? nil : "preprocess_picture",
              returning: b.i32)),
          .value(
            forward(
              "preprocess_pictures", [p, p, b.i64, p],
              as: readsTokens ? nil : "preprocess_pictures", returning: b.i32, mayBeLeft: true)),
          .value(
            program.tokenizer.isEmpty
              ? b.null : forward("tokenize", [p, b.i64, p, p], as: "tokenize", returning: b.i32)),
        ] + (hasSizes ? sized() : Array(repeating: .value(b.null), count: 6))))
    _ = constant("vitc_entry") { entry }
  }
}
