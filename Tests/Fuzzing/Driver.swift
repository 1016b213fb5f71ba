// What Tests/FuzzDriver calls; its header has the prototypes.

private nonisolated(unsafe) var chosen = FuzzTarget.ir

private let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")

/// Chooses the target of this name; 0 if there is none.
@c public func vitc_fuzz_select(_ name: UnsafePointer<CChar>) -> Int32 {
  guard let target = FuzzTarget(rawValue: String(cString: name)) else { return 0 }
  chosen = target
  return 1
}

/// The names of all targets, in a line.
@c public func vitc_fuzz_names() -> UnsafePointer<CChar>? {
  // Once for each process, and never freed.
  nonisolated(unsafe) let text = UnsafeMutablePointer<CChar>.allocate(
    capacity: names.utf8.count + 1)
  for (index, byte) in (names.utf8CString).enumerated() { text[index] = byte }
  return UnsafePointer(text)
}

/// Feeds bytes to the chosen target.
@c public func vitc_fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
  chosen.run(UnsafeRawBufferPointer(start: bytes, count: count))
}
