import CVitSystem

/// What a text tower reads: tokens, 32 bits each.
///
/// A token that is not in the vocabulary is refused before anything runs: it would be another
/// token's vector, in silence.
enum Tokens {
  /// Looks at `count` texts of `length` tokens.
  static func check(
    _ program: UnsafePointer<vit_program>, _ input: UnsafeRawPointer, count: Int, length: Int
  ) -> vit_status {
    let (limit, required) = (program.pointee.token_limit, program.pointee.token_required)
    guard limit > 0 else { return VIT_OK }
    let ids = input.assumingMemoryBound(to: Int32.self)
    for text in 0..<count {
      var isThere = required < 0
      for place in 0..<length {
        let id = ids[text &* length &+ place]
        if id == required { isThere = true }
        guard id >= 0, id < limit else {
          var error = ErrorText(program)
          error.append("token ")
          error.append(place)
          error.append(" of text ")
          error.append(text)
          error.append(" is ")
          error.append(Int(id))
          error.append(", expected 0 to ")
          error.append(Int(limit &- 1))
          return VIT_INVALID_ARGUMENT
        }
      }
      guard isThere else {
        var error = ErrorText(program)
        error.append("text ")
        error.append(text)
        error.append(" has no end, which is token ")
        error.append(Int(required))
        return VIT_INVALID_ARGUMENT
      }
    }
    return VIT_OK
  }
}
