import CVitSystem

/// Memory that grows, of elements that are copied as bytes.
///
/// Where memory is refused nothing is appended any more and ``isShort`` says so: who fills a buffer
/// asks before it is read. Swift's arrays would end the process.
public struct Buffer<Element: BitwiseCopyable> {
  private var base: UnsafeMutablePointer<Element>?
  private var capacity = 0
  /// The elements in use.
  public private(set) var count = 0
  /// `true` iff memory was refused since the buffer was made.
  public private(set) var isShort = false

  /// More elements are refused as memory is: what counts them in 32 bits stays far from their end,
  /// whatever a tokenizer makes of the longest text.
  private static var most: Int { 1 &<< 28 }
  /// Elements of the first piece of memory.
  private static var firstCapacity: Int { 64 }

  init() {}

  /// The element at an index below ``count``.
  public subscript(index: Int) -> Element {
    get {
      assert(index >= 0 && index < count)
      return base.unsafelyUnwrapped[index]
    }
    set {
      assert(index >= 0 && index < count)
      base.unsafelyUnwrapped[index] = newValue
    }
  }

  /// The elements, not valid when the buffer has grown; `nil` where there have never been any.
  var elements: UnsafePointer<Element>? { base.map { UnsafePointer($0) } }

  /// Appends an element, if there is memory.
  mutating func append(_ element: Element) {
    if count == capacity, !grow(count &+ 1) { return }
    base.unsafelyUnwrapped[count] = element
    count &+= 1
  }

  /// Appends elements, if there is memory for all of them.
  mutating func append(_ elements: UnsafePointer<Element>, count added: Int) {
    if count &+ added > capacity, !grow(count &+ added) { return }
    for index in 0..<added { base.unsafelyUnwrapped[count &+ index] = elements[index] }
    count &+= added
  }

  /// Leaves the first `count` elements.
  mutating func truncate(to count: Int) { if count < self.count { self.count = count } }

  private mutating func grow(_ wanted: Int) -> Bool {
    guard wanted <= Buffer.most else {
      isShort = true
      return false
    }
    var larger = capacity == 0 ? Buffer.firstCapacity : capacity &* 2
    while larger < wanted { larger &*= 2 }
    guard let memory = malloc(numericCast(larger &* MemoryLayout<Element>.stride)) else {
      isShort = true
      return false
    }
    let moved = memory.bindMemory(to: Element.self, capacity: larger)
    if let base {
      for index in 0..<count { moved[index] = base[index] }
      free(base)
    }
    (base, capacity) = (moved, larger)
    return true
  }

  /// Gives the memory back; the buffer is not used afterwards.
  func release() { free(base) }
}
