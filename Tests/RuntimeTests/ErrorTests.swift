import CVitABI
import Foundation
import Packaging
import Synchronization
import Testing

@testable import VitRuntime

/// The text of the calling thread's last failure.
private func lastError(_ entry: vit_entry) -> String {
  entry.last_error().map { String(cString: $0) } ?? "null"
}

@Suite struct ErrorTests {
  func error(_ body: () throws -> Void) -> VitError? {
    #expect(throws: VitError.self) { try body() }
  }

  @Test func missingLibrary() {
    let error = error { _ = try VitModel(path: "/nowhere/libnone.so") }
    #expect(error?.status == .libraryUnreadable)
    #expect(error?.message == "cannot load '/nowhere/libnone.so': no such file")
  }

  /// A cut library would kill the process when the dynamic linker, or a run, touches what is
  /// missing.
  @Test func truncatedLibraries() throws {
    let folder = try Folder()
    let whole = try Data(contentsOf: URL(fileURLWithPath: try Fixture.library()))
    let path = folder("libcut.so")
    func message(_ bytes: Data) throws -> String? {
      try bytes.write(to: URL(fileURLWithPath: path))
      let error = error { _ = try VitModel(path: path) }
      #expect(error?.status == .libraryUnreadable)
      return error?.message
    }
    for count in [5, 63, 64, 100, 600, 4096, whole.count / 2] {
      let message = try message(whole.prefix(count))
      #expect(message?.hasPrefix("cannot load '\(path)': it is truncated") == true, "\(count)")
    }
    #expect(try message(Data())?.hasSuffix(": it is not a shared library") == true)
    #expect(try message(Data("a text".utf8))?.hasSuffix(": it is not a shared library") == true)
    var narrow = whole
    narrow[4] = 1  // 32 bits
    #expect(
      try message(narrow)?.hasSuffix(": it is not a shared library for a 64-bit processor") == true)
    var endless = whole
    // The size in the file of the first segment, the second entry of the table at 64.
    endless.replaceSubrange(64 + 56 + 32..<64 + 56 + 40, with: [UInt8](repeating: 255, count: 8))
    #expect(try message(endless)?.contains("it is truncated") == true)
    #expect(error { _ = try VitModel(path: folder.path) }?.message.hasSuffix("a folder") == true)
    #expect(
      error { _ = try VitModel(path: "/dev/null") }?.message
        == "cannot load '/dev/null': it is not a regular file")
  }

  @Test func otherLibrary() throws {
    let folder = try Folder()
    try Data("int x;".utf8).write(to: URL(fileURLWithPath: folder("x.c")))
    let built = try shell(["clang", "-shared", folder("x.c"), "-o", folder("libx.so")])
    try #require(built.status == 0, "\(built.text)")
    let path = folder("libx.so")
    let error = error { _ = try VitModel(path: path) }
    #expect(error == VitError(.notAModel, "'\(path)' is not a model compiled by vitc"))
  }

  @Test func otherVersion() throws {
    let folder = try Folder()
    let path = try Fixture.build(defines: ["ABI=7"], in: folder)[0]
    let error = error { _ = try VitModel(path: path) }
    #expect(error?.status == .abiMismatch)
    #expect(
      error?.message == "'\(path)' has version 7 of the binary interface, expected 2; "
        + "compile it with this version of vitc")
  }

  @Test func unsupportedProcessor() throws {
    let folder = try Folder()
    let path = try Fixture.build(defines: ["UNSUPPORTED=1"], in: folder)[0]
    let error = error { _ = try VitModel(path: path) }
    #expect(error?.status == .unsupportedCPU)
    #expect(
      error?.message == "this processor or kernel runs none of the model's instruction sets: "
        + "toy-v1 needs psychic, telepathy kept by the kernel")
  }

  @Test func hugeArena() throws {
    let folder = try Folder()
    for bytes in ["0x700000000000ull", "0xffffffffffffffffull"] {
      let path = try Fixture.build(defines: ["ARENA_BYTES=\(bytes)"], in: folder)[0]
      let model = try VitModel(path: path, options: VitOptions(threads: 2))
      let error = error { _ = try model.makeContext() }
      #expect(error?.status == .outOfMemory)
      #expect(error?.message.hasPrefix("no memory for a context of 2 tasks with ") == true)
    }
  }

  @Test func threadCounts() throws {
    for threads in [-1, 1025] {
      let error = error {
        _ = try VitModel(path: try Fixture.library(), options: VitOptions(threads: threads))
      }
      #expect(error?.status == .invalidArgument)
      #expect(
        error?.message == "options.threads is \(threads), expected 0 (all processors) to 1024")
    }
  }

  @Test func sizeOfOptions() throws {
    let model = try VitModel(path: try Fixture.library())
    let entry = model.entry.pointee
    var options = vit_options()
    var made: OpaquePointer?
    for size in [0, 4, 7, 5000, Int(UInt32.max)] {
      options.size = size
      #expect(entry.create(&options, &made) == VIT_INVALID_ARGUMENT)
      #expect(
        lastError(entry)
          == "options.size is \(size), expected sizeof of the options struct, 56")
      #expect(made == nil)
    }
    // Fields beyond the caller's size are not read: a later one that is nonsense does no harm.
    options.threads = -5
    for size in [8, 11] {
      options.size = size
      #expect(entry.create(&options, &made) == VIT_OK)
      entry.destroy(made)
    }
    options.size = 12
    #expect(entry.create(&options, &made) == VIT_INVALID_ARGUMENT)
    options.threads = 1
    // Where the fields begin, whatever a smaller struct has there instead.
    "/nowhere/weights".withCString { text in
      for (size, works) in [(32, true), (39, true), (40, false)] {
        options.weights_path = text
        options.size = size
        #expect((entry.create(&options, &made) == VIT_OK) == works, "\(size)")
        if works { entry.destroy(made) }
      }
      options.weights_path = nil
      for (size, works) in [(40, true), (47, true), (48, false)] {
        options.isa = text
        options.size = size
        #expect((entry.create(&options, &made) == VIT_OK) == works, "\(size)")
        if works { entry.destroy(made) }
      }
    }
    options.isa = nil
    options.parallel_for = { _, _, _, _ in }
    options.size = 23
    #expect(entry.create(&options, &made) == VIT_OK)
    var context: OpaquePointer?
    #expect(entry.context_create(made, &context) == VIT_OK)
    var output = [Float](repeating: -7, count: 64)
    #expect(entry.run(context, [Float](repeating: 1, count: 4096), 1, &output) == VIT_OK)
    #expect(output.contains { $0 != -7 })
    entry.context_destroy(context)
    entry.destroy(made)
    options.parallel_for = nil
    // A later version's larger struct is accepted.
    options.threads = 1
    options.size = 64
    var larger: (vit_options, UInt64, UInt64, UInt64) = (options, 0, 0, 0)
    let status = withUnsafePointer(to: &larger) {
      $0.withMemoryRebound(to: vit_options.self, capacity: 1) { entry.create($0, &made) }
    }
    #expect(status == VIT_OK)
    entry.destroy(made)
    // None at all means defaults.
    #expect(entry.create(nil, &made) == VIT_OK)
    entry.destroy(made)
  }

  /// No value of any field ends the process: `size_t` beyond 2^63 is negative in Swift.
  @Test func sizesBeyondMemory() throws {
    let model = try VitModel(path: try Fixture.library(), options: VitOptions(threads: 1))
    let entry = model.entry.pointee
    var made: OpaquePointer?
    let most = "18446744073709551615"
    for (size, text) in [(-1, most), (.min, "9223372036854775808"), (-8, "18446744073709551608")] {
      var options = vit_options()
      options.size = size
      #expect(entry.create(&options, &made) == VIT_INVALID_ARGUMENT)
      #expect(
        lastError(entry) == "options.size is \(text), expected sizeof of the options struct, 56")
      var result = vit_selftest_result()
      result.size = size
      #expect(entry.selftest(model.handle, &result) == VIT_INVALID_ARGUMENT)
      #expect(
        lastError(entry) == "result.size is \(text), expected sizeof of the result struct, 24")
      var image = Fixture.images(1)
      var output = [Float](repeating: 0, count: 60)
      #expect(entry.context_create(model.handle, &made) == VIT_OK)
      #expect(entry.run(made, &image, size, &output) == VIT_INVALID_ARGUMENT)
      #expect(lastError(entry) == "count is \(text), which is more than memory can hold")
      #expect(entry.run_all(made, &image, size, [nil, nil]) == VIT_INVALID_ARGUMENT)
      entry.context_destroy(made)
      #expect(entry.preprocess([1, 2, 3], 1, 2, size, &output) == VIT_INVALID_ARGUMENT)
      #expect(lastError(entry) == "row_bytes is \(text), which is more than memory can hold")
    }
    // Large, but not negative.
    var output = [Float](repeating: 0, count: 60)
    for rows in [Int.max, 1 << 62, 1 << 46] {
      #expect(entry.preprocess([1, 2, 3], 1, 2, rows, &output) == VIT_INVALID_ARGUMENT)
    }
    #expect(entry.preprocess([1, 2, 3], .max, .max, .max, &output) == VIT_INVALID_ARGUMENT)
    for (width, height) in [(Int32.min, 1), (1, .min), (-1, -1)] as [(Int32, Int32)] {
      #expect(entry.preprocess([1, 2, 3], width, height, 3, &output) == VIT_INVALID_ARGUMENT)
    }
  }

  /// Structs of any bytes, as those that nobody initialized; but no pointers, which nobody can
  /// check.
  @Test func anyBytesInStructs() throws {
    let model = try VitModel(path: try Fixture.library(), options: VitOptions(threads: 1))
    let entry = model.entry.pointee
    var made: OpaquePointer?
    var random = SystemRandomNumberGenerator()
    for round in 0..<2000 {
      var options = vit_options()
      var result = vit_selftest_result()
      withUnsafeMutableBytes(of: &options) { bytes in
        for i in bytes.indices { bytes[i] = round == 0 ? 0xff : random.next() }
      }
      withUnsafeMutableBytes(of: &result) { bytes in
        for i in bytes.indices { bytes[i] = round == 0 ? 0xff : random.next() }
      }
      // Of sizes that are one's, so that fields are read.
      if round % 2 == 1 { options.size = Int.random(in: 8...64) }
      if round % 4 == 3 { result.size = Int.random(in: 24...64) }
      options.parallel_for = nil
      options.weights_path = nil
      options.isa = nil
      if options.threads > 64 { options.threads &+= 1024 }
      let status = entry.create(&options, &made)
      #expect(status == VIT_OK || status == VIT_INVALID_ARGUMENT)
      #expect((made != nil) == (status == VIT_OK))
      entry.destroy(made)
      let tested = entry.selftest(model.handle, &result)
      #expect(tested == VIT_NO_SELFTEST || tested == VIT_INVALID_ARGUMENT)
    }
  }

  @Test func nullPointers() throws {
    let model = try VitModel(path: try Fixture.library(), options: VitOptions(threads: 1))
    let entry = model.entry.pointee
    var context: OpaquePointer?
    #expect(entry.context_create(model.handle, &context) == VIT_OK)
    var image = Fixture.images(1)
    var output = [Float](repeating: 0, count: 7)
    func expect(_ status: vit_status, _ text: String) {
      #expect(status == VIT_INVALID_ARGUMENT)
      #expect(lastError(entry) == text)
    }
    expect(entry.create(nil, nil), "model is null")
    expect(entry.context_create(nil, &context), "model is null")
    #expect(context == nil)
    #expect(entry.context_create(model.handle, &context) == VIT_OK)
    expect(entry.context_create(model.handle, nil), "context is null")
    expect(entry.run(nil, &image, 1, &output), "context is null")
    expect(entry.run(context, nil, 1, &output), "images is null")
    expect(entry.run(context, &image, 1, nil), "output is null")
    expect(entry.run(context, &image, 0, &output), "count is 0, expected at least one image")
    expect(
      entry.run(context, &image, 1 << 50, &output),
      "count is \(1 << 50), which is more than memory can hold")
    expect(entry.run_all(context, &image, 1, nil), "outputs is null")
    expect(entry.preprocess(nil, 1, 1, 3, &output), "rgb is null")
    expect(entry.preprocess([1, 2, 3], 1, 1, 3, nil), "image is null")
    expect(
      entry.preprocess([1, 2, 3], 0, 1, 3, &output),
      "picture is 0 x 1 pixels, expected at least 1 x 1")
    expect(
      entry.preprocess([1, 2, 3], 1, 1, 2, &output),
      "row_bytes is 2, expected at least 3")
    entry.context_destroy(context)
    entry.context_destroy(nil)
    entry.destroy(nil)
  }

  @Test func wrongSizes() throws {
    let context = try VitModel(path: try Fixture.library()).makeContext()
    #expect(
      error { _ = try context.run(images: [1, 2], count: 1) }?.message
        == "images has 2 floats, expected 1 x [3, 4, 5] = 60")
    #expect(
      error { _ = try context.run(images: [], count: 0) }?.message
        == "count is 0, expected 1 or more")
    #expect(
      error { _ = try context.runAll(images: Fixture.images(1), outputs: ["logit"]) }?.message
        == "the model has no output 'logit', but 'logits', 'tokens'")
  }

  @Test func textsBelongToTheirThread() throws {
    let model = try VitModel(path: try Fixture.library())
    let entry = model.entry.pointee
    var made: OpaquePointer?
    var options = vit_options()
    options.size = 1
    #expect(entry.create(&options, &made) == VIT_INVALID_ARGUMENT)
    let before = lastError(entry)
    let other = Mutex<[String]>([])
    let finished = DispatchSemaphore(value: 0)
    let thread = Thread {
      let entry = model.entry.pointee
      other.withLock { $0.append(lastError(entry)) }
      var made: OpaquePointer?
      _ = entry.context_create(nil, &made)
      other.withLock { $0.append(lastError(entry)) }
      finished.signal()
    }
    thread.start()
    finished.wait()
    #expect(other.withLock { $0 } == ["", "model is null"])
    #expect(lastError(entry) == before)
  }

  @Test func sameContextTwiceAtOnce() throws {
    // The parallel-for of the first run starts a second one in the same context.
    let context = Mutex<UInt>(0)
    let seen = Mutex<[String]>([])
    let entryAddress = Mutex<UInt>(0)
    let options = VitOptions(threads: 1) { count, task in
      let handle = OpaquePointer(bitPattern: context.withLock { $0 })
      if let entry = UnsafePointer<vit_entry>(bitPattern: entryAddress.withLock { $0 }) {
        var image = Fixture.images(1)
        var output = [Float](repeating: 0, count: 7)
        if entry.pointee.run(handle, &image, 1, &output) == VIT_INVALID_ARGUMENT {
          seen.withLock { $0.append(lastError(entry.pointee)) }
        }
      }
      for i in 0..<count { task(i) }
    }
    let model = try VitModel(path: try Fixture.library(), options: options)
    var made: OpaquePointer?
    #expect(model.entry.pointee.context_create(model.handle, &made) == VIT_OK)
    context.withLock { $0 = UInt(bitPattern: made) }
    entryAddress.withLock { $0 = UInt(bitPattern: model.entry) }
    var image = Fixture.images(1)
    var output = [Float](repeating: 0, count: 7)
    #expect(model.entry.pointee.run(made, &image, 1, &output) == VIT_OK)
    #expect(output == Fixture.expected(image).logits)
    #expect(
      // Once for each step.
      seen.withLock { $0 }
        == Array(
          repeating: "the context is in a run already; use one context for each thread", count: 3))
    model.entry.pointee.context_destroy(made)
  }
}
