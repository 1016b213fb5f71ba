import Diagnostics

/// A run of numbers that tensors are views of: one record of the archive.
struct TorchStorage: Hashable {
  /// The name of the record, after `data/`.
  var key: String
  /// The type of the elements; `nil` where only the tensor knows it, and `count` counts bytes.
  var element: TorchElement?
  /// How many elements the pickle says that it has.
  var count: Int
}

/// A tensor as a pickle describes it.
enum TorchTensor {
  /// A view of a storage.
  case view(TorchView)
  /// One that cannot be read: what is wrong with it.
  case fault(String)
}

/// A view of a storage: `shape` and `strides` in elements, from `offset` on.
struct TorchView: Hashable {
  /// The name of the record, after `data/`.
  var key: String
  var element: TorchElement
  /// How many elements the storage has.
  var storageCount: Int
  var offset: Int
  var shape: [Int]
  var strides: [Int]

  /// PyTorch's own limit on dimensions.
  private static let rankLimit = 64

  /// A view may show one element many times (`expand`), and so be larger than what is stored: up to
  /// 2^24 elements, which are 64 MiB as `f32`.
  private static let expandedLimit = 1 << 24

  /// Checks that the view lies within its storage.
  ///
  /// - Throws: A text of what is wrong.
  init(
    _ storage: TorchStorage, element: TorchElement, offset: Int, shape: [Int], strides: [Int]
  ) throws(TorchFault) {
    let count = storage.element == nil ? storage.count / element.sizeBytes : storage.count
    guard shape.count == strides.count, shape.count <= Self.rankLimit else {
      throw TorchFault(
        "has \(shape.count) extents and \(strides.count) strides, expected as many, at most "
          + "\(Self.rankLimit)")
    }
    guard offset >= 0, (shape + strides).allSatisfy({ $0 >= 0 }) else {
      throw TorchFault(
        "has the shape \(shape), the strides \(strides) and the offset \(offset), expected "
          + "0 or more"
      )
    }
    // Of a tensor without elements nothing else matters, not even how large the others are.
    var elements = shape.contains(0) ? 0 : 1
    var last = offset
    if elements > 0 {
      for (extent, stride) in zip(shape, strides) {
        let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
        let (reach, farther) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, beyond) = last.addingReportingOverflow(reach)
        guard !overflow, !farther, !beyond else {
          throw TorchFault("the size of shape \(shape) with strides \(strides) overflows")
        }
        (elements, last) = (product, sum)
      }
      guard last < count else {
        throw TorchFault(
          "shape \(shape) with strides \(strides) from \(offset) on ends at element \(last), but "
            + "its storage '\(storage.key)' has \(count)")
      }
      guard elements <= max(count, Self.expandedLimit) else {
        throw TorchFault(
          "shows \(elements) elements of a storage of \(count), expected at most "
            + "\(Self.expandedLimit)")
      }
    }
    key = storage.key
    self.element = element
    storageCount = count
    self.offset = offset
    self.shape = shape
    self.strides = strides
  }

  /// The number of elements.
  var count: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

  /// The elements of the storage from the first to the last that the view shows.
  var span: Range<Int> {
    guard count > 0 else { return 0..<0 }
    return offset..<offset + zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
  }

  /// `true` iff the elements follow each other, row-major; extents of 1 have any stride.
  var isContiguous: Bool {
    var expected = 1
    for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
      guard stride == expected else { return false }
      expected *= extent
    }
    return true
  }

  /// Returns the elements in row-major order, out of the bytes of `span`.
  func gathered<Element: FixedWidthInteger & BitwiseCopyable>(
    _: Element.Type, from bytes: UnsafeRawBufferPointer
  ) -> [Element] {
    let width = MemoryLayout<Element>.size
    let (columns, step) = (shape.last ?? 1, (strides.last ?? 1) * width)
    return [Element](unsafeUninitializedCapacity: max(1, count)) { target, initialized in
      var index = [Int](repeating: 0, count: max(0, shape.count - 1))
      var start = 0
      while initialized < count {
        for column in 0..<columns {
          target[initialized + column] = bytes.loadUnaligned(
            fromByteOffset: start + column * step, as: Element.self)
        }
        initialized += columns
        // The next row: the last index that is not at its end goes up, those after it to 0.
        for axis in index.indices.reversed() {
          index[axis] += 1
          start += strides[axis] * width
          if index[axis] < shape[axis] { break }
          start -= index[axis] * strides[axis] * width
          index[axis] = 0
        }
      }
    }
  }
}

/// What is wrong with a tensor whose name is not known yet.
struct TorchFault: Error {
  var message: String

  init(_ message: String) { self.message = message }
}
