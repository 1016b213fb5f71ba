import CWeightLoops

/// The panels of a quantized weight as a library stores them.
public enum IntegerPanels {
  /// Returns the bytes of `pack(quantize(weight))`, as `Quantize` and `Pack` define them: what lies
  /// between is not made.
  ///
  /// - Parameters:
  ///   - weight: `[out, in]`.
  ///   - width: the number of outputs in a panel.
  public static func bytes(of weight: Tensor, width: Int) -> [UInt8] {
    let (out, depth) = (weight.rows, weight.columns)
    let group = ElementType.s8.perGroup
    let (panels, groups) = ((out + width - 1) / width, (depth + group - 1) / group)
    let panelBytes = groups * group * width
    return [UInt8](unsafeUninitializedCapacity: panels * panelBytes) { bytes, initialized in
      // What no output fills is zero.
      if out % width > 0 {
        bytes[(panels - 1) * panelBytes..<panels * panelBytes].update(repeating: 0)
      }
      weight.values.withUnsafeBufferPointer { values in
        for n in 0..<out {
          let row = UnsafeBufferPointer(rebasing: values[n * depth..<(n + 1) * depth])
          guard let x = row.baseAddress, let y = bytes.baseAddress else { return }
          let (panel, column) = n.quotientAndRemainder(dividingBy: width)
          let place = UnsafeMutableRawPointer(y + panel * panelBytes + column * group)
          cwl_put_integers(
            place.assumingMemoryBound(to: Int8.self), group * width, x, depth,
            Quantize.scale(of: row), 0)
        }
      }
      initialized = panels * panelBytes
    }
  }
}
