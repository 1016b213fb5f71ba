import CVitSystem

/// One run of a made-up image, held to the values that the compiler's machine computed for it.
///
/// It finds weights that changed in memory or on the disk, and processors, kernels and hypervisors
/// that compute something else; it does not find what is wrong with a model as it was compiled.
enum SelfTest {
  /// No limit that a compiler writes is larger: an error of 1 is as large as the output.
  private static let mostLimit = 1.0

  /// Makes an image of each size, runs them in a context of their own, compares.
  static func run(
    _ program: UnsafePointer<vit_program>, _ model: UnsafeMutablePointer<Model>,
    _ result: UnsafeMutablePointer<vit_selftest_result>?
  ) -> vit_status {
    let resultBytes = MemoryLayout<vit_selftest_result>.size
    if let result, result.pointee.size < resultBytes || result.pointee.size > Options.mostBytes {
      var error = ErrorText(program)
      error.append("result.size is ")
      error.append(bytes: result.pointee.size)
      error.append(", expected sizeof of the result struct, ")
      error.append(resultBytes)
      return VIT_INVALID_ARGUMENT
    }
    guard program.pointee.description != nil, let proof = program.pointee.proof,
      proof.pointee.has_values != 0
    else {
      return fail(
        program, VIT_NO_SELFTEST,
        "there are no self-test values: vitc left them out, and said why when it compiled the model"
      )
    }
    let limit = Double(proof.pointee.limit)
    guard limit >= 0, limit <= mostLimit else {
      return fail(program, VIT_SELFTEST_FAILED, "the self-test failed: its limit is damaged")
    }
    var made: OpaquePointer?
    let status = Context.create(program, model, &made)
    guard status == VIT_OK, let made else { return status }
    let context = UnsafeMutablePointer<Context>(made)
    defer { context.destroy() }
    var failed: vit_status = VIT_OK
    for size in 0..<program.sizeCount {
      // Of sizes that fail the last one is told.
      let status = run(program.size(size), proof, context, isFirst: size == 0, result)
      guard status == VIT_OK || status == VIT_SELFTEST_FAILED else { return status }
      if status != VIT_OK { failed = status }
    }
    return failed
  }

  /// Runs the image of one size and compares; the first writes the result, others raise its error.
  private static func run(
    _ program: UnsafePointer<vit_program>, _ proof: UnsafePointer<vit_proof>,
    _ context: UnsafeMutablePointer<Context>, isFirst: Bool,
    _ result: UnsafeMutablePointer<vit_selftest_result>?
  ) -> vit_status {
    guard let description = program.pointee.description else { return VIT_NO_SELFTEST }
    let outputs = Int(description.pointee.output_count)
    var bytes = Extent()
    let table = bytes.add(UInt64(8 &* outputs))
    let image = bytes.add(UInt64(4).multipliedOrMax(description.pointee.input.elements))
    let places = bytes.end
    for i in 0..<outputs {
      _ = bytes.add(description.pointee.outputs[i].bytes)
    }
    guard !bytes.overflows, let memory = malloc(numericCast(bytes.end)) else {
      return fail(program, VIT_OUT_OF_MEMORY, "no memory for the image and the outputs")
    }
    defer { free(memory) }

    let pixels = (memory + image).assumingMemoryBound(to: Float.self)
    let elements = program.inputElements
    if program.pointee.token_limit > 0 {
      makeText(program, (memory + image).assumingMemoryBound(to: Int32.self), elements)
    } else {
      makeImage(pixels, elements)
    }
    let all = (memory + table).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    var at = Extent()
    for i in 0..<outputs {
      all[i] = memory + places + at.add(description.pointee.outputs[i].bytes)
    }
    let ran = context.run(
      Job(
        program: program, images: UnsafePointer(pixels), count: 1, all: UnsafePointer(all)))
    guard ran == VIT_OK else { return ran }

    // In the default floating-point state: only here and where the image is made, since the run may
    // call the caller's parallel-for, which shall find its own.
    let state = vit_float_enter()
    defer { vit_float_leave(state) }
    return judge(program, description.pointee, proof, all, isFirst: isFirst, result)
  }

  /// Fills the image; a call of its own, so that no arithmetic leaves the default floating-point
  /// state.
  @inline(never)
  private static func makeImage(_ pixels: UnsafeMutablePointer<Float>, _ elements: Int) {
    let state = vit_float_enter()
    defer { vit_float_leave(state) }
    for i in 0..<elements { pixels[i] = vit_selftest_pixel(UInt64(i)) }
  }

  /// Fills the text; a call of its own for the same reason.
  @inline(never)
  private static func makeText(
    _ program: UnsafePointer<vit_program>, _ ids: UnsafeMutablePointer<Int32>, _ elements: Int
  ) {
    let state = vit_float_enter()
    defer { vit_float_leave(state) }
    for i in 0..<elements {
      ids[i] = vit_selftest_token(
        UInt64(i), UInt64(elements), program.pointee.token_limit, program.pointee.token_required)
    }
  }

  /// Compares the outputs with the self-test values; a call of its own for the same reason.
  @inline(never)
  private static func judge(
    _ program: UnsafePointer<vit_program>, _ description: vit_description,
    _ proof: UnsafePointer<vit_proof>,
    _ all: UnsafeMutablePointer<UnsafeMutableRawPointer?>, isFirst: Bool,
    _ result: UnsafeMutablePointer<vit_selftest_result>?
  ) -> vit_status {
    let limit = Double(proof.pointee.limit)
    var (worst, offender) = (-1.0, 0)
    for i in 0..<Int(description.output_count) {
      guard let values = all[i],
        let stored = vit_proof_values(
          proof, numericCast(Int(program.pointee.proof_first) &+ i))
      else {
        continue
      }
      let elements = Int(truncatingIfNeeded: description.outputs[i].elements)
      let isHalf = vit_element_bytes(description.outputs[i].dtype) == 2
      let found = error(of: values, elements, isHalf, stored)
      if found > worst { (worst, offender) = (found, i) }
    }
    if let result {
      result.pointee.error = max(isFirst ? 0 : result.pointee.error, worst)
      result.pointee.limit = limit
    }
    guard worst > limit else { return VIT_OK }
    var text = ErrorText(program)
    text.append("the self-test failed: output ")
    if let name = description.outputs[offender].name { text.append(quoted: name) }
    if !isFirst || program.sizeCount > 1 {
      text.append(" of size ")
      text.append(program.extents.height)
      text.append(" x ")
      text.append(program.extents.width)
    }
    text.append(" differs from its self-test values by ")
    // Beyond this, how much it is says nothing more.
    let millionths = worst * 1e6
    if millionths < 1e12 { text.append(UInt64(millionths)) } else { text.append("over 10^12") }
    text.append(" millionths, expected at most ")
    text.append(UInt64(limit * 1e6 + 0.5))
    return VIT_SELFTEST_FAILED
  }

  /// The largest difference of an output's self-test values, and of its root mean square, which all
  /// its values are part of; infinite where something is not a number.
  private static func error(
    of values: UnsafeMutableRawPointer, _ elements: Int, _ isHalf: Bool,
    _ stored: UnsafePointer<vit_selftest_values>
  ) -> Double {
    let rms = Double(stored.pointee.rms)
    var worst = 0.0
    func compare(_ found: Double, _ expected: Double) {
      let scale = max(rms, expected.magnitude)
      let difference = (found - expected).magnitude / (scale > 0 ? scale : 1)
      if difference.isNaN { worst = .infinity } else if difference > worst { worst = difference }
    }
    var squares = 0.0
    func value(_ index: Int) -> Double {
      isHalf
        ? Double(vit_half_value(values.load(fromByteOffset: 2 &* index, as: UInt16.self)))
        : Double(values.load(fromByteOffset: 4 &* index, as: Float.self))
    }
    for i in 0..<elements { squares += value(i) * value(i) }
    // Rounded as the stored one is.
    compare(Double(Float(vit_sqrt(squares / Double(max(1, elements))))), rms)
    for number in 0..<vit_selftest_count(numericCast(elements)) {
      let index = vit_selftest_index(number, numericCast(elements))
      compare(value(Int(index)), Double(vit_selftest_value(stored, number)))
    }
    return worst
  }
}
