import CVitABI
import Diagnostics
import Foundation
import RuntimeForTests
import Tokenizers
import Tokenizing

/// A text: through the code that libraries hold, by one of the tokenizers of Tests/Goldens.
///
/// The first byte chooses the tokenizer, the second how often the rest is repeated, which is the
/// text: mostly once.
func fuzzText(_ bytes: UnsafeRawBufferPointer) {
  guard bytes.count >= 2 else { return }
  let tokenizer = textTokenizers[Int(bytes[0]) % textTokenizers.count]
  let repetitions = bytes[1] < 0xF0 ? 1 : 1 << Int(bytes[1] & 7)
  let text = (0..<repetitions).flatMap { _ in bytes[2...] }
  check(tokenizer, text)
}

/// The files of a tokenizer: refused, or texts have ids.
///
/// The bytes are files one after the other, each after the ASCII record separator and its name in
/// one letter: `t` tokenizer.json, `c` tokenizer_config.json, `x` special_tokens_map.json, `v`
/// vocab.json, `m` merges.txt, `s` spiece.model; `k` is no file, but a digit that chooses what the
/// model's folder says and a byte for the number of positions, and `e` is a text.
///
/// Returns why they are refused; `nil`: they were read.
@discardableResult
public func fuzzTokenizer(_ bytes: UnsafeRawBufferPointer) -> String? {
  let folder = "/dev/shm/vitc-fuzz-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  mkdir(folder, 0o700)
  defer {
    for name in tokenizerFiles.values { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
  var texts: [[UInt8]] = [
    [], Array("A photo of a Cafe\u{301}, 12'S ﬁsh  <|endoftext|></s>\u{2581} 🇩🇪\u{0}".utf8),
  ]
  var request = TokenizerRequest(folder: folder, modelType: "clip", length: 77)
  for part in bytes.split(separator: 0x1E) {
    guard let letter = part.first else { continue }
    let body = Array(part.dropFirst())
    switch letter {
    case UInt8(ascii: "e"): texts.append(body)
    case UInt8(ascii: "k"): request = tokenizerRequest(folder, body)
    default:
      guard let name = tokenizerFiles[letter] else { continue }
      promise(
        FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data(body)),
        "cannot write \(name)")
    }
  }
  do throws(Diagnostic) {
    let tokenizer = try Tokenizer(request)
    // Unicode's tables have 30 000 words at most; a byte of a file makes a few.
    promise(
      tokenizer.table.count <= 100_000 + 64 * bytes.count,
      "a table of \(tokenizer.table.count) words from \(bytes.count) bytes")
    promise(tokenizer.length == request.length, "another length than asked for")
    for text in texts { check(tokenizer, text) }
    return nil
  } catch {
    promise(!error.message.isEmpty, "an empty message")
    return "\(error)"
  }
}

private let tokenizerFiles: [UInt8: String] = [
  UInt8(ascii: "t"): "tokenizer.json", UInt8(ascii: "c"): "tokenizer_config.json",
  UInt8(ascii: "x"): "special_tokens_map.json", UInt8(ascii: "v"): "vocab.json",
  UInt8(ascii: "m"): "merges.txt", UInt8(ascii: "s"): "spiece.model",
]

private func tokenizerRequest(_ folder: String, _ choice: [UInt8]) -> TokenizerRequest {
  let types = ["clip", "siglip", "siglip2", "metaclip_2", "other"]
  let number = choice.first.map { Int($0 &- UInt8(ascii: "0")) % 7 } ?? 0
  let length = choice.count > 1 ? 1 + Int(choice[1]) % 80 : 77
  guard number >= types.count else {
    return TokenizerRequest(folder: folder, modelType: types[number], length: length)
  }
  return TokenizerRequest(
    folder: folder, modelType: "", length: length,
    openCLIP: .init(
      usesTransformers: number == 6, cleaning: number == 6 ? "canonicalize" : nil))
}

/// One of each kind, that vitc and its tests read.
private let textTokenizers: [Tokenizer] = {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Goldens/tokenizers").path
  let requests =
    [
      ("clip", "clip", 77), ("clip-as-written", "clip", 12), ("siglip", "siglip", 64),
      ("siglip2", "siglip2", 64), ("metaclip2", "metaclip_2", 77),
    ].map { name, type, length in
      TokenizerRequest(folder: "\(folder)/\(name)", modelType: type, length: length)
    }
    + [("openclip", false, nil), ("openclip-siglip", true, "canonicalize")].map {
      name, usesTransformers, cleaning in
      TokenizerRequest(
        folder: "\(folder)/\(name)", modelType: "", length: 64,
        openCLIP: .init(usesTransformers: usesTransformers, cleaning: cleaning))
    }
  return requests.map { request in
    do throws(Diagnostic) {
      return try Tokenizer(request)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}()

/// What comes of a text.
private struct Attempt: Equatable {
  /// The ids with their padding; `nil` where the text is refused.
  var ids: [Int32]?
  var wholeCount = 0
}

/// Holds the code of libraries to its promises: a text is refused with a reason, or has ids of the
/// vocabulary, exactly as many as the tower reads; the same bytes have the same ids, whatever came
/// before; and vitc's own way gives them too.
private func check(_ tokenizer: Tokenizer, _ text: [UInt8]) {
  let whole = String(validating: text, as: UTF8.self)
  let found = attempt(tokenizer, text, isText: whole != nil)
  promise(attempt(tokenizer, text, isText: whole != nil) == found, "other ids the second time")
  promise(used(tokenizer, text) == found, "other ids after another text")
  guard let whole else {
    promise(found.ids == nil, "ids of what is no text")
    return
  }
  do throws(Diagnostic) {
    let tokens = try tokenizer.tokens(whole)
    promise(
      tokenizer.padded(tokens.numbers) == found.ids && tokens.wholeCount == found.wholeCount,
      "other ids in vitc: \(tokens), \(found)")
    promise(
      tokens.numbers.count == min(tokens.wholeCount, tokens.numbers.count)
        && tokens.numbers.count <= tokenizer.length,
      "\(tokens.numbers.count) of \(tokens.wholeCount) numbers")
  } catch {
    promise(found.ids == nil && !error.message.isEmpty, "refused by vitc alone: \(error)")
  }
}

/// As a library makes ids: what is read and written lies within what was given.
private func attempt(_ tokenizer: Tokenizer, _ text: [UInt8], isText: Bool) -> Attempt {
  let small = SmallProgram()
  // Memory of exactly the size, so that AddressSanitizer sees one byte too many.
  let bytes = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
  let ids = UnsafeMutablePointer<Int32>.allocate(capacity: tokenizer.length)
  defer {
    bytes.deallocate()
    ids.deallocate()
  }
  for (index, byte) in text.enumerated() { bytes[index] = CChar(bitPattern: byte) }
  ids.initialize(repeating: .min, count: tokenizer.length)
  return tokenizer.table.withUnsafeBytes { table in
    small.program.pointee.tokenizer = table.baseAddress
    var wholeCount = 0
    let status = vit_rt_tokenize(small.program, bytes, text.count, ids, &wholeCount)
    guard status == VIT_OK else {
      promise(status == VIT_INVALID_ARGUMENT && !small.lastError.isEmpty, "status \(status)")
      promise(
        small.lastError.hasPrefix("the text is not UTF-8") == !isText,
        "refused for another reason: \(small.lastError)")
      return Attempt()
    }
    let all = UnsafeBufferPointer(start: ids, count: tokenizer.length)
    promise(
      all.allSatisfy { (0..<tokenizer.vocabulary).contains(Int($0)) },
      "ids outside of 0..<\(tokenizer.vocabulary): \(Array(all))")
    return Attempt(ids: Array(all), wholeCount: wholeCount)
  }
}

/// By memory that other texts have left.
private func used(_ tokenizer: Tokenizer, _ text: [UInt8]) -> Attempt {
  tokenizer.table.withUnsafeBytes { bytes in
    guard let address = bytes.baseAddress, let table = TokenTable(address) else {
      promise(false, "a damaged table")
      return Attempt()
    }
    var maker = TokenMaker(table)
    defer { maker.release() }
    for other in [Array("The naïve ÉCOLE'S 7 ▁▁ \u{1100}\u{1161}\u{11A8}".utf8), text.reversed()] {
      _ = maker.run(other, count: other.count)
    }
    guard case .done = maker.run(text + [0], count: text.count) else { return Attempt() }
    promise(maker.wholeCount >= maker.numbers.count, "more numbers than there are")
    var ids = [Int32](repeating: .min, count: table.length)
    maker.write(to: &ids)
    return Attempt(ids: ids, wholeCount: maker.wholeCount)
  }
}
