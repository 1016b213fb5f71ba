import CVitABI
import Codegen
import Compiler
import Evaluation
import Foundation
import IR
import Models
import Testing

/// The generated code of one model without its runtime, in memory where every buffer lies between
/// two pages that may not be touched.
///
/// Weights, arena, each output, each task's scratch memory and the image are mappings of their own.
/// A buffer ends at the page after it, or begins at the page before it. What the runtime aligns to
/// 64 bytes is so aligned here, so that up to 60 bytes may follow its end: those no reader minds.
/// Image and outputs are the caller's: they end at the page exactly, at addresses that 4 divides.
final class GuardedProgram {
  private let library: UnsafeMutableRawPointer
  private let program: vit_program
  private let isa: vit_isa
  private let description: vit_description
  private let weights: [UInt8]
  /// The operations that something is executed for, in order.
  private let steps: [Node]
  /// Those that helpers did pieces of, in the last run.
  private(set) var helped: [Node] = []

  /// Generates the code of a planned graph and the bytes of its weights.
  init(
    _ graph: Graph, target: Target, in bench: Workbench,
    weights read: @escaping Evaluator.WeightReader
  ) throws {
    var build = Build(graph, for: [target], name: "guarded", model: "random", weights: read)
    steps = CodeGenerator.steps(of: graph)
    build.program.weightsFileName = "none"
    build.store = SharedObjects.all
    weights = try build.packedWeights()
    let code = try build.code()
    let stem = "guarded-\(target.name)"
    for (part, object) in zip(["program", "code"], code.modules) {
      try Data(object).write(to: URL(fileURLWithPath: bench.path("\(stem)-\(part).o")))
    }
    // The runtime's place is taken by one that gives its program away as the model.
    let stub = """
      int vit_rt_create(const void *program, const void *options, const void **model) {
        (void)options;
        *model = program;
        return 0;
      }
      #define NONE(name) int vit_rt_##name(void) { return 1; }
      NONE(destroy) NONE(context_create) NONE(context_destroy) NONE(run) NONE(run_all)
      NONE(preprocess) NONE(preprocess_picture) NONE(preprocess_pictures) NONE(isa) NONE(selftest)
      NONE(context_stats) NONE(leave)
      """
    try stub.write(toFile: bench.path("stub.c"), atomically: false, encoding: .utf8)
    try bench.tool([
      "clang", "-shared", "-fPIC", "stub.c", "\(stem)-program.o", "\(stem)-code.o", "-o",
      "\(stem).so",
    ])
    library = try #require(dlopen(bench.path("\(stem).so"), RTLD_NOW | RTLD_LOCAL))
    let symbol = try #require(dlsym(library, "guarded_vitc_entry"))
    let entry = unsafeBitCast(symbol, to: (@convention(c) () -> UnsafePointer<vit_entry>).self)()
    var model: OpaquePointer?
    #expect(entry.pointee.create(nil, &model) == VIT_OK)
    program = UnsafeRawPointer(try #require(model)).load(as: vit_program.self)
    isa = try #require(program.isas[0]).pointee
    description = program.description.pointee
  }

  deinit { dlclose(library) }

  /// Runs one image with `tasks` tasks, the last one first: returns each output.
  ///
  /// - Parameter isHelped: before a task begins its share of a step, another does what it may of
  ///   it.
  func run(
    _ image: [Float], tasks: Int32, fence: Fenced.Side, isHelped: Bool = false
  ) -> [[Float]] {
    let arena = Fenced(Int(program.arena_bytes), at: fence, alignment: 64)
    let packed = Fenced(weights.count, at: fence, alignment: 64)
    packed.fill(weights)
    let scratch = (0..<tasks).map { _ in
      Fenced(Int(isa.scratch_bytes), at: fence, alignment: 64)
    }
    let input = Fenced(4 * image.count, at: fence, alignment: 4)
    input.fill(image)
    let outputs = (0..<Int(description.output_count)).map {
      Fenced(Self.bytes(description.outputs[$0]), at: fence, alignment: 2)
    }
    let counters = Fenced(Int(tasks) * Int(VIT_PIECES_BYTES), at: fence, alignment: 64)
    var helpedSteps: Set<Int> = []
    var places = outputs.map { Optional($0.start) }
    places.withUnsafeMutableBufferPointer { places in
      for step in 0..<Int(program.step_count) {
        for task in (0..<tasks).reversed() {
          var frame = vit_frame(
            weights: packed.start.assumingMemoryBound(to: CChar.self),
            arena: arena.start.assumingMemoryBound(to: CChar.self),
            scratch: scratch[Int(task)].start.assumingMemoryBound(to: CChar.self),
            image: input.start.assumingMemoryBound(to: Float.self), outputs: places.baseAddress,
            pieces: nil, spare: 0)
          if isHelped {
            let counter = counters.start + Int(task) * Int(VIT_PIECES_BYTES)
            counter.storeBytes(of: 0, as: UInt32.self)
            frame.pieces = counters.start.assumingMemoryBound(to: CChar.self)
            var helper = frame
            helper.spare = 1
            helper.scratch = scratch[Int((task + 1) % tasks)].start
              .assumingMemoryBound(to: CChar.self)
            isa.steps[step]?(&helper, task, tasks)
            if counter.load(as: UInt32.self) > 0 { helpedSteps.insert(step) }
          }
          isa.steps[step]?(&frame, task, tasks)
        }
      }
    }
    helped = helpedSteps.sorted().map { steps[$0] }
    for buffer in [arena, counters] + scratch + outputs { #expect(buffer.isIntact) }
    return outputs.enumerated().map { index, output in
      let tensor = description.outputs[index]
      return (0..<Int(tensor.elements)).map { element in
        guard vit_element_bytes(tensor.dtype) == 2 else {
          return output.start.load(fromByteOffset: 4 * element, as: Float.self)
        }
        return vit_half_value(output.start.load(fromByteOffset: 2 * element, as: UInt16.self))
      }
    }
  }

  /// The size of an output.
  private static func bytes(_ tensor: vit_tensor) -> Int {
    Int(tensor.elements) * vit_element_bytes(tensor.dtype)
  }
}

/// Memory between two pages that may not be touched.
final class Fenced {
  /// Which of the two pages is the near one.
  enum Side: CaseIterable {
    case right
    case left
  }

  let start: UnsafeMutableRawPointer
  private let room: UnsafeMutableRawPointer
  private let roomBytes: Int
  private let count: Int
  private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
  /// Bytes of no number: all ones are a NaN, which spoils whatever is computed with it.
  private static let fence: UInt8 = 0xFF

  init(_ count: Int, at side: Side, alignment: Int) {
    let page = Fenced.pageBytes
    let aligned = (count + alignment - 1) / alignment * alignment
    self.count = count
    roomBytes = (aligned + page - 1) / page * page
    guard
      let mapping = mmap(
        nil, roomBytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      mapping != MAP_FAILED,
      roomBytes == 0 || mprotect(mapping + page, roomBytes, PROT_READ | PROT_WRITE) == 0
    else { preconditionFailure("no memory for \(count) bytes") }
    room = mapping + page
    start = side == .right ? room + (roomBytes - aligned) : room
    memset(room, Int32(Fenced.fence), roomBytes)
  }

  deinit { munmap(room - Fenced.pageBytes, roomBytes + 2 * Fenced.pageBytes) }

  /// Fills the buffer and forbids writing.
  func fill<Element>(_ values: [Element]) {
    values.withUnsafeBytes {
      if let from = $0.baseAddress { start.copyMemory(from: from, byteCount: $0.count) }
    }
    mprotect(room, roomBytes, PROT_READ)
  }

  /// `true` iff nothing around the buffer was written.
  var isIntact: Bool {
    let bytes = UnsafeRawBufferPointer(start: room, count: roomBytes)
    let first = start - UnsafeMutableRawPointer(room)
    return bytes[..<first].allSatisfy { $0 == Fenced.fence }
      && bytes[(first + count)...].allSatisfy { $0 == Fenced.fence }
  }
}
