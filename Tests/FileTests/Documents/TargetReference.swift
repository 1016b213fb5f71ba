import Codegen
import FileTesting
import Foundation

/// `Docs/Targets.md`: every target, from its table in `Sources/Codegen/Targets`.
enum TargetReference {
  static func text() throws -> String {
    var text = """
      # Targets

      Made from the table in `Sources/Codegen/Targets` by `make docs`; a test fails when it is
      stale. `--target` takes names of the table, or what follows their last hyphen, separated by
      commas: `--target v3,v4` makes one library with code for both. `portable`, the default, is all
      of the compiling machine's architecture, and for int8 `v3+avxvnni` as well, for processors
      that have AVX-VNNI and not AVX-512 (Alder Lake and later), `v4+vnni`, for those that have VNNI
      and not BF16 (Cascade Lake, Ice Lake), and on Arm `aarch64+dotprod` and
      `aarch64+dotprod+i8mm+bf16`, for bf16 there `aarch64+bf16`; `host` is the best one that this
      machine runs.
      A name may be followed by features (below) for instructions that only some of its processors
      have: `--target v3,v4,v4+bf16+vnni`, `--target aarch64,aarch64+dotprod`.

      When a model is created, it asks the processor and the kernel what they run and takes the
      best of its instruction sets, or the one that `options.isa` or the environment variable
      `VITC_ISA` names. Where none runs, creation fails with a status and a text that says what is
      missing: nothing but plain x86-64 is executed before.

      | target | vector unit | floats | multiply-add | tile | triple | processors |
      |---|---|---|---|---|---|---|

      """
    for target in Target.all {
      let tile = "\(target.tileRows)x\(target.tileVectors * target.lanes)"
      text +=
        "| `\(target.name)` | \(target.vectorUnit) | \(target.lanes) "
        + "| \(target.hasFMA ? "fused" : "two steps") | \(tile) | `\(target.triple)` "
        + "| \(try comment(target)) |\n"
    }
    text += """

      | feature | of | LLVM's name | what it multiplies |
      |---|---|---|---|

      """
    for feature in TargetFeature.all {
      text +=
        "| `+\(feature.word)` | `\(feature.base.name)` "
        + "| \(feature.instructions.joined(separator: ", ")) "
        + "| \(feature.summary) |\n"
    }
    return text + """

      A library that multiplies f32 only is compiled without them, since they would only keep
      processors away. `x86-64-v4-bf16`, which `portable` has, is `x86-64-v4+bf16+vnni` by
      another name. `x86-64-v3+avxvnni` gives the bits of `x86-64-v3`.

      On Arm int8 is multiplied by `sdot` with `+dotprod` and by `usmmla` with `+i8mm` (`sudot`
      where a matmul has fewer than 24 rows), to the same bits as without: integers are exact. What
      such a model multiplies in bf16, as attention, is bf16 on each set.
      bf16 is multiplied by `bfmmla` with `+bf16` (by `bfdot`, to the same bits, in convolutions and
      for fewer than 24 rows), else widened for NEON's multiply-adds of f32, so the bits of the two
      differ: `bfmmla` adds the two products of a pair, then the sum so far, cuts off what does not
      fit into f32 each time, and sets the last bit if that was anything; numbers below 2^-126 are
      zero to it. It errs by less than 2^-23 of each sum where a multiply-add errs by 2^-24 at most,
      which the 2^-9 of bf16's own rounding hides. The code of all Arm sets has been run under
      emulation, not on hardware.

      `x86-64-v4+amx` (Sapphire Rapids and later, Linux 5.16) has to be named, as in `--target
      portable,v4+amx`: neither `portable` nor `host` has it, since choosing it changes the whole
      process (below), and it has run where its instructions are emulated only. It multiplies
      linear layers of bf16 and of 8-bit integers, of more than four rows, by tiles; everything
      else is that of `+bf16+vnni`, which it brings along. Products of integers have the same
      bits, sums of bf16 are made in another order. When a model is made that runs it, and only
      then, the library asks the kernel for the tiles' registers, which holds for the whole process
      (`arch_prctl(ARCH_REQ_XCOMP_PERM, 18)`). From then on the kernel refuses alternate signal
      stacks that are too small for them (`AT_MINSIGSTKSZ` says how large); where a thread has such
      a stack already, it refuses the registers, and the model runs its next best set. Threads have
      tiles only within a step of a run: nothing is left in them.

      The tile is rows by columns of the result that stay in registers in the inner loop of a
      fusedLinear. One blob of packed weights serves every target: panels are 32 columns wide.

      """
  }

  /// The doc comment of the target's declaration, in one line.
  private static func comment(_ target: Target) throws -> String {
    for (_, lines) in try DocComments.sources("Sources/Codegen/Targets") {
      guard let name = lines.firstIndex(where: { $0.contains("name: \"\(target.name)\"") }),
        let declaration = lines[...name].lastIndex(where: { $0.contains("static let") })
      else { continue }
      return DocComments.above(declaration, in: lines).joined(separator: " ")
    }
    throw Failure("no file in Sources/Codegen/Targets documents '\(target.name)'")
  }
}
