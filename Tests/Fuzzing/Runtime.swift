import CVitABI
import Diagnostics
import Images
import RuntimeForTests

/// A compiled model in small, by hand: the embedded runtime cannot tell it from a generated one.
///
///     tokens[i] = image[i] * w[i] + image[N-1-i] * w[N-1-i]       i < N = 3 * 4 * 5
///     sum       = sum of all tokens
///
/// Two steps, so that a run needs its barrier.
public final class SmallProgram {
  /// The number of elements of the input, of the weights and of the tokens.
  public static let count = 60
  /// What the runtime takes.
  public let program: UnsafeMutablePointer<vit_program>
  private let description: UnsafeMutablePointer<vit_description>
  private let outputs: UnsafeMutablePointer<vit_tensor>
  private let steps: UnsafeMutablePointer<vit_step?>
  private let isa: UnsafeMutablePointer<vit_isa>
  private let isas: UnsafeMutablePointer<UnsafePointer<vit_isa>?>
  /// The recipe of `vit_rt_preprocess`.
  public let preprocessing: UnsafeMutablePointer<vit_preprocessing>
  private let weights: UnsafeMutableRawPointer

  /// Creates a program with its weights embedded, or with those of a file only.
  public init(weightsInFile: Bool = false) {
    let count = SmallProgram.count
    description = .allocate(capacity: 1)
    description.initialize(to: vit_description())
    outputs = .allocate(capacity: 2)
    outputs.initialize(repeating: vit_tensor(), count: 2)
    outputs[0].elements = 1
    outputs[1].elements = UInt64(count)
    description.pointee.output_count = 2
    description.pointee.outputs = UnsafePointer(outputs)
    description.pointee.input.shape = (3, 4, 5, 0)
    description.pointee.input.elements = UInt64(count)
    steps = .allocate(capacity: 2)
    steps[0] = foldTokens
    steps[1] = sumTokens
    preprocessing = .allocate(capacity: 1)
    preprocessing.initialize(to: vit_preprocessing())
    weights = .allocate(byteCount: 4 * count, alignment: 64)
    for i in 0..<count { weights.storeBytes(of: Float(i), toByteOffset: 4 * i, as: Float.self) }
    program = .allocate(capacity: 1)
    program.initialize(to: vit_program())
    program.pointee.size = MemoryLayout<vit_program>.size
    program.pointee.description = UnsafePointer(description)
    program.pointee.weights =
      weightsInFile ? nil : UnsafePointer(weights.assumingMemoryBound(to: CChar.self))
    program.pointee.weights_bytes = UInt64(4 * count)
    program.pointee.weights_hash = (0x1111, 0x2222)
    program.pointee.arena_bytes = UInt64(4 * count)
    isa = .allocate(capacity: 1)
    isa.initialize(to: vit_isa())
    isa.pointee.scratch_bytes = 64
    isa.pointee.steps = UnsafePointer(steps)
    isas = .allocate(capacity: 1)
    isas.initialize(to: UnsafePointer(isa))
    program.pointee.step_count = 2
    program.pointee.isa_count = 1
    program.pointee.isas = UnsafePointer(isas)
    program.pointee.preprocessing = UnsafePointer(preprocessing)
    program.pointee.error_text = errorText
  }

  deinit {
    program.deallocate()
    weights.deallocate()
    preprocessing.deallocate()
    steps.deallocate()
    isa.deallocate()
    isas.deallocate()
    outputs.deallocate()
    description.deallocate()
  }

  /// The text of the calling thread's last failure.
  public var lastError: String { errorText().map { String(cString: $0) } ?? "" }
}

/// One buffer for all threads: the texts of a test's threads are not compared.
private nonisolated(unsafe) let errorBuffer: UnsafeMutablePointer<CChar> = {
  let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(VIT_ERROR_BYTES))
  buffer.initialize(repeating: 0, count: Int(VIT_ERROR_BYTES))
  return buffer
}()

private func errorText() -> UnsafeMutablePointer<CChar>? { errorBuffer }

private func foldTokens(_ frame: UnsafePointer<vit_frame>?, _ task: Int32, _ count: Int32) {
  guard let frame = frame?.pointee, frame.spare == 0, let image = frame.image else { return }
  let n = SmallProgram.count
  let share = (n * Int(task) / Int(count))..<(n * Int(task + 1) / Int(count))
  let tokens = frame.outputs[1]?.assumingMemoryBound(to: Float.self)
  frame.weights?.withMemoryRebound(to: Float.self, capacity: n) { weights in
    for i in share {
      tokens?[i] = image[i] * weights[i] + image[n - 1 - i] * weights[n - 1 - i]
    }
  }
}

private func sumTokens(_ frame: UnsafePointer<vit_frame>?, _ task: Int32, _ count: Int32) {
  guard task == 0, frame?.pointee.spare == 0, let outputs = frame?.pointee.outputs,
    let tokens = outputs[1]?.assumingMemoryBound(to: Float.self)
  else { return }
  outputs[0]?.assumingMemoryBound(to: Float.self)[0] =
    (0..<SmallProgram.count).reduce(0) { $0 + tokens[$1] }
}

/// A weights file: refused, or mapped and run; the right one gives the right result.
func fuzzWeights(_ bytes: UnsafeRawBufferPointer) {
  let file = MemoryFile(bytes)
  let small = SmallProgram(weightsInFile: true)
  var options = vit_options()
  options.size = MemoryLayout<vit_options>.size
  options.threads = 1
  file.path.withCString { path in
    options.weights_path = path
    var model: OpaquePointer?
    let status = vit_rt_create(small.program, &options, &model)
    guard status == VIT_OK else {
      promise(status == VIT_WEIGHTS_MISMATCH && model == nil, "status \(status)")
      promise(small.lastError.contains(file.path), "no text: \(small.lastError)")
      return
    }
    defer { vit_rt_destroy(model) }
    var context: OpaquePointer?
    promise(vit_rt_context_create(small.program, model, &context) == VIT_OK, "no context")
    defer { vit_rt_context_destroy(context) }
    let image = [Float](repeating: 1, count: SmallProgram.count)
    var sum: Float = 0
    promise(vit_rt_run(small.program, context, image, 1, &sum) == VIT_OK, "no run")
  }
}

/// An image file: decoded, then preprocessed by a recipe that its bytes choose.
func fuzzImage(_ bytes: UnsafeRawBufferPointer) {
  expectDiagnostics { () throws(Diagnostic) in
    let upright = try Image(decoding: bytes, name: "fuzz.png", alpha: .onWhite, orients: true)
    promise(
      upright.rgb.count == 3 * upright.width * upright.height, "another size than promised")
    let image = try Image(decoding: bytes, name: "fuzz.png")
    promise(image.rgb.count == 3 * image.width * image.height, "another size than promised")
    // FNV-1a, 32 bits: every recipe comes up, and the same file gives the same one.
    var hash = bytes.prefix(4096).reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    func next(_ limit: UInt32) -> Int32 {
      hash = hash &* 1_664_525 &+ 1_013_904_223
      return Int32((hash >> 8) % limit)
    }
    let small = SmallProgram()
    small.preprocessing.pointee.resize = next(9)
    small.preprocessing.pointee.multiple = 1 + next(16)
    small.preprocessing.pointee.resize_width = 1 + next(40)
    small.preprocessing.pointee.resize_height = 1 + next(40)
    small.preprocessing.pointee.filter = next(6)
    small.preprocessing.pointee.longest_edge = next(2) * (1 + next(60))
    small.preprocessing.pointee.arithmetic = next(2)
    small.preprocessing.pointee.window = next(3)
    small.preprocessing.pointee.crop_rounding = next(3)
    small.preprocessing.pointee.is_bgr = next(2)
    small.preprocessing.pointee.scale = (1, 1, 1)
    var input = [Float](repeating: .nan, count: SmallProgram.count)
    let status = vit_rt_preprocess(
      small.program, image.rgb, Int32(image.width), Int32(image.height), 3 * image.width, &input)
    // A side of one pixel against one of millions asks for more memory than there is, and is told.
    // A window of another size than the image's is told, too.
    let isEqual = small.preprocessing.pointee.window == VIT_WINDOW_EQUAL
    promise(
      status == VIT_OK || status == VIT_OUT_OF_MEMORY
        || (isEqual && status == VIT_INVALID_ARGUMENT), "status \(status)")
    if status == VIT_OK {
      // Floats are not clamped where a filter overshoots.
      promise(input.allSatisfy { (-255...510).contains($0) }, "unwritten or out of range: \(input)")
    }
  }
}
