import AMXTrap
import Testing

@testable import Codegen
@testable import IR

#if arch(x86_64)
  /// Linear layers by AMX, beside the laws of `Int8Tests` and `BF16Tests`, which hold for it as
  /// well.
  @Suite struct AMXTests {
    private static let linear = FusedLinearKernel(
      rows: 50, columns: 40, depth: 100, aStride: 112, cStride: 40, residualStride: 40,
      hasBias: true, operandType: .s8, channelStride: 40)

    /// Code that has tiles, and gives them back; what few rows multiply, and what is of floats, has
    /// none.
    @Test func `the instructions are those that are trapped`() throws {
      func text(_ kernel: FusedLinearKernel, _ target: Target = .x86v4AMX) throws -> String {
        let module = Module(name: "test", target: target)
        module.builder.export(kernel, as: "run")
        let machine = try TargetMachine(target)
        try machine.optimize(module)
        return try machine.assembly(of: module)
      }
      func count(_ word: String, _ text: String) -> Int {
        text.split(separator: "\n").count { $0.contains("\t\(word)") }
      }
      let bytes = try text(Self.linear)
      #expect(bytes.contains("tdpbusd\t") && !bytes.contains("vpdpbusd"))
      #expect(count("ldtilecfg", bytes) == 1 && count("tilerelease", bytes) == 1)
      #expect(!bytes.contains("tmm8") && !bytes.contains("sttilecfg"))
      var kernel = Self.linear
      kernel.operandType = .bf16
      let halves = try text(kernel)
      #expect(halves.contains("tdpbf16ps\t") && !halves.contains("vdpbf16ps"))
      kernel.rows = 3
      #expect(try text(kernel).contains("vdpbf16ps") && !text(kernel).contains("tmm"))
      kernel.operandType = .f32
      #expect(try !text(kernel).contains("tmm"))
      #expect(try !text(Self.linear, .x86v4BF16).contains("tmm"))
    }

    /// In the loop over the depth a block of 32 rows takes a load of a tile for each product, five
    /// for four where the depth is no multiple of a tile's; a single tile of rows three for two.
    @Test(arguments: [(512, true, 4), (500, true, 5), (512, false, 3), (500, false, 3)])
    func `loads of tiles for each product`(depth: Int, isPair: Bool, loads: Int) throws {
      let block = AMXBlock(
        tile: Tile(
          rows: 16, columns: 32, depth: depth / 4, aStride: 144, cStride: 32, operandType: .s8,
          channelStride: 32),
        isPair: isPair)
      let module = Module(name: "test", target: .x86v4AMX)
      _ = module.builder.function(of: block)
      let lines = module.text.split(separator: "\n").map(String.init)
      let loop = try #require(lines.firstIndex { $0.hasPrefix("loop:") })
      let body = lines[loop...].prefix { !$0.contains("br i1") }
      func count(_ word: String) -> Int { body.count { $0.contains("@llvm.x86.\(word)(") } }
      #expect(count("tileloadd64") == loads && count("tdpbusd") == (isPair ? 4 : 2))
    }

    /// The bits of `vpdpbusd`, for every epilogue; every number of rows up to two pairs of tiles
    /// and a rest, divided among tasks as others are; depths below, at and beyond tiles.
    @Test func `products of bytes have the bits of vectors`() throws {
      for target in Target.amx {
        for (index, rows) in (Array(5...20) + [31, 32, 33, 47, 48, 49, 64, 81, 197]).enumerated() {
          let depth = [16, 64, 68, 256, 1, 61, 320][index % 7]
          var kernel = FusedLinearKernel(
            rows: rows, columns: [32, 16, 40, 5, 64, 81][index % 6], depth: depth,
            aStride: depth + index % 3, cStride: 83, residualStride: 81,
            epsilon: index % 2 == 0 ? 1e-6 : nil, hasBias: true,
            activation: [nil, .gelu, .relu, .silu][index % 4], hasResidual: index % 3 == 0,
            operandType: .s8, channelStride: 81)
          kernel.hadamardSize = depth % 16 == 0 && index % 2 == 0 ? 16 : nil
          kernel.result = index % 5 == 0 ? .bf16 : .f32
          let expected = try run(kernel, on: .x86v4BF16, seed: index, count: 1)
          let products = amx_trap_products()
          for count in [1, 2, 3] {
            #expect(try run(kernel, on: target, seed: index, count: count) == expected, "\(kernel)")
          }
          if Target.runnableHere(of: [target]).isEmpty { #expect(amx_trap_products() > products) }
        }
      }
      #expect(amx_trap_configured() == 0)
    }

    private func run(
      _ kernel: FusedLinearKernel, on target: Target, seed: Int, count: Int
    ) throws -> [UInt32] {
      var random = Random(state: UInt64(seed))
      let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
      let a = Floats(random.floats(m * kernel.aStride))
      let weight = Tensor(shape: [n, k], values: random.floats(n * k))
      let panels = Floats.words(
        Op.pack(Pack()).evaluate([Op.quantize(Quantize()).evaluate([weight])]))
      let factors = QuantizationParameters().evaluate([
        weight, Tensor(shape: [n], values: random.floats(n)),
      ])
      let numbers = Floats(count: 3 * 81) { place in
        place % 81 < n ? factors.values[place / 81 * n + place % 81] : .nan
      }
      let residual = Floats(random.floats(m * kernel.residualStride))
      let function = try NativeKernel(kernel, on: target)
      let c = Floats(count: m * kernel.cStride) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
      function.all(
        [
          .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: numbers.pointer,
          .residual: residual.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(c.isIntact && scratch.isIntact)
      return c.values.map(\.bitPattern)
    }
  }
#endif
