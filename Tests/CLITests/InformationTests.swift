import Foundation
import JSON
import Testing

@testable import vitc

@Suite struct InformationTests {
  @Test func inspectSaysEverything() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let text = try vitc("inspect", model).output
    #if arch(arm64)
      let here = "aarch64-neon"
    #else
      let here = "x86-64-v2"
    #endif
    for line in [
      "name        toy", "model       toy_model", "target      any any",
      "runs here   \(here)",
      "compiler    0.0.1, ABI 2", "weights     2.0 KiB, hash 0123456789abcdef0123456789abcdef",
      "input       images f32 [3, 2, 2]", "output      logits f32 [3]",
      "output      features f32 [2]", "parameters  1 234 567", "arena       64 bytes a task",
      "work        0.002 GFLOP an image", "labels      red, green, blue",
      "passes      one, two",
    ] {
      #expect(text.contains(line + "\n"), "\(line)\n\(text)")
    }
    let json = try vitc("inspect", model, "--json").json()
    #expect(json["flops"] == .integer(2_000_000))
    #expect(json["isas"]?.array?.first == .string("any-v1"))
    #expect(json["isa"] == .string(here))
    #expect(json["input"]?["shape"] == .array([.integer(3), .integer(2), .integer(2)]))
    #expect(json["details"]?["passes"] == .array([.string("one"), .string("two")]))
  }

  @Test func benchPrintsOneObject() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc(
      "bench", model, "--threads", "2,1", "--batch", "3", "--seconds", "0.05", "--json")
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    #expect(json["threads"] == .integer(2))
    #expect(json["batch"] == .integer(3))
    let results = try #require(json["results"]?.array)
    #expect(results.map { $0["threads"] } == [.integer(1), .integer(2)])
    func number(_ key: String) -> Double {
      switch json[key] {
      case .number(let value): value
      case .integer(let value): Double(value)
      default: .nan
      }
    }
    #expect(number("min_ms") > 0)
    #expect(number("min_ms") <= number("median_ms"))
    #expect(number("median_ms") <= number("p99_ms"))
    // The flops of 3 images in the shortest time.
    #expect(abs(number("gflops") / (6e6 / (number("min_ms") * 1e6)) - 1) < 1e-6)
    #expect(number("peak_gflops") > 1)
    #expect(results.last?["min_ms"] == json["min_ms"])
    let text = try vitc("bench", model, "--threads", "1", "--seconds", "0.05").output
    #expect(text.hasPrefix("toy_model, any-v2: 0.002 GFLOP an image, batch 1, peak "))
    #expect(text.split(separator: "\n").count == 3)
  }

  @Test func benchTellsWhereTheTimeGoes() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc(
      "bench", model, "--threads", "1", "--iterations", "4", "--per-op", "--json")
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    #expect(json["runs"] == .integer(4))
    #expect(json["per_op"]?["threads"] == .integer(1))
    let steps = try #require(json["per_op"]?["steps"]?.array)
    #expect(
      steps.map { $0["name"]?.string } == ["blocks.0.up", "head", "blocks.1.up"])
    #expect(steps.map { $0["flops"] } == [.integer(3), .integer(5), .integer(3)])
    let kinds = try #require(json["per_op"]?["kinds"]?.array)
    #expect(kinds.map { $0["name"]?.string } == ["blocks.*.up", "head"])
    #expect(kinds.map { $0["count"] } == [.integer(2), .integer(1)])
    #expect(kinds.map { $0["flops"] } == [.integer(6), .integer(5)])
    let text = try vitc(
      "bench", model, "--threads", "2", "--iterations", "1", "--per-op"
    ).output
    #expect(text.contains("\nsteps of one image, 2 threads"))
    #expect(text.contains("\nall "))
  }

  /// A number of a report; not a number where there is none.
  private static func number(_ value: JSONValue?) -> Double {
    switch value {
    case .number(let number): number
    case .integer(let number): Double(number)
    case .null, .bool, .string, .array, .object, nil: .nan
    }
  }

  @Test func benchPredictsOtherThreadCounts() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc(
      "bench", model, "--simulate", "8,2", "--iterations", "3", "--bandwidth", "10", "--json")
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    #expect(Self.number(json["bandwidth_gb_s"]) == 10)
    let results = try #require(json["results"]?.array)
    #expect(results.map { $0["threads"] } == [.integer(2), .integer(8)])
    let barrier = Self.number(json["barrier_us_of_two"])
    for (result, threads) in zip(results, [2.0, 8]) {
      let kinds = try #require(result["kinds"]?.array)
      #expect(kinds.map { $0["name"]?.string } == ["blocks.*.up", "head"])
      // The kinds are all there is; three steps wait for each other.
      let ms = Self.number(result["ms"])
      let sum = kinds.reduce(0) { $0 + Self.number($1["ms"]) }
      #expect(abs(sum - ms) < 1e-9 * max(1, ms))
      let waiting = 3 * (barrier + (threads - 2) * 0.05) / 1000
      let share = Self.number(result["barrier_share"])
      #expect(abs(share * ms - waiting) < 1e-6)
      let efficiency = Self.number(result["efficiency"])
      #expect(efficiency > 0 && efficiency <= 1)
    }
    let batch = try vitc(
      "bench", model, "--simulate", "4", "--iterations", "1", "--batch", "7", "--json")
    #expect(batch.code == 0, "\(batch.errors)")
    let predicted = try batch.json()
    #expect(predicted["batch"] == .integer(7))
    let seven = try #require(predicted["results"]?.array?.first)
    // Four whole images, without waiting; two teams of two; four threads for the last one.
    let waiting = 3 * (2 * Self.number(predicted["barrier_us_of_two"]) + 2 * 0.05) / 1000
    #expect(
      abs(Self.number(seven["barrier_share"]) * Self.number(seven["ms"]) - waiting) < 1e-6)
    let advised = try vitc(
      "bench", model, "--simulate", "1,4", "--iterations", "1", "--threads", "auto")
    #expect(advised.output.contains("\nrecommended: --threads "))
    let text = try vitc("bench", model, "--simulate", "4", "--iterations", "1").output
    #expect(!text.contains("recommended"))
    #expect(text.contains("memory is not a bound"))
    #expect(text.contains("\n4 threads\n"))
    for wrong in [["--bandwidth", "3"], ["--simulate", "4", "--per-op"], ["--simulate", "0"]] {
      let outcome = try vitc(["bench", model] + wrong)
      #expect(outcome.code == 64)
    }
  }

  /// The rule of `TeamTests`, which looks at what the runtime does.
  @Test func batchesGoInRounds() {
    func sizes(_ images: Int, _ threads: Int) -> [[Int]] {
      BatchRounds(images: images, threads: threads).rounds.map { [$0.images, $0.size] }
    }
    #expect(sizes(1, 1) == [[1, 1]])
    #expect(sizes(1, 8) == [[1, 8]])
    #expect(sizes(4, 8) == [[4, 2]])
    #expect(sizes(7, 8) == [[4, 2], [2, 4], [1, 8]])
    #expect(sizes(17, 6) == [[6, 1], [6, 1], [3, 2], [2, 3]])
    #expect(sizes(4, 7) == [[1, 7], [1, 7], [1, 7], [1, 7]])
  }

  @Test func benchRecommendsThreads() throws {
    let advice = try #require(
      ThreadAdvice([(1, 9.0), (8, 2.05), (2, 5.0), (16, 2.0), (4, 2.2), (32, 2.3)]))
    #expect(advice.latency == 8 && advice.throughput == 16)
    #expect(
      advice.text() == "recommended: --threads 8 for latency, within 5 % of the best; "
        + "16 for the most images a second\n")
    #expect(ThreadAdvice([]) == nil)
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc("bench", model, "--threads", "auto", "--iterations", "3", "--json")
    let json = try result.json()
    let measured = json["results"]?.array?.compactMap { $0["threads"] } ?? []
    for key in ["latency", "throughput"] {
      let chosen = try #require(json["recommended_threads"]?[key])
      #expect(measured.contains(chosen))
    }
    #expect(
      try vitc("bench", model, "--iterations", "1", "--json").json()["recommended_threads"] == nil)
    #expect(
      try vitc("bench", model, "--threads", "auto", "--iterations", "1").output.contains(
        "recommended: --threads "))
  }

  @Test func benchRefusesNonsense() throws {
    #expect(try vitc("bench", "lib.so", "--iterations", "0").code == 64)
    #expect(try vitc("bench", "lib.so", "--threads", "0").code == 64)
    #expect(try vitc("bench", "lib.so", "--threads", "1,x").code == 64)
    #expect(try vitc("bench", "lib.so", "--batch", "0").code == 64)
    #expect(try vitc("bench", "lib.so", "--seconds", "0").code == 64)
  }

  @Test func threadCounts() {
    #expect(ThreadCounts(argument: "4,1,4") == .list([1, 4]))
    #expect(ThreadCounts(argument: "1,") == nil)
    #expect(ThreadCounts(argument: "auto") == .automatic)
    #expect(ThreadCounts.automatic.counts(processors: 12) == [1, 2, 4, 8, 12])
    #expect(ThreadCounts(argument: "all")?.counts(processors: 3) == [1, 2, 3])
    #expect(ThreadCounts.doubling.counts(processors: 1) == [1])
    #expect(ThreadCounts.doubling.counts(processors: 2) == [1, 2])
    #expect(ThreadCounts.doubling.counts(processors: 8) == [1, 2, 4, 8])
    #expect(ThreadCounts.doubling.counts(processors: 12) == [1, 2, 4, 8, 12])
  }

  @Test func statistics() {
    let one = Statistics([3])
    #expect(one.minimum == 3 && one.median == 3 && one.percentile99 == 3)
    let many = Statistics((1...200).reversed().map(Double.init))
    #expect(many.minimum == 1 && many.median == 101 && many.percentile99 == 199)
  }

  @Test func listsAreComplete() throws {
    let models = try vitc("list")
    #expect(models.code == 0)
    // The columns are as wide as what is in them.
    let lines = models.output.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.split(separator: " ").joined(separator: " ")
    }
    #expect(
      lines.contains("vit_base_patch16_224 ViT-B/16 7 epochs 86 567 656 35.13 3x224x224"),
      "\(models.output.prefix(2000))")
    #expect(models.output.contains("\n\nhybrid:\nvit_tiny_r_s16_p8_224 "))
    #expect(lines.contains { $0.contains("R152x2 7 and 14 epochs ") })
    let json = try #require(try vitc("list", "models", "--json").json().array)
    let base = try #require(json.first { $0["name"] == .string("vit_base_patch16_224") })
    #expect(base["paper_name"] == .string("ViT-B/16"))
    #expect(base["parameters"] == .integer(86_567_656))
    #expect(base["family"] == .string("vit") && base["study_epochs"]?.array == [.integer(7)])
    let passes = try #require(try vitc("list", "passes", "--json").json().array)
    #expect(passes.last?["name"] == .string("plan-memory"))
    #expect(try vitc("list", "passes").output.contains("before plan-memory: "))
    let ops = try #require(try vitc("list", "ops", "--json").json().array)
    let norm = try #require(ops.first { $0["name"] == .string("layer_norm") })
    #expect(norm["forms"]?.array?.contains(.string("imported")) == true)
    #expect(try vitc("list", "targets").output.contains("x86-64-v4"))
  }

  @Test func unknownNamesAreTold() throws {
    let subject = try vitc("list", "model")
    #expect(subject.code == 64)
    #expect(subject.errors.contains("error: cannot list 'model'"))
    #expect(subject.errors.contains("hint: did you mean 'models'?"))
    let command = try vitc("inspct", "lib.so")
    #expect(command.code == 64)
    #expect(command.errors.contains("error: unknown subcommand 'inspct'"))
    #expect(command.errors.contains("hint: did you mean 'inspect'?"))
    #expect(try vitc("list", "--jsn").code == 64)
  }

  @Test func version() throws {
    let result = try vitc("--version")
    #expect(result.code == 0)
    #expect(result.output.wholeMatch(of: /vitc \d+\.\d+\.\d+\n/) != nil, "\(result.output)")
  }

  @Test func tablesAlign() {
    var table = TextTable([("name", .left), ("count", .right), ("", .left)])
    table.add(["a", "1", ""])
    table.add(["longer", "12345678", "x"])
    #expect(
      table.lines == ["name       count", "a              1", "longer  12345678  x"])
  }

  @Test func numbersAsText() {
    #expect(Format.grouped(1) == "1")
    #expect(Format.grouped(-1234) == "-1 234")
    #expect(Format.grouped(86_567_656) == "86 567 656")
    #expect(Format.bytes(1023) == "1023 bytes")
    #expect(Format.bytes(1536) == "1.5 KiB")
    #expect(Format.bytes(5 << 30) == "5.0 GiB")
  }

  @Test func progressLine() {
    #expect(
      ProgressLine.text("running", fraction: 0.456, elapsed: .seconds(3)) == "running  45 %  3 s")
    #expect(
      ProgressLine.text("linking", fraction: nil, elapsed: .milliseconds(1900)) == "linking  1 s")
  }
}

extension JSONValue {
  /// The value of a number.
  fileprivate var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}
