import CVitABI
import Diagnostics
import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// What surrounds the steps, read through the ABI header.
@Suite struct ProgramTests {
  private func graph() throws -> Graph {
    var builder = GraphBuilder(name: "test", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(3, 4, 4))), name: "images")
    let patches = try builder.append(
      .extractPatches(ExtractPatches(patch: 2)), [x], name: "patches")
    let mean = try builder.append(.meanRows(MeanRows()), [patches], name: "mean")
    builder.addOutput("logits", mean)
    builder.addOutput("tokens", patches)
    return builder.graph.placed([
      Placement(.image, offsetBytes: 0, rowStride: 4),
      Placement(.output(1), offsetBytes: 0, rowStride: 12),
      Placement(.output(0), offsetBytes: 0, rowStride: 12),
    ])
  }

  private var info: ProgramInfo {
    var preprocessing = PreprocessingInfo()
    preprocessing.resize = 2
    (preprocessing.resizeWidth, preprocessing.resizeHeight) = (5, 6)
    (preprocessing.longestEdge, preprocessing.arithmetic) = (11, 1)
    (preprocessing.window, preprocessing.cropRounding, preprocessing.isBGR) = (2, 1, true)
    preprocessing.scale = [1, 2, 3]
    preprocessing.shift = [4, 5, 6]
    preprocessing.border = [7, 8, 9]
    preprocessing.multiple = 12
    return ProgramInfo(
      name: "digits", model: "vit_test", compilerVersion: "1.2.3", weightsBytes: 4096,
      weightsHashLow: 0x0123_4567_89AB_CDEF, weightsHashHigh: 0xFF,
      weightsFileName: "digits.weights", arenaBytes: 640, parameters: 11, flops: 22,
      preprocessing: preprocessing,
      json: "{\"a\": 1}")
  }

  /// What the stub of `vit_rt_context_create` receives is the program itself.
  @Test func tablesFollowTheHeader() throws {
    let target = try Target.host()
    let graph = try self.graph()
    let library = try NativeFunction(target: target, symbol: "digits_vitc_entry") { b in
      var steps = StepEmitter(builder: b)
      for step in try Step.all(graph, for: target) { steps.emit(step) }
      let part = ProgramEmitter.Part(
        size: info.sizes(graph)[0],
        isas: [b.isa(0, size: 0, steps: steps.functions, scratchBytes: 64)],
        steps: steps.functions.count, profitableThreads: 3)
      try ProgramEmitter(builder: b, parts: [part], program: info, targets: [target]).emit()
      // Stubs of the runtime: `create` gives its program away as the model.
      let p = b.pointer
      _ = b.define("vit_rt_create", [p, p, p], returning: b.i32) { arguments in
        b.store(arguments[0], arguments[2], alignment: 8)
        b.returnValue(b.constant32(0))
      }
      for name in ["destroy", "context_destroy", "leave"] {
        _ = b.define("vit_rt_\(name)", [p]) { _ in }
      }
      let others: [(String, [ValueType])] = [
        ("context_create", [p, p, p]), ("run", [p, p, p, b.i64, p]),
        ("run_all", [p, p, p, b.i64, p]), ("preprocess", [p, p, b.i32, b.i32, b.i64, p]),
        ("selftest", [p, p, p]), ("context_stats", [p, p, p]), ("preprocess_picture", [p, p, p]),
        ("preprocess_pictures", [p, p, p, b.i64, p]),
      ]
      _ = b.define("vit_rt_isa", [p, p], returning: p) { _ in b.returnValue(b.null) }
      for (name, parameters) in others {
        _ = b.define("vit_rt_\(name)", parameters, returning: b.i32) { _ in
          b.returnValue(b.constant32(5))
        }
      }
    }
    let getEntry = unsafeBitCast(
      library.symbol, to: (@convention(c) () -> UnsafePointer<vit_entry>).self)
    let entry = getEntry().pointee
    #expect(entry.size == MemoryLayout<vit_entry>.size)
    #expect(entry.abi_version == VIT_ABI_VERSION)
    let description = try #require(entry.description()).pointee
    #expect(description.size == MemoryLayout<vit_description>.size)
    #expect(description.abi_version == VIT_ABI_VERSION)
    #expect(String(cString: description.name) == "digits")
    #expect(String(cString: description.model) == "vit_test")
    #expect(String(cString: description.compiler_version) == "1.2.3")
    #expect(String(cString: description.target) == "\(target.triple) \(target.name)")
    #expect(String(cString: description.isas) == target.name)
    #expect(String(cString: description.weights_hash) == "00000000000000ff0123456789abcdef")
    #expect(String(cString: description.json) == "{\"a\": 1}")
    #expect(description.parameters == 11 && description.flops == 22)
    #expect(description.weights_bytes == 4096 && description.arena_bytes == 640)
    #expect(description.input.rank == 3 && description.input.elements == 48)
    #expect(description.output_count == 2)
    #expect(String(cString: description.outputs[0].name) == "logits")
    #expect(description.outputs[0].rank == 1 && description.outputs[0].shape.0 == 12)
    #expect(description.outputs[1].rank == 2 && description.outputs[1].shape.1 == 12)

    var model: OpaquePointer?
    #expect(entry.create(nil, &model) == VIT_OK)
    let program = UnsafeRawPointer(try #require(model)).load(as: vit_program.self)
    #expect(program.size == MemoryLayout<vit_program>.size)
    #expect(program.description == entry.description())
    #expect(program.weights == nil)
    #expect(String(cString: program.weights_file_name) == "digits.weights")
    #expect(program.weights_hash.0 == 0x0123_4567_89AB_CDEF && program.weights_hash.1 == 0xFF)
    #expect(program.weights_bytes == 4096 && program.arena_bytes == 640)
    #expect(program.step_count == 2 && program.isa_count == 1)
    #expect(program.profitable_threads == 3 && program.reserved == 0)
    let isa = try #require(program.isas[0]).pointee
    #expect(String(cString: isa.name) == target.name)
    #expect(isa.scratch_bytes == 64)
    #expect(isa.feature_count == target.requirements.count)
    for (index, requirement) in target.requirements.enumerated() {
      let feature = isa.features[index]
      #expect(String(cString: feature.name) == requirement.name)
      #expect(feature.bits == requirement.bits)
      switch requirement.source {
      case .cpuid(let leaf, let subleaf, let register):
        #expect(feature.source == VIT_CPUID && feature.leaf == leaf)
        #expect(feature.subleaf == subleaf && feature.index == register)
      case .xcr0: #expect(feature.source == VIT_XCR0)
      case .auxiliary(let entry):
        #expect(feature.source == VIT_AUXILIARY && feature.leaf == entry)
      case .permission(let component):
        #expect(feature.source == VIT_PERMISSION && feature.leaf == component)
      }
    }
    let proof = program.proof.pointee
    #expect(proof.mark.0 == VIT_PROOF_MARK_LOW && proof.mark.1 == VIT_PROOF_MARK_HIGH)
    #expect(proof.weights_bytes == 4096 && proof.weights_hash.0 == 0x0123_4567_89AB_CDEF)
    #expect(proof.weights_hash.1 == 0xFF)
    let fileName = withUnsafeBytes(of: proof.weights_file_name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    #expect(fileName == "digits.weights")
    #expect(proof.output_count == 2 && proof.has_values == 0)
    #expect(proof.limit == info.selfTestLimit)
    #expect(vit_proof_values(program.proof, 1)?.pointee.rms == 0)
    let preprocessing = program.preprocessing.pointee
    #expect(preprocessing.refusal == nil)
    #expect(preprocessing.resize == 2 && preprocessing.resize_height == 6)
    #expect(preprocessing.longest_edge == 11 && preprocessing.arithmetic == 1)
    #expect(preprocessing.window == 2 && preprocessing.crop_rounding == 1)
    #expect(preprocessing.is_bgr == 1)
    #expect(preprocessing.filter == 3)
    #expect(preprocessing.scale.1 == 2 && preprocessing.shift.2 == 6)
    #expect(preprocessing.border.0 == 7 && preprocessing.multiple == 12)
    let error = try #require(program.error_text())
    strcpy(error, "oh")
    #expect(String(cString: try #require(entry.last_error())) == "oh")
    #expect(entry.run(nil, nil, 1, nil) == VIT_NO_THREADS)
    // What only models of several sizes have.
    #expect(program.further_count == 0 && program.further == nil && program.proof_first == 0)
    #expect(entry.sizes == nil && entry.run_sized == nil && entry.size_for == nil)

    // The steps themselves.
    let image = Floats(count: 48) { Float($0) }
    let (mean, tokens) = (Floats(count: 12), Floats(count: 48))
    var outputs: [UnsafeMutableRawPointer?] = [.init(mean.pointer), .init(tokens.pointer)]
    outputs.withUnsafeMutableBufferPointer { buffer in
      var frame = vit_frame(
        weights: nil, arena: nil, scratch: nil, image: image.pointer,
        outputs: buffer.baseAddress, pieces: nil, spare: 0)
      for index in 0..<Int(program.step_count) {
        for task in 0..<Int32(3) { isa.steps[index]?(&frame, task, 3) }
      }
    }
    let expected = ExtractPatches(patch: 2).evaluate([
      Tensor(shape: [3, 4, 4], values: image.values)
    ])
    #expect(tokens.values == expected.values)
    #expect(mean.values == MeanRows().evaluate([expected]).values)
  }

  @Test(arguments: Target.combinations, CodeGenerator.Artifact.allCases)
  func everyTargetAndArtifact(_ target: Target, _ artifact: CodeGenerator.Artifact) throws {
    let graph = try self.graph()
    let output = try CodeGenerator.generate(graph, for: [target], program: info, as: artifact)
    #expect(output.steps == ["patches", "mean"])
    let again = try CodeGenerator.generate(graph, for: [target], program: info, as: artifact)
    #expect(output.modules == again.modules, "the same graph must give the same bytes")
    switch artifact {
    case .object:
      #expect(output.modules.count == 2)
      for bytes in output.modules {
        #expect(bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]))
        #expect(UInt16(bytes[18]) | UInt16(bytes[19]) << 8 == target.elfMachine)
      }
    case .assembly, .llvm:
      let text = String(decoding: output.modules[0], as: UTF8.self)
      #expect(text.contains("digits_run_all"))
    }
  }

  @Test func targetsByName() throws {
    #expect(try Target.named("x86-64-v3") == .x86v3)
    let all = Target.portable(multiplying: Set(ElementType.allCases))
    #expect(Target.runnableHere(of: all).last == (try Target.named("host")))
    let error = #expect(throws: Diagnostic.self) { try Target.named("x86-64-v5") }
    #expect(error?.message == "unknown target 'x86-64-v5'")
    #expect(error?.hint?.contains("'x86-64-v4'") == true)
    #expect(error?.location == .argument("--target"))
  }

  @Test func listsOfTargets() throws {
    #expect(try Target.list("x86-64-v4,v2") == [.x86v2, .x86v4])
    #expect(try Target.list("neon") == [.aarch64])
    #expect(try Target.list("portable") == Target.portable)
    #expect(Target.portable(multiplying: [.s8, .bf16]).contains(try .host()))
    #if arch(x86_64)
      #expect(Target.portable(multiplying: [.f32, .bf16]) == Target.portable)
      // AVX-VNNI without AVX-512: Alder Lake; VNNI without BF16: Cascade Lake, Ice Lake.
      #expect(
        Target.portable(multiplying: [.bf16, .s8]).map(\.shortName)
          == ["v2", "v3", "v3+avxvnni", "v4", "v4+vnni", "bf16"])
    #endif
    func message(_ list: String) -> String? {
      #expect(throws: Diagnostic.self) { try Target.list(list) }?.message
    }
    #expect(message("v3,x86-64-v3") == "target 'x86-64-v3' is named twice")
    #expect(
      message("v3,neon") == "'x86-64-v3' and 'aarch64-neon' are different architectures")
    #expect(message("") == "unknown target ''")
    let several = #expect(throws: Diagnostic.self) { try Target.named("v2,v3") }
    #expect(several?.message == "expected one target, found 2: x86-64-v2, x86-64-v3")
  }

  @Test func featuresOfTargets() throws {
    let pairs = try Target.named("v4+vnni+bf16")
    #expect(pairs.name == "x86-64-v4+bf16+vnni" && pairs.shortName == "v4+bf16+vnni")
    #expect(pairs.features == "+avx512bf16,+avx512vnni")
    #expect(pairs.bf16Dot == .vdpbf16ps && pairs.int8Dot == .vpdpbusd)
    #expect(Set(pairs.requirements) == Set(Target.x86v4BF16.requirements))
    let fours = try Target.named("x86-64-v4+vnni")
    #expect(fours.bf16Dot == nil && fours.int8Dot == .vpdpbusd)
    let half = try Target.named("v3+avxvnni")
    #expect(half.name == "x86-64-v3+avxvnni" && half.int8Dot == .vpdpbusd && half.lanes == 8)
    #expect(Target.x86v3.int8Dot == nil && Target.withoutNarrowProducts([half]) == [.x86v3])
    #expect(
      try Target.list("v4,v3+avxvnni,v3").map(\.shortName) == ["v3", "v3+avxvnni", "v4"])
    #expect(
      try Target.list("v4+bf16+vnni,v4+vnni,v3,v4,v4+bf16").map(\.shortName)
        == ["v3", "v4", "v4+bf16", "v4+vnni", "v4+bf16+vnni"])
    let arm = try Target.named("aarch64+bf16+i8mm+dotprod")
    #expect(arm.name == "aarch64-neon+dotprod+i8mm+bf16" && arm.int8Dot == .usdot)
    #expect(arm.features == "+neon,+dotprod,+i8mm,+bf16" && arm.bf16Dot == .bfdot)
    #expect(try Target.named("aarch64+i8mm").bf16Dot == nil)
    #expect(try Target.named("aarch64+dotprod").int8Dot == .sdot && Target.aarch64.int8Dot == nil)
    #expect(Target.withoutNarrowProducts([arm]) == [.aarch64])
    #expect(Target.withoutNarrowProducts([.x86v3, .x86v4, fours, pairs]) == [.x86v3, .x86v4])
  }

  /// AMX is of processors that have the others as well; a target that has it is the best of those
  /// of a library, whatever else is in its name, and is in none that does not name it.
  @Test func tilesOfTargets() throws {
    let tiles = try Target.named("v4+amx")
    #expect(tiles == .x86v4AMX && tiles.name == "x86-64-v4+amx" && tiles.shortName == "v4+amx")
    #expect(
      tiles.features == "+avx512bf16,+avx512vnni,+amx-tile,+amx-int8,+amx-bf16")
    #expect(tiles.hasAMX && tiles.bf16Dot == .vdpbf16ps && tiles.int8Dot == .vpdpbusd)
    #expect(!Target.x86v4BF16.hasAMX && Target.withoutNarrowProducts([tiles]) == [.x86v4])
    #expect(Set(tiles.requirements) == Set(try Target.named("v4+amx+bf16+vnni").requirements))
    #expect(tiles.requirements.last?.source == .permission(component: 18))
    #expect(
      try Target.list("v4+amx,v4+bf16+vnni,v3,v4+bf16,v4").map(\.shortName)
        == ["v3", "v4", "v4+bf16", "v4+bf16+vnni", "v4+amx"])
    #if arch(x86_64)
      #expect(
        try Target.list("v4+amx,portable").map(\.shortName) == ["v2", "v3", "v4", "bf16", "v4+amx"])
      #expect(!Target.portable(multiplying: Set(ElementType.allCases)).contains { $0.hasAMX })
    #endif
    let twins = #expect(throws: Diagnostic.self) { try Target.list("v4+amx,v4+vnni+amx") }
    #expect(
      twins?.message == "'x86-64-v4+amx' and 'x86-64-v4+vnni+amx' are the same instruction set")
  }

  @Test(
    arguments: [
      ("v3+amx", "'x86-64-v3' cannot have 'amx': it is a feature of 'x86-64-v4'", nil),
      ("v4+amx-int8", "unknown feature 'amx-int8' of target 'x86-64-v4'", "did you mean 'amx'?"),
      ("v4+bf17", "unknown feature 'bf17' of target 'x86-64-v4'", "did you mean 'bf16'?"),
      (
        "v4+avx512vnni", "unknown feature 'avx512vnni' of target 'x86-64-v4'",
        "did you mean 'vnni'?"
      ),
      ("v4+", "unknown feature '' of target 'x86-64-v4'", nil),
      (
        "v3+bf16",
        "'x86-64-v3' cannot have 'bf16': it is a feature of 'x86-64-v4' and 'aarch64-neon'", nil
      ),
      ("v3+vnni", "'x86-64-v3' cannot have 'vnni': it is a feature of 'x86-64-v4'", nil),
      ("v4+avxvnni", "'x86-64-v4' cannot have 'avxvnni': it is a feature of 'x86-64-v3'", nil),
      ("neon+vnni", "'aarch64-neon' cannot have 'vnni': it is a feature of 'x86-64-v4'", nil),
      ("v4-bf16+vnni", "unknown target 'v4-bf16'", nil),
      ("bf16+vnni", "'x86-64-v4-bf16' has 'vnni' by itself", nil),
      ("v4+bf16+bf16", "'x86-64-v4' is given '+bf16' twice", nil),
      ("v4+bf16,v4+bf16", "target 'x86-64-v4+bf16' is named twice", nil),
      (
        "v4+vnni+bf16,x86-64-v4-bf16",
        "'x86-64-v4+bf16+vnni' and 'x86-64-v4-bf16' are the same instruction set", nil
      ),
      (
        "portable+bf16", "'portable' takes no '+bf16': it stands for all that it can have",
        "name a target: x86-64-v3+avxvnni, x86-64-v4+bf16+vnni+amx, "
          + "aarch64-neon+dotprod+i8mm+bf16"
      ),
    ] as [(String, String, String?)])
  func featuresThatDoNotExist(list: String, message: String, hint: String?) {
    let error = #expect(throws: Diagnostic.self) { try Target.list(list) }
    #expect(error?.message == message)
    #expect(error?.hint == hint)
    #expect(error?.location == .argument("--target"))
  }

  /// A message says which features there are.
  @Test func notesNameFeatures() {
    func notes(_ list: String) -> [String]? {
      #expect(throws: Diagnostic.self) { try Target.list(list) }?.notes
    }
    #expect(
      notes("v4+dotprod") == [
        "features of 'x86-64-v4': bf16 (products of pairs of bf16, summed in f32), "
          + "vnni (products of groups of four 8-bit integers, summed in 32 bits), "
          + "amx (products of tiles of both, with what 'bf16' and 'vnni' are)"
      ])
    #expect(
      notes("v2+sse5") == [
        "'x86-64-v2' takes no features; there are x86-64-v3+avxvnni, x86-64-v4+bf16+vnni+amx, "
          + "aarch64-neon+dotprod+i8mm+bf16"
      ])
  }

  /// Modules of several targets refer to each other by symbols that only one of them defines.
  @Test func severalTargets() throws {
    let targets = [Target.x86v2, .x86v3, .x86v4]
    let output = try CodeGenerator.generate(graph(), for: targets, program: info, as: .llvm)
    let texts = output.modules.map { String(decoding: $0, as: UTF8.self) }
    #expect(texts.count == 3)
    for (position, text) in texts.enumerated() {
      #expect(text.contains("@vit_isa_\(position) = hidden constant"))
      #expect(text.contains("@digits_run(") == (position == 0))
    }
    #expect(texts[0].contains("@vit_isa_2 = external hidden constant"))
  }
}
