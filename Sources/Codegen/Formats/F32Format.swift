import IR

/// Floats: a group is one.
struct F32Format: StoredFormat {
  var element: ElementType { .f32 }
  var sumsIntegers: Bool { false }

  func groupType(_ b: Builder) -> ValueType { b.f32 }
  func multipliesByLane(on target: Target) -> Bool { target.hasLaneFMA }

  func left(_ b: Builder, _ groups: Value) -> [Value] { [groups] }
  func right(_ b: Builder, _ groups: Value) -> [Value] { [groups] }

  func multiplyAdd(_ b: Builder, _ left: [Value], _ right: [Value], _ sum: Value) -> Value {
    b.multiplyAdd(left[0], right[0], sum)
  }

  func preparation(of rows: LeftRows) -> (any PreparedRow)? { nil }

  func load(_ b: Builder, _ address: Value, _ lanes: Int, count: Int) -> Value {
    b.loadFloats(address, lanes, count: count)
  }

  func store(_ b: Builder, _ value: Value, _ address: Value, count: Int) {
    b.storeFloats(value, address, count: count)
  }

  func round(_ b: Builder, _ value: Value) -> Value { value }

  func loadGroups(_ b: Builder, rows: [Value], _ lanes: Int, count: Int) -> Value {
    b.loadFloats(rows[0], lanes, count: count)
  }

  func activate(_ b: Builder, _ function: ActivationFunction?, _ x: Value) -> Value {
    b.activate(function, x)
  }

  func exp2InRange(_ b: Builder, _ x: Value) -> Value { b.exp2InRange(x) }
}
