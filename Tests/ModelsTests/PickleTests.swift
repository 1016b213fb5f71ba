import Testing

@testable import Models

/// The interpreter of pickles, on pickles that are spelt here.
@Suite struct PickleTests {
  /// What running a pickle ends with, if not with a value.
  private func error(_ bytes: [UInt8]) -> PickleError? {
    do throws(PickleError) {
      _ = try PickleMachine.run(bytes)
      return nil
    } catch {
      return error
    }
  }

  private func pickle(_ text: String) -> [UInt8] { [0x80, 2] + text.utf8 }

  @Test(arguments: [
    ("", "it is cut off"),
    ("N", "it is cut off"),
    (".", "its stack is empty"),
    ("(N0.", "its stack is empty"),
    ("t.", "a mark is missing"),
    ("Nt.", "a mark is missing"),
    ("(NR.", "its stack is empty"),
    ("NNR.", "None is called"),
    ("Na.", "its stack is empty"),
    ("NNa.", "elements are added to None"),
    ("NNNs.", "items are set in None"),
    ("}(Nu.", "a key has no value"),
    ("h\u{7}.", "nothing is kept at 7"),
    ("X\u{9}\0\0\0abc.", "it is cut off"),
    ("cos\nsystem\n.", "it names 'os.system', which is not on the list of what tensors need"),
    ("cos\nsystem", "it is cut off"),
    (
      "cbuiltins\neval\n(U\u{1}1tR.",
      "it names 'builtins.eval', which is not on the list of what tensors need"
    ),
    (
      "c__builtin__\ngetattr\n.",
      "it names '__builtin__.getattr', which is not on the list of what tensors need"
    ),
    (
      "cbuiltins\n__import__\n.",
      "it names 'builtins.__import__', which is not on the list of what tensors need"
    ),
    ("ctorch\nload\n.", "it names 'torch.load', which is not on the list of what tensors need"),
    ("ctorch\nFloatStorage\n)R.", "'torch.FloatStorage' cannot be called"),
    ("ctorch\nFloatStorage\nNR.", "'torch.FloatStorage' is called with None"),
    ("(ios\nsystem\n.", "the operation INST is not one that tensors need"),
    ("(N o.", "0x20 is not an operation"),
    ("(No.", "the operation OBJ is not one that tensors need"),
    ("I1\n.", "the operation INT is not one that tensors need"),
    ("Pid\n.", "the operation PERSID is not one that tensors need"),
    ("NQ.", "a storage is named by None, expected type, key and count"),
    (
      "ctorch._utils\n_rebuild_parameter\n(NtR.",
      "'torch._utils._rebuild_parameter' is given no tensor"
    ),
    ("ctorch\nSize\n)R.", "'torch.Size' has 0 arguments, expected 1"),
    (
      "ccollections\nOrderedDict\n((NttR.",
      "'collections.OrderedDict' is given None, expected a key and a value"
    ),
  ])
  func refuses(text: String, message: String) throws {
    #expect(error(pickle(text))?.message == message)
  }

  @Test func refusesNamesOffTheStack() throws {
    let short: (String) -> [UInt8] = { [0x8C, UInt8($0.utf8.count)] + $0.utf8 }
    let named = [0x80, 4] + short("os") + short("system") + [0x93]
    let refused = try #require(error(named))
    #expect(refused.global == "os.system")
    #expect(refused.offset == named.count - 1)
    #expect(
      error([0x80, 4] + short("os") + [0x4E, 0x93])?.message == "a name is None, expected a string")
    #expect(error([0x80, 9])?.message == "protocol 9, expected at most 5")
  }

  @Test func readsIntegers() throws {
    for value in [0, 1, -1, 255, -256, Int.max, Int.min, 1 << 40] {
      var writer = PickleWriter()
      writer.integer(value)
      let (memory, root) = try PickleMachine.run(writer.finished)
      guard case .integer(value) = memory[root] else {
        Issue.record("\(value) is read as \(memory[root].described)")
        continue
      }
    }
    let (memory, root) = try PickleMachine.run(pickle("J\u{1}\0\0\0M\u{2}\0\u{8}".prefix(5) + "."))
    #expect(memory[root].described == "the integer 1")
    let (large, last) = try PickleMachine.run(
      [0x80, 2, 0x8A, 9] + [UInt8](repeating: 1, count: 9) + [0x2E])
    #expect(large[last].described == "a large integer")
  }

  /// Values that hold themselves or nest deeply take neither the stack nor for ever.
  @Test func survivesNesting() throws {
    // `]` put into itself, then a dictionary into itself under 'model'.
    _ = try PickleMachine.run(pickle("]2a."))
    var writer = PickleWriter()
    writer.op("}2")
    writer.text("model")
    writer.op("h\u{0}")
    #expect(error(writer.finished)?.message == "nothing is kept at 0")
    var own = PickleWriter()
    own.op("}q\u{0}")
    own.text("model")
    own.op("h\u{0}s")
    let (memory, root) = try PickleMachine.run(own.finished)
    #expect(throws: TorchFault.self) { try TorchState(memory, root: root) }
    // A tuple in a tuple in a tuple …
    let deep = [0x80, 2, 0x4E] + [UInt8](repeating: 0x85, count: 1 << 18) + [0x2E]
    let (tuples, top) = try PickleMachine.run(deep)
    #expect(tuples[top].described == "a tuple of 1")
  }

  @Test func boundsOperations() {
    // NONE, over and over.
    let long = [0x80, 2] + [UInt8](repeating: 0x4E, count: 1 << 22)
    #expect(error(long)?.message == "it has more than 4194304 operations")
  }
}
