import Foundation
import Testing

/// That a library's machine code holds instructions of its own instruction set only: VEX prefixes
/// (AVX, AVX2, FMA, BMI) and EVEX prefixes (AVX-512) are told by their first byte.
#if arch(x86_64)
  @Suite struct DisassemblyTests {
    /// How many instructions there are, and how they are encoded.
    private struct Count {
      var all = 0
      var vex = 0
      var evex = 0
    }

    /// What the disassembly of binutils shows of a library: steps, kernels, exported functions and
    /// the runtime.
    private func count(in library: String) throws -> Count {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["objdump", "-d", "-w", "--insn-width=16", library]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
      // Operand and address size, segments, repetition, lock: what may be before an opcode.
      let legacy: Set<Substring> = [
        "66", "67", "f2", "f3", "f0", "2e", "36", "3e", "26", "64", "65",
      ]
      var count = Count()
      for line in text.split(separator: "\n") {
        // Address, bytes, text.
        let fields = line.split(separator: "\t")
        guard fields.count >= 2, fields[0].hasSuffix(":") else { continue }
        count.all += 1
        switch fields[1].split(separator: " ").first(where: { !legacy.contains($0) }) {
        case "c4", "c5": count.vex += 1
        case "62": count.evex += 1
        default: break
        }
      }
      return count
    }

    /// A full-size model has tiles of all heights.
    private func count(target: String) throws -> Count {
      let bench = try Workbench()
      return try count(
        in: bench.compile("vit_tiny_patch16_224") {
          $0.weights = "seed:1"
          $0.target = target
        })
    }

    @Test func `code for x86-64-v2 has no AVX`() throws {
      let found = try count(target: "v2")
      #expect(found.all > 5000 && found.vex == 0 && found.evex == 0, "\(found)")
    }

    @Test func `code for x86-64-v3 has no AVX-512`() throws {
      let found = try count(target: "v3")
      #expect(found.vex > 1000 && found.evex == 0, "\(found)")
    }

    @Test func `code for x86-64-v4 has AVX-512`() throws {
      #expect(try count(target: "v4").evex > 1000)
    }
  }
#endif
