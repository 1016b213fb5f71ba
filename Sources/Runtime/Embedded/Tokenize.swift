import CVitSystem

#if canImport(Tokenizing)
  import Tokenizing
#endif

/// Makes of a text the ids that a text tower reads.
///
/// With Sources/Runtime/Tokenizing and ErrorText.swift an object of its own, so that libraries for
/// images hold none of it.
@c @implementation
public func vit_rt_tokenize(
  _ program: UnsafePointer<vit_program>!, _ text: UnsafePointer<CChar>!, _ text_bytes: Int,
  _ ids: UnsafeMutablePointer<Int32>!, _ whole_count: UnsafeMutablePointer<Int>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let text else { return fail(program, VIT_INVALID_ARGUMENT, "text is null") }
  guard let ids else { return fail(program, VIT_INVALID_ARGUMENT, "ids is null") }
  guard let address = program.pointee.tokenizer, let table = TokenTable(address) else {
    return fail(program, VIT_INVALID_ARGUMENT, "the library holds no tokenizer")
  }
  var maker = TokenMaker(table)
  defer { maker.release() }
  let bytes = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
  let outcome = maker.run(bytes, count: text_bytes)
  guard case .done = outcome else { return refuse(program, outcome, text_bytes, maker) }
  maker.write(to: ids)
  whole_count?.pointee = maker.wholeCount
  return VIT_OK
}

/// Says why a text has no ids.
private func refuse(
  _ program: UnsafePointer<vit_program>, _ outcome: TokenMaker.Outcome, _ bytes: Int,
  _ maker: TokenMaker
) -> vit_status {
  var error = ErrorText(program)
  switch outcome {
  case .done: return VIT_OK
  case .noMemory:
    error.append("no memory for the ids of a text of ")
    error.append(bytes: bytes)
    error.append(" bytes")
    return VIT_OUT_OF_MEMORY
  case .tooLong:
    error.append("the text has ")
    error.append(bytes: bytes)
    error.append(" bytes, expected at most ")
    error.append(TokenMaker.mostBytes)
  case .notUTF8(let index):
    error.append("the text is not UTF-8: byte ")
    error.append(index)
    error.append(" begins no character")
  case .misread:
    error.append("the text looks as if it had been read in a wrong encoding, which open_clip ")
    error.append("would repair; write what is meant, in UTF-8")
  case .nested:
    error.append("the text has entities of HTML within entities, too deep to replace")
  case .entity(let from, let to):
    error.append("the text has the entity '")
    for index in from..<to {
      // Letters, digits and signs of ASCII.
      error.append(ascii: UInt8(truncatingIfNeeded: maker.normalizedScalar(index)))
    }
    error.append("', which open_clip would replace; write the character itself")
  }
  return VIT_INVALID_ARGUMENT
}
