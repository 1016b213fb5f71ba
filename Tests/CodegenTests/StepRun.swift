import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// The code of one operation over operands at odd places with padded rows, as the planner hands
/// them over.
struct StepRun {
  /// The layout of `vit_frame`.
  private struct Frame {
    var weights: UnsafeMutablePointer<Float>
    var arena: UnsafeMutablePointer<Float>
    var scratch: UnsafeMutablePointer<Float>
    var image: UnsafeMutablePointer<Float>
    var outputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
    var pieces: UnsafeMutablePointer<CChar>?
    var spare: Int64 = 0
  }

  /// What the arena holds where nobody writes.
  static let unwritten: Float = -7

  private let graph: Graph
  private let placements: [Placement?]
  private let y: IR.Value
  private let arenaBytes: Int
  private let scratchBytes: Int
  private let function: NativeFunction
  /// How tasks share the step.
  let division: Division

  /// Emits an operation over operands of f32 of these shapes; the results beyond the first
  /// `results` are not asked for.
  init(_ op: Op, _ shapes: [[Int]], on target: Target, results: Int = .max) throws {
    var builder = GraphBuilder(name: "test", form: .fused)
    let operands = try shapes.enumerated().map { index, shape in
      try builder.append(.input(Input(type: TensorType(.f32, shape))), name: "x\(index)")
    }
    let y = try builder.append(op, operands, name: "y")
    for value in builder.graph.results(of: y.index) where value.result < results {
      builder.addOutput(builder[value].name, value)
    }
    let fused = builder.graph
    // Packed weights lie dense and aligned; matrices have padded rows; the rest is dense.
    var (offset, placements): (Int, [Placement?]) = (0, [])
    let wanted = fused.wanted()
    for value in fused.values {
      let type = fused[value].type
      let columns = type.shape.last ?? 1
      let stride = type.rank == 2 ? columns + 3 : columns
      placements.append(
        value.result == 0 || wanted[value]
          ? Placement(.arena, offsetBytes: offset, rowStride: stride) : nil)
      offset += ((type.count / columns) * stride * 4 + 63) / 64 * 64
    }
    let graph = fused.placed(placements)
    var scratchBytes = 0
    let step = try Step(graph[y].node, in: graph, for: target)
    division = step.call.division(target)
    function = try NativeFunction(target: target) { b in
      var steps = StepEmitter(builder: b)
      steps.emit(step)
      scratchBytes = steps.scratchBytes
      let functions = steps.functions
      _ = b.define(
        "run", Array(repeating: b.pointer, count: 8) + [b.i32, b.i32], exported: true
      ) { arguments in
        for step in functions { b.call(step, [arguments[0], arguments[8], arguments[9]]) }
      }
    }
    (self.graph, self.placements, self.y) = (graph, placements, y)
    (arenaBytes, self.scratchBytes) = (offset, scratchBytes)
  }

  /// The arena after a run divided among `count` tasks.
  func run(
    _ tensors: [Tensor], _ count: Int, _ fence: Floats.Placement = .right,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [Float] {
    try run(tensors, fence, sourceLocation: sourceLocation) { frame, _ in
      function.all([frame], count: count)
    }
  }

  /// How many of `count` tasks write something.
  func busyTasks(_ tensors: [Tensor], of count: Int) throws -> Int {
    var busy = 0
    _ = try run(tensors, .right, sourceLocation: #_sourceLocation) { frame, arena in
      var before = arena.values.map(\.bitPattern)
      for task in 0..<count {
        function([frame], task: task, count: count)
        let after = arena.values.map(\.bitPattern)
        if after != before { busy += 1 }
        before = after
      }
    }
    return busy
  }

  /// The arena after `body`, which gets the frame and the arena.
  private func run(
    _ tensors: [Tensor], _ fence: Floats.Placement, sourceLocation: SourceLocation,
    _ body: (UnsafeMutablePointer<Float>, Floats) -> Void
  ) throws -> [Float] {
    let arena = Floats(count: arenaBytes / 4, placement: fence) { _ in Self.unwritten }
    for (index, tensor) in tensors.enumerated() {
      let place = try #require(placements[index])
      for i in tensor.values.indices {
        let (row, column) = (i / tensor.columns, i % tensor.columns)
        arena.pointer[place.offsetBytes / 4 + row * place.rowStride + column] = tensor.values[i]
      }
    }
    let scratch = Floats(count: scratchBytes / 4, placement: fence)
    var output = arena.pointer
    withUnsafeMutablePointer(to: &output) { outputs in
      var frame = Frame(
        weights: arena.pointer, arena: arena.pointer, scratch: scratch.pointer,
        image: arena.pointer, outputs: outputs)
      withUnsafeMutablePointer(to: &frame) {
        $0.withMemoryRebound(to: Float.self, capacity: MemoryLayout<Frame>.size / 4) {
          body($0, arena)
        }
      }
    }
    #expect(arena.isIntact && scratch.isIntact, sourceLocation: sourceLocation)
    return arena.values
  }

  /// The results in an arena; `nil` for those that were not asked for.
  func results(in arena: [Float]) -> [Tensor?] {
    graph.nodes[y.index].results.map { result in
      guard let place = result.placement else { return nil }
      var tensor = Tensor(shape: result.type.shape)
      for i in tensor.values.indices {
        let (row, column) = (i / tensor.columns, i % tensor.columns)
        tensor.values[i] = arena[place.offsetBytes / 4 + row * place.rowStride + column]
      }
      return tensor
    }
  }

  /// The first result of a run.
  func result(
    _ tensors: [Tensor], _ count: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Tensor {
    let arena = try run(tensors, count, sourceLocation: sourceLocation)
    return try #require(results(in: arena)[0])
  }

  /// What follows each row of the results.
  func padding(in arena: [Float]) -> [Float] {
    graph.nodes[y.index].results.flatMap { result -> [Float] in
      let shape = result.type.shape
      guard let place = result.placement, let columns = shape.last, place.rowStride > columns else {
        return []
      }
      return (0..<result.type.count / columns).map {
        arena[place.offsetBytes / 4 + $0 * place.rowStride + columns]
      }
    }
  }
}
