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
  private let graph: Graph
  private let program: ProgramInfo
  /// The instruction sets of the library.
  private let targets: [Target]

  init(builder: Builder, graph: Graph, program: ProgramInfo, targets: [Target]) {
    b = builder.baseline
    self.graph = graph
    self.program = program
    self.targets = targets
  }

  /// Emits everything.
  ///
  /// - Parameters:
  ///   - isas: the `vit_isa` of each target.
  ///   - steps: the number of steps.
  /// - Throws: a graph that has not exactly one input.
  func emit(isas: [Value], steps: Int) throws(Diagnostic) {
    let inputs = graph.nodes.filter { if case .input = $0.op { true } else { false } }
    guard inputs.count == 1 else {
      throw Diagnostic("a compiled model has one input, found \(inputs.count)")
    }
    let description = self.description(input: inputs[0])
    let tokens = graph.tokens
    let errorText = emitErrorText()
    let weights =
      program.weightsFileName == nil
      ? b.declareData(CodeGenerator.weightsSymbol) : b.null
    let table = b.global("isas", b.constantArray(isas, of: b.pointer))
    let record = b.global(
      "program",
      b.constantStruct([
        .size, .value(description), .value(weights),
        .value(program.weightsFileName.map { b.text($0) } ?? b.null),
        .wide(program.weightsBytes),
        .value(
          b.constantArray(
            [
              b.constant(Int(bitPattern: UInt(program.weightsHashLow))),
              b.constant(Int(bitPattern: UInt(program.weightsHashHigh))),
            ], of: b.i64)),
        .wide(program.arenaBytes), .narrow(steps), .narrow(isas.count), .value(table),
        .value(preprocessing()), .value(b.asPointer(errorText.value)), .value(proof()),
        .narrow(tokens?.limit ?? 0), .narrow(tokens?.required ?? -1),
        .value(program.tokenizer.isEmpty ? b.null : b.data("tokenizer", program.tokenizer)),
      ]))
    exportFunctions(
      record: record, description: description, errorText: errorText, readsTokens: tokens != nil)
  }

  /// `const vit_description *`.
  private func description(input: Node) -> Value {
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
        .wide(program.parameters), .wide(program.flops), .wide(program.weightsBytes),
        .wide(program.arenaBytes), .value(record()),
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
  private func preprocessing() -> Value {
    let info = program.preprocessing
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
        .narrow(0),
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
    let count =
      MemoryLayout<vit_selftest_values>.size / MemoryLayout<Float>.size * graph.outputs.count
    let isKnown = !program.selfTestValues.isEmpty
    let values =
      isKnown ? program.selfTestValues.flatMap(\.self) : Array(repeating: 0, count: count)
    precondition(values.count == count, "\(values.count) self-test values, expected \(count)")
    return b.global(
      "proof",
      b.constantStruct([
        .value(wide([VIT_PROOF_MARK_LOW, VIT_PROOF_MARK_HIGH])), .wide(program.weightsBytes),
        .value(wide([program.weightsHashLow, program.weightsHashHigh])), .value(wide(words)),
        .narrow(graph.outputs.count), .narrow(isKnown ? 1 : 0),
        .value(b.float(program.selfTestLimit)), .narrow(0),
        .value(b.constantArray(values.map(b.float), of: b.f32)),
      ]))
  }

  private func exportFunctions(
    record: Value, description: Value, errorText: Function, readsTokens: Bool
  ) {
    let p = b.pointer
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
    let entry = b.global(
      "entry",
      b.constantStruct([
        .size, .narrow(Int(VIT_ABI_VERSION)), .narrow(0),
        .value(constant("description") { description }),
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
            "preprocess_pictures", [p, p, b.i64, p], as: readsTokens ? nil : "preprocess_pictures",
            returning: b.i32, mayBeLeft: true)),
        .value(
          program.tokenizer.isEmpty
            ? b.null : forward("tokenize", [p, b.i64, p, p], as: "tokenize", returning: b.i32)),
      ]))
    _ = constant("vitc_entry") { entry }
  }
}
