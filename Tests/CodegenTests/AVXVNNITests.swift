import AVXVNNITrap
import Testing

@testable import Codegen

/// What stands for AVX-VNNI on processors without it: the decoder against encodings of LLVM's
/// assembler, the arithmetic against the definition.
@Suite struct AVXVNNITests {
  /// An instruction, and what it names.
  struct Case: CustomTestStringConvertible, Sendable {
    var text: String
    var code: [UInt8]
    var target: Int
    var first: Int
    /// The register of the second operand, or its address, from the values of ``registers``.
    var second: Place

    enum Place: Sendable {
      case register(Int)
      case memory(@Sendable (avxvnni_registers, _ end: UInt64) -> UInt64)
    }
    var testDescription: String { text }

    /// `llvm-mc -triple x86_64 -show-encoding`, LLVM 14.
    static let all: [Case] = [
      Case(
        text: "vpdpbusd %ymm2, %ymm1, %ymm0", code: [0xc4, 0xe2, 0x75, 0x50, 0xc2], target: 0,
        first: 1, second: .register(2)),
      Case(
        text: "vpdpbusd %ymm15, %ymm8, %ymm9", code: [0xc4, 0x42, 0x3d, 0x50, 0xcf], target: 9,
        first: 8, second: .register(15)),
      Case(
        text: "vpdpbusds %xmm3, %xmm12, %xmm10", code: [0xc4, 0x62, 0x19, 0x51, 0xd3], target: 10,
        first: 12, second: .register(3)),
      Case(
        text: "vpdpwssd (%rax), %ymm5, %ymm6", code: [0xc4, 0xe2, 0x55, 0x52, 0x30], target: 6,
        first: 5, second: .memory { registers, _ in registers.general.0 }),
      Case(
        text: "vpdpwssds 64(%r13), %ymm5, %ymm14", code: [0xc4, 0x42, 0x55, 0x53, 0x75, 0x40],
        target: 14, first: 5, second: .memory { registers, _ in registers.general.13 + 64 }),
      Case(
        text: "vpdpbusd (%r13), %ymm7, %ymm1", code: [0xc4, 0xc2, 0x45, 0x50, 0x4d, 0x00],
        target: 1, first: 7, second: .memory { registers, _ in registers.general.13 }),
      Case(
        text: "vpdpbusd 74565(%rbx,%rcx,4), %ymm7, %ymm0",
        code: [0xc4, 0xe2, 0x45, 0x50, 0x84, 0x8b, 0x45, 0x23, 0x01, 0x00], target: 0, first: 7,
        second: .memory { registers, _ in registers.general.3 + 4 * registers.general.1 + 74565 }),
      Case(
        text: "vpdpbusd (%r12), %xmm7, %xmm1", code: [0xc4, 0xc2, 0x41, 0x50, 0x0c, 0x24],
        target: 1, first: 7, second: .memory { registers, _ in registers.general.12 }),
      Case(
        text: "vpdpbusd -32(%rsp,%r9,8), %ymm7, %ymm1",
        code: [0xc4, 0xa2, 0x45, 0x50, 0x4c, 0xcc, 0xe0], target: 1, first: 7,
        second: .memory { registers, _ in registers.general.4 + 8 * registers.general.9 - 32 }),
      Case(
        text: "vpdpbusd 256(%rip), %ymm7, %ymm1",
        code: [0xc4, 0xe2, 0x45, 0x50, 0x0d, 0x00, 0x01, 0x00, 0x00], target: 1, first: 7,
        second: .memory { _, end in end + 256 }),
      Case(
        text: "vpdpbusd 256(,%r12,2), %ymm7, %ymm1",
        code: [0xc4, 0xa2, 0x45, 0x50, 0x0c, 0x65, 0x00, 0x01, 0x00, 0x00], target: 1, first: 7,
        second: .memory { registers, _ in 2 * registers.general.12 + 256 }),
    ]
  }

  /// One lane, from the definition of the instruction.
  private func lane(_ opcode: UInt8, _ sum: Int32, _ one: UInt32, _ other: UInt32) -> Int32 {
    var total = Int64(sum)
    if opcode <= 0x51 {
      for shift in [0, 8, 16, 24] {
        total +=
          Int64(UInt8(truncatingIfNeeded: one >> shift))
          * Int64(Int8(truncatingIfNeeded: other >> shift))
      }
    } else {
      for shift in [0, 16] {
        total +=
          Int64(Int16(truncatingIfNeeded: one >> shift))
          * Int64(Int16(truncatingIfNeeded: other >> shift))
      }
    }
    return opcode % 2 == 1 ? Int32(clamping: total) : Int32(truncatingIfNeeded: total)
  }

  private func words(_ registers: avxvnni_registers, _ number: Int) -> [UInt32] {
    withUnsafeBytes(of: registers.ymm) { bytes in
      (0..<8).map { bytes.loadUnaligned(fromByteOffset: number * 32 + $0 * 4, as: UInt32.self) }
    }
  }

  @Test(arguments: Case.all)
  func `every form does what it is defined to`(_ test: Case) {
    // One buffer that the code lies in, with the memory that operands lie in after it.
    let room = 1 << 18
    let memory = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 64)
    defer { memory.deallocate() }
    var random = Random(state: 3)
    for round in 0..<40 {
      // Large sums and products, so that those which saturate do.
      for i in 0..<room / 4 {
        memory.storeBytes(
          of: round % 2 == 0 ? UInt32.random(in: 0 ... .max, using: &random) : 0x7fff_7fff,
          toByteOffset: i * 4, as: UInt32.self)
      }
      let start = UInt64(UInt(bitPattern: memory))
      var registers = avxvnni_registers()
      withUnsafeMutableBytes(of: &registers.ymm) { bytes in
        for i in 0..<128 {
          let value: UInt32 =
            round % 2 == 0
            ? .random(in: 0 ... .max, using: &random) : i % 3 == 0 ? 0x7fff_ff00 : 0x7f7f_7f7f
          bytes.storeBytes(of: value, toByteOffset: i * 4, as: UInt32.self)
        }
      }
      withUnsafeMutableBytes(of: &registers.general) { bytes in
        for i in 0..<16 {
          // An index is a small number, the others are addresses; without a base it is half of one.
          let isIndex = [1, 9].contains(i)
          let address = start + 4096 + UInt64.random(in: 0..<1000, using: &random) * 4
          let value =
            isIndex
            ? UInt64.random(in: 0..<500, using: &random)
            : i == 12 && test.text.contains("(,") ? address / 2 : address
          bytes.storeBytes(of: value, toByteOffset: i * 8, as: UInt64.self)
        }
      }
      memory.copyMemory(from: test.code, byteCount: test.code.count)
      let before = registers
      let code = UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
      #expect(avxvnni_execute(code, &registers) == Int32(test.code.count))
      let count = test.code[2] & 4 == 0 ? 4 : 8
      let other: [UInt32]
      switch test.second {
      case .register(let number): other = words(before, number)
      case .memory(let address):
        let place = Int(address(before, start + UInt64(test.code.count)) - start)
        other = (0..<count).map {
          memory.loadUnaligned(fromByteOffset: place + 4 * $0, as: UInt32.self)
        }
      }
      let (sums, first) = (words(before, test.target), words(before, test.first))
      let expected = (0..<8).map { i in
        i < count
          ? UInt32(
            bitPattern: lane(test.code[3], Int32(bitPattern: sums[i]), first[i], other[i])) : 0
      }
      #expect(words(registers, test.target) == expected)
      for number in 0..<16 where number != test.target {
        #expect(words(registers, number) == words(before, number))
      }
    }
  }

  /// Everything else is left alone: other maps, prefixes, widths, opcodes, and plain bytes before.
  @Test(
    arguments: [
      [0xc4, 0xe1, 0x75, 0x50, 0xc2], [0xc4, 0xe3, 0x75, 0x50, 0xc2],
      [0xc4, 0xe2, 0x74, 0x50, 0xc2], [0xc4, 0xe2, 0x76, 0x50, 0xc2],
      [0xc4, 0xe2, 0x77, 0x50, 0xc2], [0xc4, 0xe2, 0xf5, 0x50, 0xc2],
      [0xc4, 0xe2, 0x75, 0x4f, 0xc2], [0xc4, 0xe2, 0x75, 0x54, 0xc2],
      [0xc4, 0x22, 0x75, 0xb8, 0xc2], [0xc5, 0xf5, 0x50, 0xc2, 0x90],
      [0x64, 0xc4, 0xe2, 0x45, 0x50, 0x08], [0x0f, 0x0b, 0x90, 0x90, 0x90],
      // EVEX: `vpdpbusd %ymm2, %ymm1, %ymm0`.
      [0x62, 0xf2, 0x75, 0x28, 0x50, 0xc2],
    ] as [[UInt8]])
  func `what is none of them is refused`(_ code: [UInt8]) {
    var registers = avxvnni_registers()
    withUnsafeMutableBytes(of: &registers.ymm) {
      $0.copyBytes(from: (0..<512).map { UInt8($0 % 251) })
    }
    let before = registers
    #expect(avxvnni_execute(code, &registers) == 0)
    for number in 0..<16 { #expect(words(registers, number) == words(before, number)) }
  }

  #if arch(x86_64)
    /// Code that has them and nothing like them: what other targets lack is not asked of these.
    @Test func `the instructions are those that are trapped`() throws {
      let kernel = FusedLinearKernel(
        rows: 6, columns: 32, depth: 64, aStride: 64, cStride: 32, hasBias: true,
        operandType: .s8, channelStride: 32)
      func text(_ target: Target) throws -> String {
        let module = Module(name: "test", target: target)
        module.builder.export(kernel, as: "run")
        let machine = try TargetMachine(target)
        try machine.optimize(module)
        return try machine.assembly(of: module)
      }
      let own = try text(.x86v3AVXVNNI)
      #expect(own.contains("{vex}\tvpdpbusd\t") && !own.contains("vpmaddwd"))
      #expect(!own.contains("%zmm") && !own.contains("%ymm16"))
      #expect(try text(.x86v3).contains("vpmaddwd"))
      #expect(try text(.x86v4VNNI).contains("vpdpbusd\t"))
    }
  #endif
}
