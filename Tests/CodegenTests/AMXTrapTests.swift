import AMXTrap
import Testing

@testable import Codegen

/// What stands for AMX on processors without it: the decoder against encodings of LLVM's assembler,
/// the arithmetic against the manual's definition.
@Suite struct AMXTrapTests {
  /// The emulator's tiles, with memory of their own.
  private final class Tiles {
    var state = amx_tiles()
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 * 1024, alignment: 64)
    var bytes: UnsafeMutableRawBufferPointer { memory }

    init() {
      memory.initializeMemory(as: UInt8.self, repeating: 0)
      state.data = memory.bindMemory(to: UInt8.self).baseAddress
    }
    deinit { memory.deallocate() }

    func copy() -> Tiles {
      let other = Tiles()
      let data = other.state.data
      other.state = state
      other.state.data = data
      other.memory.copyMemory(from: UnsafeRawBufferPointer(memory))
      return other
    }
  }

  /// The registers: addresses of `memory`, but rcx and r9, which are numbers.
  private static func general(_ memory: UnsafeMutableRawPointer) -> [UInt64] {
    (0..<16).map {
      [1, 9].contains($0) ? 96 : UInt64(UInt(bitPattern: memory)) + 8192 + 256 * UInt64($0)
    }
  }

  private static func execute(
    _ code: [UInt8], _ general: [UInt64], _ tiles: Tiles
  ) -> Int32 {
    amx_execute(code, general, &tiles.state)
  }

  /// 64 bytes of a configuration: tile `n` has `shapes[n]` rows and bytes in a row.
  private static func configuration(_ shapes: [(rows: Int, bytes: Int)]) -> [UInt8] {
    var bytes = Array(repeating: UInt8(0), count: 64)
    bytes[0] = 1
    for (tile, shape) in shapes.enumerated() {
      (bytes[16 + 2 * tile], bytes[48 + tile]) = (UInt8(shape.bytes), UInt8(shape.rows))
    }
    return bytes
  }

  /// Tiles of these shapes, filled with random bytes inside of them.
  private static func tiles(
    _ shapes: [(rows: Int, bytes: Int)], _ random: inout Random, byte: (inout Random) -> UInt8
  ) -> Tiles {
    let tiles = Tiles()
    // ldtilecfg (%rsi)
    let shape = configuration(shapes)
    let found = shape.withUnsafeBytes { bytes in
      var general = Array(repeating: UInt64(0), count: 16)
      general[6] = UInt64(UInt(bitPattern: bytes.baseAddress))
      return execute([0xc4, 0xe2, 0x78, 0x49, 0x06], general, tiles)
    }
    #expect(found == 5 && tiles.state.is_configured == 1)
    do {
      let data = tiles.bytes
      for (tile, shape) in shapes.enumerated() {
        for row in 0..<shape.rows {
          for i in 0..<shape.bytes { data[tile * 1024 + row * 64 + i] = byte(&random) }
        }
      }
    }
    return tiles
  }

  private static func row(_ tiles: Tiles, _ tile: Int, _ row: Int) -> [UInt8] {
    Array(tiles.bytes[tile * 1024 + row * 64..<tile * 1024 + row * 64 + 64])
  }

  private static func word(_ tiles: Tiles, _ tile: Int, _ row: Int, _ column: Int) -> UInt32 {
    tiles.bytes.loadUnaligned(fromByteOffset: tile * 1024 + row * 64 + column * 4, as: UInt32.self)
  }

  private static let shapes = (0..<8).map { (rows: 3 + 13 * ($0 % 2), bytes: 64 - 4 * $0) }

  /// `llvm-mc -triple x86_64 -show-encoding`, LLVM 14; the address is that register's plus a
  /// number.
  @Test(
    arguments: [
      ("tileloadd (%rax,%rcx), %tmm1", [0xc4, 0xe2, 0x7b, 0x4b, 0x0c, 0x08], 1, 0, 0, 96),
      (
        "tileloadd -64(%r13,%r9,2), %tmm7", [0xc4, 0x82, 0x7b, 0x4b, 0x7c, 0x4d, 0xc0], 7, 13, -64,
        192
      ),
      ("tileloadd (%r12), %tmm2", [0xc4, 0xc2, 0x7b, 0x4b, 0x14, 0x24], 2, 12, 0, 0),
      (
        "tileloaddt1 1000(%rbx,%rcx), %tmm3",
        [0xc4, 0xe2, 0x79, 0x4b, 0x9c, 0x0b, 0xe8, 0x03, 0x00, 0x00], 3, 3, 1000, 96
      ),
      ("tilestored %tmm4, (%rsp,%r9)", [0xc4, 0xa2, 0x7a, 0x4b, 0x24, 0x0c], 4, 4, 0, 96),
      (
        "tilestored %tmm6, 64(%rax,%rcx)", [0xc4, 0xe2, 0x7a, 0x4b, 0x74, 0x08, 0x40], 6, 0, 64, 96
      ),
    ] as [(String, [UInt8], Int, Int, Int, Int)])
  func `rows go between memory and tiles`(
    text: String, code: [UInt8], tile: Int, base: Int, offset: Int, stride: Int
  ) {
    var random = Random(state: 1)
    let room = 1 << 14
    let memory = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 64)
    defer { memory.deallocate() }
    for i in 0..<room {
      memory.storeBytes(
        of: UInt8.random(in: 0...255, using: &random), toByteOffset: i, as: UInt8.self)
    }
    let tiles = Self.tiles(Self.shapes, &random) { .random(in: 0...255, using: &$0) }
    let before = tiles.copy()
    let bytes = { Array(UnsafeRawBufferPointer(start: memory, count: room)) }
    let stored = bytes()
    #expect(Self.execute(code, Self.general(memory), tiles) == Int32(code.count))
    let start = 8192 + 256 * base + offset
    let (rows, width) = Self.shapes[tile]
    if text.hasPrefix("tilestored") {
      var expected = stored
      for row in 0..<rows {
        for i in 0..<width { expected[start + row * stride + i] = Self.row(before, tile, row)[i] }
      }
      #expect(bytes() == expected)
    } else {
      #expect(bytes() == stored)
      for row in 0..<16 {
        let found = row < rows ? Array(stored[(start + row * stride)...].prefix(width)) : []
        #expect(
          Self.row(tiles, tile, row) == found + Array(repeating: 0, count: 64 - found.count))
      }
    }
    for other in 0..<8 where other != tile || text.hasPrefix("tilestored") {
      for row in 0..<16 { #expect(Self.row(tiles, other, row) == Self.row(before, other, row)) }
    }
  }

  @Test func `shapes are taken and given back`() {
    var random = Random(state: 2)
    for (code, base, offset) in [
      ([0xc4, 0xe2, 0x78, 0x49, 0x06], 6, 0),
      ([0xc4, 0x82, 0x78, 0x49, 0x44, 0x8d, 0x08], 13, 8 + 4 * 96),
    ] as [([UInt8], Int, Int)] {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 14, alignment: 64)
      defer { memory.deallocate() }
      let tiles = Self.tiles(Self.shapes, &random) { .random(in: 0...255, using: &$0) }
      let place = 8192 + 256 * base + offset
      let good = Self.configuration([(16, 64), (5, 12), (0, 0), (1, 4)])
      (memory + place).copyMemory(from: good, byteCount: 64)
      #expect(Self.execute(code, Self.general(memory), tiles) == Int32(code.count))
      #expect(
        tiles.state.rows.0 == 16 && tiles.state.rows.1 == 5 && tiles.state.rows.2 == 0
          && tiles.state.rows.3 == 1)
      #expect(tiles.state.bytes.1 == 12 && tiles.state.bytes.3 == 4 && tiles.state.bytes.7 == 0)
      for tile in 0..<8 {
        for row in 0..<16 { #expect(Self.row(tiles, tile, row).allSatisfy { $0 == 0 }) }
      }
      // Palettes that there are not, restarted loads, reserved bytes, rows that are too many or
      // long.
      for (index, value) in [
        (0, 2), (1, 1), (2, 1), (15, 1), (32, 1), (47, 1), (56, 1), (63, 1), (48, 17),
        (16, 68), (17, 1), (50, 3), (20, 4),
      ] as [(Int, UInt8)] {
        var bad = good
        bad[index] = value
        (memory + place).copyMemory(from: bad, byteCount: 64)
        #expect(Self.execute(code, Self.general(memory), tiles) == 0, "\(index)")
        #expect(tiles.state.rows.1 == 5 && tiles.state.is_configured == 1)
      }
      // The palette of no tiles.
      let released = tiles.copy()
      (memory + place).copyMemory(
        from: Array(repeating: UInt8(0), count: 64), byteCount: 64)
      #expect(Self.execute(code, Self.general(memory), released) == Int32(code.count))
      #expect(released.state.is_configured == 0 && released.state.rows.0 == 0)
      // tilerelease
      let none = Array(repeating: UInt64(0), count: 16)
      #expect(Self.execute([0xc4, 0xe2, 0x78, 0x49, 0xc0], none, tiles) == 5)
      #expect(tiles.state.is_configured == 0 && tiles.state.rows.0 == 0)
      // A tile without a shape is for nothing.
      #expect(Self.execute([0xc4, 0xe2, 0x7b, 0x49, 0xc0], none, tiles) == 0)
    }
    // tilezero %tmm5
    let tiles = Self.tiles(Self.shapes, &random) { .random(in: 0...255, using: &$0) }
    let before = tiles.copy()
    let none = Array(repeating: UInt64(0), count: 16)
    #expect(Self.execute([0xc4, 0xe2, 0x7b, 0x49, 0xe8], none, tiles) == 5)
    for tile in 0..<8 {
      for row in 0..<16 {
        let expected = tile == 5 ? Array(repeating: 0, count: 64) : Self.row(before, tile, row)
        #expect(Self.row(tiles, tile, row) == expected)
      }
    }
  }

  /// Every signedness, with sums that wrap; the numbers are those of sums, left and right tile.
  @Test(
    arguments: [
      ("tdpbusd %tmm7, %tmm4, %tmm0", [0xc4, 0xe2, 0x41, 0x5e, 0xc4], 0, 4, 7, false, true),
      ("tdpbssd %tmm6, %tmm5, %tmm2", [0xc4, 0xe2, 0x4b, 0x5e, 0xd5], 2, 5, 6, true, true),
      ("tdpbsud %tmm1, %tmm0, %tmm3", [0xc4, 0xe2, 0x72, 0x5e, 0xd8], 3, 0, 1, true, false),
      ("tdpbuud %tmm0, %tmm1, %tmm7", [0xc4, 0xe2, 0x78, 0x5e, 0xf9], 7, 1, 0, false, false),
    ] as [(String, [UInt8], Int, Int, Int, Bool, Bool)])
  func `products of bytes are the manual's`(
    text: String, code: [UInt8], sums: Int, left: Int, right: Int, leftSigned: Bool,
    rightSigned: Bool
  ) {
    var random = Random(state: 3)
    let extents: [(Int, Int, Int)] = [(16, 16, 16), (1, 1, 1), (5, 7, 3), (16, 3, 16)]
    for (rows, depth, columns) in extents {
      var shapes = Array(repeating: (rows: 0, bytes: 0), count: 8)
      shapes[sums] = (rows, 4 * columns)
      shapes[left] = (rows, 4 * depth)
      shapes[right] = (depth, 4 * columns)
      let tiles = Self.tiles(shapes, &random) { .random(in: 0...255, using: &$0) }
      let before = tiles.copy()
      let none = Array(repeating: UInt64(0), count: 16)
      #expect(Self.execute(code, none, tiles) == 5)
      func element(_ tile: Int, _ row: Int, _ index: Int, _ signed: Bool) -> Int32 {
        let byte = Self.row(before, tile, row)[index]
        return signed ? Int32(Int8(bitPattern: byte)) : Int32(byte)
      }
      for m in 0..<rows {
        for n in 0..<columns {
          var sum = Int32(bitPattern: Self.word(before, sums, m, n))
          for k in 0..<4 * depth {
            let one = element(left, m, k, leftSigned)
            let other = element(right, k / 4, 4 * n + k % 4, rightSigned)
            sum &+= one * other
          }
          #expect(Int32(bitPattern: Self.word(tiles, sums, m, n)) == sum, "\(text)")
        }
      }
    }
  }

  /// Two chains of fused multiply-adds, their sum, and then that of before; what is below the
  /// smallest normal number is zero wherever it turns up.
  @Test func `products of bf16 are the manual's`() {
    var random = Random(state: 4)
    func flushed(_ x: Float) -> Float {
      x.magnitude < .leastNormalMagnitude ? Float(sign: x.sign, exponent: 0, significand: 0) : x
    }
    // tdpbf16ps %tmm3, %tmm2, %tmm1
    let code: [UInt8] = [0xc4, 0xe2, 0x62, 0x5c, 0xca]
    let (sums, left, right) = (1, 2, 3)
    let extents: [(Int, Int, Int)] = [
      (16, 16, 16), (1, 1, 1), (5, 7, 3), (16, 3, 16), (16, 16, 16), (9, 16, 16),
    ]
    for (index, (rows, depth, columns)) in extents.enumerated() {
      var shapes = Array(repeating: (rows: 0, bytes: 0), count: 8)
      shapes[sums] = (rows, 4 * columns)
      shapes[left] = (rows, 4 * depth)
      shapes[right] = (depth, 4 * columns)
      let tiles = Self.tiles(shapes, &random) { _ in 0 }
      // Numbers of one size; some so small that products, sums or they themselves are not normal.
      let sizes: [Float] = [0x1p-63, 0x1p-126, 1, 0x1p-64]
      func number(_ random: inout Random) -> Float {
        let value = Float.random(in: -2...2, using: &random)
        return index < 4
          ? value : value * sizes[Int.random(in: 0..<sizes.count, using: &random)]
      }
      func fill(
        _ tile: Int, _ shape: (rows: Int, bytes: Int), _ data: UnsafeMutableRawBufferPointer
      ) {
        let columns = shape.bytes / 4
        for row in 0..<shape.rows {
          for column in 0..<columns {
            let (first, second) = (number(&random).bitPattern, number(&random).bitPattern)
            let halves: UInt32 = (first & 0xffff_0000) | (second >> 16)
            let word: UInt32 = tile == sums ? first : halves
            let offset: Int = tile * 1024 + row * 64 + column * 4
            data.storeBytes(of: word, toByteOffset: offset, as: UInt32.self)
          }
        }
      }
      do {
        let data = tiles.bytes
        for (tile, shape) in shapes.enumerated() { fill(tile, shape, data) }
      }
      let before = tiles.copy()
      let none = Array(repeating: UInt64(0), count: 16)
      #expect(Self.execute(code, none, tiles) == 5)
      func half(_ tile: Int, _ row: Int, _ column: Int, _ part: UInt32) -> Float {
        let word = Self.word(before, tile, row, column)
        let bits: UInt32 = part == 0 ? word << 16 : word & 0xffff_0000
        return flushed(Float(bitPattern: bits))
      }
      for m in 0..<rows {
        for n in 0..<columns {
          var parts: [Float] = [0, 0]
          for k in 0..<depth {
            for part in [0, 1] as [UInt32] {
              let sum = parts[Int(part)].addingProduct(
                half(left, m, k, part), half(right, k, n, part))
              parts[Int(part)] = flushed(sum)
            }
          }
          let start = flushed(Float(bitPattern: Self.word(before, sums, m, n)))
          let sum = flushed(start + flushed(parts[0] + parts[1]))
          #expect(Self.word(tiles, sums, m, n) == sum.bitPattern)
        }
      }
    }
  }

  /// Everything else is left alone: other maps, prefixes, widths, opcodes and forms, tiles that
  /// there are not, the same tile twice, and shapes that do not fit.
  @Test(
    arguments: [
      [0xc4, 0xe1, 0x7b, 0x49, 0xc0], [0xc4, 0xe3, 0x7b, 0x49, 0xc0],
      [0xc4, 0xe2, 0xfb, 0x49, 0xc0],
      [0xc4, 0xe2, 0x7f, 0x49, 0xc0], [0xc4, 0xe2, 0x73, 0x49, 0xc0],
      [0xc4, 0xe2, 0x7a, 0x49, 0xc0],
      [0xc4, 0xe2, 0x79, 0x49, 0xc0], [0xc4, 0xe2, 0x78, 0x49, 0xc1],
      [0xc4, 0xe2, 0x78, 0x49, 0xc8],
      [0xc4, 0xe2, 0x7b, 0x49, 0xc1], [0xc4, 0x62, 0x7b, 0x49, 0xc0],
      [0xc4, 0xc2, 0x7b, 0x49, 0xc0],
      // sttilecfg, and a load and a store without SIB, of a register, with prefixes that there are
      // not
      [0xc4, 0xe2, 0x79, 0x49, 0x06], [0xc4, 0xe2, 0x78, 0x49, 0x0e],
      [0xc4, 0xe2, 0x7b, 0x4b, 0x08],
      [0xc4, 0xe2, 0x7b, 0x4b, 0x0d, 0, 0, 0, 0], [0xc4, 0xe2, 0x7b, 0x4b, 0xc8],
      [0xc4, 0xe2, 0x78, 0x4b, 0x0c, 0x08], [0xc4, 0xe2, 0x73, 0x4b, 0x0c, 0x08],
      [0xc4, 0xe2, 0xfb, 0x4b, 0x0c, 0x08], [0xc4, 0xe2, 0x7f, 0x4b, 0x0c, 0x08],
      [0xc4, 0x62, 0x7b, 0x4b, 0x0c, 0x08], [0xc4, 0xe2, 0x7b, 0x4a, 0x0c, 0x08],
      // products with a register too high, from memory, of one tile twice, of other types
      [0xc4, 0x62, 0x62, 0x5c, 0xca], [0xc4, 0xc2, 0x62, 0x5c, 0xca],
      [0xc4, 0xa2, 0x62, 0x5c, 0xca],
      [0xc4, 0xe2, 0x22, 0x5c, 0xca], [0xc4, 0xe2, 0x62, 0x5c, 0x0a],
      [0xc4, 0xe2, 0x62, 0x5c, 0xc9],
      [0xc4, 0xe2, 0x72, 0x5c, 0xca], [0xc4, 0xe2, 0x6a, 0x5c, 0xca],
      [0xc4, 0xe2, 0x63, 0x5c, 0xca],
      [0xc4, 0xe2, 0x60, 0x5c, 0xca], [0xc4, 0xe2, 0x61, 0x5c, 0xca],
      [0xc4, 0xe2, 0xe2, 0x5c, 0xca],
      [0xc4, 0xe2, 0x66, 0x5c, 0xca], [0xc4, 0xe2, 0x61, 0x5d, 0xca],
      [0xc4, 0xe2, 0x61, 0x5f, 0xca],
      [0xc4, 0xe2, 0xe1, 0x5e, 0xca], [0xc4, 0xe2, 0x65, 0x5e, 0xca],
      // vpdpbusd, EVEX, plain bytes before, ud2
      [0xc4, 0xe2, 0x75, 0x50, 0xc2], [0x62, 0xf2, 0x75, 0x28, 0x50, 0xc2],
      [0x64, 0xc4, 0xe2, 0x7b, 0x4b, 0x0c, 0x08], [0xc5, 0xfb, 0x49, 0xc0, 0x90],
      [0x0f, 0x0b, 0x90, 0x90, 0x90],
    ] as [[UInt8]])
  func `what is none of them is refused`(_ code: [UInt8]) {
    var random = Random(state: 5)
    let square = Array(repeating: (rows: 16, bytes: 64), count: 8)
    let tiles = Self.tiles(square, &random) { .random(in: 0...255, using: &$0) }
    let before = tiles.copy()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 14, alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: 1 << 14)
    #expect(Self.execute(code, Self.general(memory), tiles) == 0)
    #expect(tiles.state.is_configured == 1)
    for tile in 0..<8 {
      for row in 0..<16 { #expect(Self.row(tiles, tile, row) == Self.row(before, tile, row)) }
    }
  }

  @Test func `tiles that do not fit are not multiplied`() {
    var random = Random(state: 6)
    let none = Array(repeating: UInt64(0), count: 16)
    let fit = [(rows: 4, bytes: 8), (rows: 4, bytes: 12), (rows: 3, bytes: 8)]
    // tdpbusd %tmm2, %tmm1, %tmm0
    let code: [UInt8] = [0xc4, 0xe2, 0x69, 0x5e, 0xc1]
    let tiles = Self.tiles(fit, &random) { .random(in: 0...255, using: &$0) }
    #expect(Self.execute(code, none, tiles) == 5)
    for (tile, shape) in [
      (0, (3, 8)), (0, (4, 12)), (1, (5, 12)), (1, (4, 16)), (2, (4, 8)), (2, (3, 12)), (0, (0, 0)),
      (1, (4, 10)),
    ] as [(Int, (Int, Int))] {
      var shapes = fit
      shapes[tile] = (rows: shape.0, bytes: shape.1)
      let tiles = Self.tiles(shapes, &random) { .random(in: 0...255, using: &$0) }
      #expect(Self.execute(code, none, tiles) == 0, "\(tile) \(shape)")
    }
  }
}
