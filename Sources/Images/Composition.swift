/// The pixels on white, as PIL's `alpha_composite` computes them: with 7 fractional bits, and the
/// division by 255 as a sum of shifts.
func compositedOnWhite(_ rgba: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: rgba.count / 4 * 3) { rgb, count in
    for pixel in 0..<rgba.count / 4 {
      let alpha = Int(rgba[4 * pixel + 3])
      for channel in 0..<3 {
        let color = Int(rgba[4 * pixel + channel])
        let sum = (color * alpha + 255 * (255 - alpha)) << 7 + 0x80 << 7
        rgb[3 * pixel + channel] = UInt8((((sum >> 8) + sum) >> 8) >> 7)
      }
    }
    count = rgba.count / 4 * 3
  }
}
