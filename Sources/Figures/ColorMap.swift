/// Colours for numbers from 0 to 1: lines between nine points of a map of matplotlib's.
///
/// Both maps get lighter evenly, so they can be read in grey and by the colour-blind.
/// Source: matplotlib's `_cm_listed.py`, at 0, 1/8, …, 1.
enum ColorMap {
  /// From dark violet over green to yellow.
  case viridis
  /// From black over violet and orange to light yellow.
  case magma

  private var points: [UInt32] {
    switch self {
    case .viridis:
      [
        0x44_0154, 0x47_2D7B, 0x3B_528B, 0x2C_728E, 0x21_918C, 0x28_AE80, 0x5E_C962, 0xAD_DC30,
        0xFD_E725,
      ]
    case .magma:
      [
        0x00_0004, 0x1D_1147, 0x51_127C, 0x82_2681, 0xB7_3779, 0xE7_5263, 0xFC_8961, 0xFE_C488,
        0xFC_FDBF,
      ]
    }
  }

  /// The colours of the nine points as CSS and SVG write them.
  var stops: [String] {
    points.map {
      let digits = String($0, radix: 16)
      return "#" + String(repeating: "0", count: 6 - digits.count) + digits
    }
  }

  /// The colour of a number; of those beyond 0 and 1 that of the nearer end, of NaN the first.
  func callAsFunction(_ value: Double) -> Raster.Color {
    let points = points.map { point in
      Raster.Color(Double(point >> 16), Double(point >> 8 & 255), Double(point & 255)) / 255
    }
    let place = (value.isNaN ? 0 : min(max(value, 0), 1)) * Double(points.count - 1)
    let index = min(Int(place), points.count - 2)
    let part = place - Double(index)
    return points[index] * (1 - part) + points[index + 1] * part
  }

  /// A map of numbers from `range.lowerBound` to `range.upperBound`, row by row.
  func picture(
    of values: ArraySlice<Double>, width: Int, from range: ClosedRange<Double>
  ) -> Raster {
    let extent = range.upperBound - range.lowerBound
    let colors = values.map { self(extent > 0 ? ($0 - range.lowerBound) / extent : 0) }
    return Raster(width: width, height: colors.count / width) { colors[$1 * width + $0] }
  }
}
