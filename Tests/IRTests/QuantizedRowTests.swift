import Testing

@testable import IR

/// Rows of activations in 8-bit integers.
@Suite struct QuantizedRowTests {
  @Test func elementsComeBackWithinHalfAStep() {
    let elements: [Float] = [-1, -0.37, 0, 0.5, 1.25, 3]
    let row = QuantizedRow(elements[...])
    #expect(row.lowest == -1 && row.step == Float(4) / 255)
    #expect(row.integer(-1) == 0 && row.integer(3) == 255)
    for x in elements {
      let q = row.integer(x)
      #expect(q == q.rounded() && (0...255).contains(q))
      #expect(abs(row.lowest + row.step * q - x) <= row.step * 0.500001)
    }
  }

  @Test func equalElementsHaveNoStep() {
    let row = QuantizedRow([2.5, 2.5, 2.5])
    #expect(row.lowest == 2.5 && row.step == 0 && row.integer(2.5) == 0)
  }

  /// Wherever it is: the extremes alone do not see a NaN.
  @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 1, 3])
  func elementsThatAreNotFiniteAreInTheStep(element: Float, position: Int) {
    var elements: [Float] = [1, 2, 3, 4]
    elements[position] = element
    #expect(QuantizedRow(elements[...]).step.isNaN)
  }
}
