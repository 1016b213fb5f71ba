import CVitABI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A compiled model: its weights and settings.
///
/// A model may be used from any number of threads at once, each with a context of its own:
///
/// ```swift
/// let model = try VitModel(path: "libdigits.so")
/// let context = try model.makeContext()
/// let logits = try context.run(images: pixels, count: 1)
/// ```
public final class VitModel: Sendable {
  /// What the model is.
  public let description: VitDescription
  /// What it is for each size of images, the first of which `description` is of.
  ///
  /// Calls that take a `size` take a place in this list. Descriptions differ in the shapes of input
  /// and outputs, in `flops`, `arenaBytes` and `json`.
  public let sizes: [VitDescription]
  /// The instruction set that it runs, such as `x86-64-v3`.
  public let isa: String

  // Immutable, and the functions behind them may be called from any thread.
  nonisolated(unsafe) let entry: UnsafePointer<vit_entry>
  nonisolated(unsafe) let handle: OpaquePointer
  /// What `dlopen` returned; `nil` for a model that is part of the program.
  private nonisolated(unsafe) let library: UnsafeMutableRawPointer?
  /// The parallel-for that the model calls.
  private let parallelFor: ParallelForBox?

  /// Loads a compiled model from a shared library.
  ///
  /// - Parameter path: the library; a name without a slash is looked for in the current folder.
  /// - Throws: `VitError` if the file is absent, is not a compiled model, was compiled for another
  ///   version of the interface or for another processor, or if its weights cannot be used.
  public convenience init(
    path: String, options: VitOptions = VitOptions()
  ) throws(VitError) {
    // dlopen would look for a bare name in the system's folders.
    let file = path.contains("/") ? path : "./" + path
    if let fault = LibraryFile.fault(file) {
      throw VitError(.libraryUnreadable, "cannot load '\(path)': \(fault)")
    }
    guard let library = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "unknown reason"
      throw VitError(.libraryUnreadable, "cannot load '\(path)': \(reason)")
    }
    do throws(VitError) {
      guard let symbol = vit_entry_symbol(library), let function = dlsym(library, symbol),
        let entry = vit_call_entry(function)
      else {
        throw VitError(.notAModel, "'\(path)' is not a model compiled by vitc")
      }
      try self.init(entry: entry, library: library, options: options, place: "'\(path)'")
    } catch {
      dlclose(library)
      throw error
    }
  }

  /// Uses a compiled model that is linked into the program.
  ///
  /// - Parameter entry: what `NAME_vitc_entry()` of the model's header returns.
  public convenience init(
    entry: OpaquePointer, options: VitOptions = VitOptions()
  ) throws(VitError) {
    try self.init(
      entry: UnsafePointer(entry), library: nil, options: options, place: "the model")
  }

  /// The table's size in the first version of the interface; it only grows.
  private static let leastEntryBytes = MemoryLayout<vit_entry>.offset(of: \.isa) ?? 0

  private init(
    entry: UnsafePointer<vit_entry>, library: UnsafeMutableRawPointer?, options: VitOptions,
    place: String
  ) throws(VitError) {
    // These two fields come first in every version.
    guard entry.pointee.abi_version == VIT_ABI_VERSION else {
      throw VitError(
        .abiMismatch,
        "\(place) has version \(entry.pointee.abi_version) of the binary interface, "
          + "expected \(VIT_ABI_VERSION); compile it with this version of vitc")
    }
    guard entry.pointee.size >= VitModel.leastEntryBytes,
      let description = entry.pointee.description?()
    else { throw VitError(.notAModel, "\(place) has no complete table of functions") }
    guard let threads = Int32(exactly: options.threads) else {
      throw VitError(.invalidArgument, "threads is \(options.threads), out of range")
    }
    let box = options.parallelFor.map { ParallelForBox($0) }
    var raw = vit_options()
    raw.size = MemoryLayout<vit_options>.size
    raw.threads = threads
    raw.step_times = options.measuresSteps ? 1 : 0
    if let box {
      raw.parallel_for = ParallelForBox.callback
      raw.parallel_for_context = Unmanaged.passUnretained(box).toOpaque()
    }
    var made: OpaquePointer?
    let status = withCString(options.weightsPath) { path in
      withCString(options.isa) { isa in
        raw.weights_path = path
        raw.isa = isa
        return entry.pointee.create(&raw, &made)
      }
    }
    try VitModel.check(status, entry)
    guard let made else { throw VitError(.notAModel, "\(place) made no model") }

    self.description = VitDescription(description.pointee)
    sizes = VitModel.sizes(entry) ?? [VitDescription(description.pointee)]
    isa =
      entry.has(\.isa) ? entry.pointee.isa(made).map { String(cString: $0) } ?? "" : ""
    self.entry = entry
    self.library = library
    handle = made
    parallelFor = box
  }

  deinit {
    entry.pointee.destroy(handle)
    if let library { dlclose(library) }
  }

  /// What a library for images of several sizes says of each; `nil` for any other.
  private static func sizes(_ entry: UnsafePointer<vit_entry>) -> [VitDescription]? {
    guard entry.has(\.sizes), let list = entry.pointee.sizes?() else { return nil }
    var sizes: [VitDescription] = []
    while let description = list[sizes.count] {
      sizes.append(VitDescription(description.pointee))
    }
    return sizes
  }

  /// Makes what one run at a time needs: memory and threads.
  public func makeContext() throws(VitError) -> VitContext { try VitContext(self) }

  /// Makes one image of the model's input, [channels, height, width], from an RGB picture.
  ///
  /// - Parameters:
  ///   - rgb: rows from top to bottom, 3 bytes a pixel, red first.
  ///   - rowBytes: from one row to the next; 3 * width by default.
  ///   - size: the size of the image, a place in `sizes`.
  public func preprocess(
    rgb: [UInt8], width: Int, height: Int, rowBytes: Int? = nil, size: Int = 0
  ) throws(VitError) -> [Float] {
    var image = [Float](repeating: 0, count: try sized(size).input.elements)
    var span = image.mutableSpan
    try preprocess(
      rgb: rgb.span.bytes, width: width, height: height, rowBytes: rowBytes, size: size,
      into: &span)
    return image
  }

  /// Runs one made-up image and compares the outputs with those that vitc computed when it made the
  /// library; takes as long as making a context and one run.
  ///
  /// ```swift
  /// let test = try model.selftest()
  /// guard test.passed else { return refuse("error \(test.error), limit \(test.limit)") }
  /// ```
  ///
  /// - Throws: `VitError` if the library has no self-test values or the image cannot be run; a
  ///   result beyond the limit is not thrown but returned.
  public func selftest() throws(VitError) -> VitSelfTest {
    guard entry.has(\.selftest) else {
      throw VitError(
        .noSelfTestValues, "the model was compiled by a version of vitc without self-tests")
    }
    var result = vit_selftest_result()
    result.size = MemoryLayout<vit_selftest_result>.size
    let status = entry.pointee.selftest(handle, &result)
    if status != VIT_SELFTEST_FAILED { try check(status) }
    return VitSelfTest(error: result.error, limit: result.limit)
  }

  /// Throws the calling thread's last failure unless `status` is VIT_OK.
  func check(_ status: vit_status) throws(VitError) { try VitModel.check(status, entry) }

  private static func check(
    _ status: vit_status, _ entry: UnsafePointer<vit_entry>
  ) throws(VitError) {
    guard status != VIT_OK else { return }
    let text = entry.pointee.last_error().map { String(cString: $0) } ?? ""
    throw VitError(
      VitError.Status(code: status), text.isEmpty ? "the model returned status \(status)" : text)
  }
}

extension UnsafePointer where Pointee == vit_entry {
  /// `true` iff the table has this field: tables of models compiled earlier are shorter.
  func has<Field>(_ field: KeyPath<vit_entry, Field>) -> Bool {
    guard let offset = MemoryLayout<vit_entry>.offset(of: field) else { return false }
    return pointee.size >= offset + MemoryLayout<Field>.size
  }
}

/// Hands out a C string, or a null pointer.
private func withCString<Result>(
  _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
) -> Result {
  text.map { $0.withCString(body) } ?? body(nil)
}
