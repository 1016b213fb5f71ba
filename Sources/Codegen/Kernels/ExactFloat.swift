/// A float that equals those with the same bits: zeros differ by their signs, and what is not a
/// number equals itself.
struct ExactFloat: Hashable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  let bitPattern: UInt32
  var value: Float { Float(bitPattern: bitPattern) }

  init(_ value: Float) { bitPattern = value.bitPattern }
  init(floatLiteral value: Float) { self.init(value) }
  init(integerLiteral value: Int) { self.init(Float(value)) }
}
