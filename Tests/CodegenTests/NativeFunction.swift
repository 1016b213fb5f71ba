import Glibc
import SeededRandom
import Synchronization
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Generated code that runs here: emitted, linked by an ELF linker, loaded; or, of another
/// architecture, run by an emulator.
final class NativeFunction: @unchecked Sendable {
  private enum Code {
    case loaded(library: UnsafeMutableRawPointer, symbol: UnsafeMutableRawPointer)
    case emulated(EmulatedFunction)
  }

  private let code: Code

  /// The function's address, of code that is loaded.
  var symbol: UnsafeMutableRawPointer {
    guard case .loaded(_, let symbol) = code else {
      preconditionFailure("emulated code has no address here")
    }
    return symbol
  }

  /// The linker, or `nil` with the reason for skipping.
  static let linker: String? = {
    let folders = (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin").split(separator: ":")
    for name in ["ld.lld", "ld"] {
      for folder in folders where access("\(folder)/\(name)", X_OK) == 0 {
        return "\(folder)/\(name)"
      }
    }
    return nil
  }()

  /// Emits a module that `fill` writes, `name` being its exported function.
  init(target: Target, symbol name: String = "run", _ fill: (Builder) throws -> Void) throws {
    let module = Module(name: "test", target: target)
    try fill(module.builder)
    let machine = try TargetMachine(target)
    try machine.optimize(module)
    let object = try machine.object(of: module)
    var template = Array("\(NativeFunction.temporary)/vitc-test-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { rmdir(folder) }
    let (objectPath, libraryPath) = ("\(folder)/test.o", "\(folder)/test.so")
    try NativeFunction.write(object, to: objectPath)
    defer { unlink(objectPath) }
    let linker = try #require(NativeFunction.linker)
    let status = NativeFunction.spawn(
      [linker, "-shared", "-z", "noexecstack", "-o", libraryPath, objectPath])
    try #require(status == 0)
    defer { unlink(libraryPath) }
    guard target.isX86 == Target.portable[0].isX86 else {
      code = .emulated(try EmulatedFunction(library: libraryPath, symbol: name))
      return
    }
    let library = try #require(dlopen(libraryPath, RTLD_NOW | RTLD_LOCAL))
    code = .loaded(library: library, symbol: try #require(dlsym(library, name)))
  }

  deinit {
    if case .loaded(let library, _) = code { dlclose(library) }
  }

  private static var temporary: String {
    getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "wb"))
    let written = fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    try #require(written == bytes.count)
  }

  static func spawn(_ arguments: [String]) -> Int32 {
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    var child: pid_t = 0
    guard posix_spawn(&child, arguments[0], nil, nil, &pointers, environ) == 0 else { return -1 }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    return status
  }

  /// Calls `run(p0, …, p7, task, count)`; pointers that are not given are null.
  func callAsFunction(
    _ pointers: [UnsafeMutablePointer<Float>?], task: Int = 0, count: Int = 1
  ) {
    typealias Kernel =
      @convention(c) (
        UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?,
        UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?,
        UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Int, Int
      ) -> Void
    if case .emulated(let function) = code {
      return function.run(pointers, tasks: task..<task + 1, of: count)
    }
    let kernel = unsafeBitCast(symbol, to: Kernel.self)
    let p = pointers + Array(repeating: nil, count: 8 - pointers.count)
    kernel(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], task, count)
  }

  /// Calls every task of `count`, last first: the order must not matter.
  func all(_ pointers: [UnsafeMutablePointer<Float>?], count: Int) {
    if case .emulated(let function) = code {
      return function.run(pointers, tasks: 0..<count, of: count)
    }
    for task in (0..<count).reversed() { self(pointers, task: task, count: count) }
  }
}

/// Floats between two pages that may not be touched.
///
/// They begin at a multiple of 64 bytes, as weights, arenas and scratch memory do, and end so near
/// the page after that a vector load beyond the last whole line of 64 bytes is a SIGSEGV: kernels
/// may read up to the end of the cache line that holds the last element, and no further. What is
/// left of that line holds unusual numbers, which no kernel may change.
final class Floats {
  /// Which of the two pages is the near one.
  enum Placement: CaseIterable {
    /// The one behind: the buffer ends there, up to the rest of a cache line.
    case right
    /// The one before: the buffer begins there.
    case left
  }

  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  private let start: UnsafeMutableRawPointer
  private let roomBytes: Int
  private static let fence: Float = 12345.678
  private static let pageBytes = Int(getpagesize())

  init(count: Int, placement: Placement = .right, _ value: (Int) -> Float = { _ in 0 }) {
    let page = Floats.pageBytes
    let lineBytes = (count * 4 + 63) / 64 * 64
    self.count = count
    roomBytes = (lineBytes + page - 1) / page * page
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let mapping = mmap(nil, roomBytes + 2 * page, PROT_NONE, flags, -1, 0),
      mapping != MAP_FAILED,
      roomBytes == 0 || mprotect(mapping + page, roomBytes, PROT_READ | PROT_WRITE) == 0
    else { preconditionFailure("no memory for \(count) floats") }
    start = mapping + page
    let offset = placement == .right ? roomBytes - lineBytes : 0
    let all = start.bindMemory(to: Float.self, capacity: roomBytes / 4)
    all.update(repeating: Floats.fence, count: roomBytes / 4)
    pointer = all + offset / 4
    for i in 0..<count { pointer[i] = value(i) }
    Floats.living.withLock { $0[UInt(bitPattern: start)] = roomBytes }
  }

  convenience init(_ values: [Float], placement: Placement = .right) {
    self.init(count: values.count, placement: placement) { values[$0] }
  }

  deinit {
    Floats.living.withLock { $0[UInt(bitPattern: start)] = nil }
    munmap(start - Floats.pageBytes, roomBytes + 2 * Floats.pageBytes)
  }

  /// The pages between the fences of all buffers that there are: their bytes by their addresses.
  private static let living = Mutex<[UInt: Int]>([:])

  /// The pages that an address lies in.
  static func room(of address: UnsafeMutablePointer<Float>) -> UnsafeMutableRawBufferPointer? {
    let place = UInt(bitPattern: address)
    return living.withLock { rooms in
      rooms.first { $0.key <= place && place <= $0.key + UInt($0.value) }
    }.map {
      UnsafeMutableRawBufferPointer(
        start: UnsafeMutableRawPointer(bitPattern: $0.key), count: $0.value)
    }
  }

  /// `true` iff nothing was written before the beginning or behind the end.
  var isIntact: Bool {
    let all = UnsafeBufferPointer(
      start: start.assumingMemoryBound(to: Float.self), count: roomBytes / 4)
    let first = pointer - start.assumingMemoryBound(to: Float.self)
    return all[..<first].allSatisfy { $0 == Floats.fence }
      && all[(first + count)...].allSatisfy { $0 == Floats.fence }
  }

  /// The values.
  var values: [Float] { (0..<count).map { pointer[$0] } }
}

extension Floats {
  /// The stored bytes of a tensor as words.
  static func words(_ tensor: Tensor) -> Floats {
    tensor.withStoredBytes { bytes in
      Floats(count: (bytes.count + 3) / 4) { word in
        let rest = bytes[(word * 4)...].prefix(4)
        return Float(bitPattern: rest.reversed().reduce(0) { $0 << 8 | UInt32($1) })
      }
    }
  }
}

/// Draws numbers; the same state gives the same ones.
struct Random: RandomNumberGenerator {
  private var generator: SplitMix64

  init(state: UInt64) { generator = SplitMix64(seed: state) }

  mutating func next() -> UInt64 { generator.next() }

  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}
