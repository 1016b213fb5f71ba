import Foundation
import JSON
import Testing

@testable import vitc

/// `vitc verify` and `vitc selftest`, on whole libraries and damaged ones.
@Suite struct ProofTests {
  private static let digits =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits/model"

  /// Compiles the digit classifier.
  private func compile(_ options: String..., in folder: Folder) throws -> (
    library: String, said: String
  ) {
    try compile(options, in: folder)
  }

  private func compile(_ options: [String], to name: String = "libdigits.so", in folder: Folder)
    throws -> (library: String, said: String)
  {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    let library = folder(name)
    let result = try launch(program, ["compile", Self.digits, "-o", library] + options)
    try #require(result.code == 0, "\(result.errors)")
    return (library, result.errors)
  }

  /// Changes a file in place.
  private func damage(_ path: String, _ change: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    change(&data)
    try data.write(to: URL(fileURLWithPath: path))
  }

  /// Turns the middle of the weights, which are the end of the file, into numbers near 49.
  private func spoil(_ data: inout Data) {
    let middle = data.count - 300_000
    data.replaceSubrange(middle..<(middle + 65_536), with: Data(repeating: 0x42, count: 65_536))
  }

  @Test(arguments: [false, true]) func verifyFindsOneBit(inFile: Bool) throws {
    let folder = try Folder()
    let library = try compile(inFile ? "--weights-file" : "--quiet", in: folder).library
    let weights = inFile ? folder("digits.weights") : library
    let whole = try vitc("verify", library)
    #expect(whole.code == 0, "\(whole.errors)")
    let json = try vitc("inspect", library, "--json").json()
    let hash = try #require(json["weights_hash"]?.string)
    #expect(whole.output.hasPrefix("\(weights): weights are intact: "))
    #expect(whole.output.hasSuffix(" XXH3-128 \(hash)\n"))
    let header = try String(contentsOfFile: folder("digits.h"), encoding: .utf8)
    #expect(header.contains("XXH3-128 \(hash)") && header.contains("compiled by vitc 0."))

    try damage(weights) { $0[$0.count - 100_001] ^= 1 }
    let damaged = try vitc("verify", library)
    #expect(damaged.code == 1)
    #expect(
      damaged.errors.hasPrefix("\(weights): error: the weights are damaged: their hash is "),
      "\(damaged.errors)")
    #expect(damaged.errors.contains(", expected \(hash)\n"))
  }

  @Test func verifyFindsWhatIsMissing() throws {
    let folder = try Folder()
    let library = try compile("--weights-file", in: folder).library
    let weights = folder("digits.weights")
    let count = try Data(contentsOf: URL(fileURLWithPath: weights)).count
    let elsewhere = folder("elsewhere")
    try FileManager.default.moveItem(atPath: weights, toPath: elsewhere)
    let lost = try vitc("verify", library)
    #expect(lost.code == 1 && lost.errors.contains("\(weights): error: "), "\(lost.errors)")
    #expect(try vitc("verify", library, "--weights", elsewhere).code == 0)
    try damage(elsewhere) { $0.removeLast(10) }
    let short = try vitc("verify", library, "--weights", elsewhere)
    #expect(short.code == 1)
    #expect(
      short.errors == "\(elsewhere): error: is \(count - 10) bytes, expected \(count - 4096) after "
        + "the first 4096: it was truncated\n")
    try damage(elsewhere) { $0.append(Data(count: 11)) }
    let long = try vitc("verify", library, "--weights", elsewhere)
    #expect(long.errors.contains("it is another model's or was damaged"), "\(long.errors)")
    let renamed = folder("renamed.so")
    try FileManager.default.copyItem(atPath: library, toPath: renamed)
    try damage(renamed) { data in
      guard let name = data.firstRange(of: Data("digits.weights".utf8)) else { return }
      data.replaceSubrange(name, with: Data("../its.weights".utf8))
      guard let second = data.firstRange(of: Data("digits.weights".utf8)) else { return }
      data.replaceSubrange(second, with: Data("../its.weights".utf8))
    }
    let away = try vitc("verify", renamed)
    #expect(
      away.errors == "\(renamed): error: names its weights file '../its.weights', expected a file "
        + "beside it\n")
    try damage(elsewhere) { $0[0] = 0 }
    let foreign = try vitc("verify", library, "--weights", elsewhere)
    #expect(foreign.errors == "\(elsewhere): error: is not a weights file of vitc\n")
  }

  @Test func verifyRefusesWhatIsNoWholeLibrary() throws {
    let folder = try Folder()
    let library = try compile("--quiet", in: folder).library
    try damage(library) { $0.removeLast(10) }
    let short = try vitc("verify", library)
    #expect(short.code == 1)
    #expect(short.errors.hasPrefix("\(library): error: it is truncated: "), "\(short.errors)")
    let text = try vitc("verify", folder("digits.h"))
    #expect(text.errors == "\(folder("digits.h")): error: it is not a shared library\n")
    let toy = try Toy.build(in: folder)
    let other = try vitc("verify", toy)
    #expect(other.code == 1)
    #expect(
      other.errors
        == "\(toy): error: is not a shared library that this version of vitc made: it has "
        + "no record of its weights\n")
  }

  @Test(arguments: [false, true]) func selfTestOfEachInstructionSet(inFile: Bool) throws {
    let folder = try Folder()
    let library = try compile(inFile ? "--weights-file" : "--quiet", in: folder).library
    let json = try vitc("inspect", library, "--json").json()
    let isas = (json["isas"]?.array ?? []).compactMap(\.string)
    #expect(!isas.isEmpty)
    let whole = try vitc("selftest", library, "--threads", "2")
    #expect(whole.code == 0, "\(whole.errors)")
    let lines = whole.output.split(separator: "\n")
    #expect(lines.count == 1 + isas.count)
    for (line, isa) in zip(lines.dropFirst(), isas) {
      #expect(line.hasPrefix(isa))
      #expect(
        line.hasSuffix("passed") || line.hasSuffix("not run: not supported by this processor"))
    }
    // The self-test values are those of AVX2, where the library has it, or of the baseline.
    let source = lines.first { $0.hasPrefix("x86-64-v3 ") } ?? lines[1]
    #expect(source.contains(" 0.0e+00 "), "\(whole.output)")

    try damage(inFile ? folder("digits.weights") : library, spoil)
    let damaged = try vitc("selftest", library)
    #expect(damaged.code == 1)
    #expect(damaged.output.contains("failed") && !damaged.output.contains("passed"))
    #expect(damaged.errors.hasPrefix("\(library): error: the self-test failed for "))
  }

  @Test func librariesWithoutGoldenValues() throws {
    let folder = try Folder()
    let (library, said) = try compile("--no-self-test", in: folder)
    #expect(
      said.contains("note     no self-test values for digits_selftest: not wanted\n"), "\(said)")
    let none = try vitc("selftest", library)
    #expect(none.code == 1)
    #expect(
      none.errors
        == "\(library): error: there are no self-test values: vitc left them out, and said why "
        + "when it compiled the model\n")
    #expect(try vitc("verify", library).code == 0)
  }

  /// What this machine cannot run as it is has self-test values too.
  @Test(arguments: [
    ("libdigits.a", ["--emit", "static"]), ("digits.o", ["--emit", "object"]),
    ("libdigits.so", ["--target", "neon"]), ("libdigits.so", ["--target", "v2"]),
    ("libdigits.so", ["--target", "neon", "--weights-file"]),
  ])
  func selfTestValuesOfEverything(name: String, options: [String]) throws {
    let folder = try Folder()
    let (library, said) = try compile(options, to: name, in: folder)
    #expect(!said.contains("no self-test values"), "\(said)")
    #expect(said.contains(", self-test values "), "\(said)")
    // One record with the mark of vit_proof and, after it, has_values.
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: library)))
    let mark = Array("VTCProoF".utf8)
    let places = bytes.indices.dropLast(136 + 8).filter {
      bytes[$0] == mark[0] && Array(bytes[$0..<($0 + 8)]) == mark && bytes[$0 + 15] == 0x9d
    }
    #expect(places.count == 1)
    #expect(places.allSatisfy { bytes[$0 + 124] == 1 })
    // Nothing of the run is left, such as a copy of the weights.
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let beside = options.contains("--weights-file") ? ["digits.weights"] : []
    #expect(left == (["digits.h", "digits.hpp", name, "module.modulemap"] + beside).sorted())
  }

  @Test func selfTestTellsErrors() throws {
    let folder = try Folder()
    let good = try vitc("selftest", try Toy.build(in: folder))
    #expect(good.code == 0 && good.output.contains("any-v2"), "\(good.errors)")
    let toy = try Toy.build(in: folder, name: "libbad.so", defines: ["BIAS=0.5f"])
    let bad = try vitc("selftest", toy)
    #expect(bad.code == 1 && bad.output.contains("5.0e-01"), "\(bad.output)")
    #expect(
      bad.errors == "\(toy): error: the self-test failed for any-v1, any-v2\n"
        + "  hint: 'vitc verify' checks the weights\n", "\(bad.errors)")
  }

  /// The example of the header's comment.
  @Test func aProgramInC() throws {
    let folder = try Folder()
    let library = try compile("--quiet", in: folder).library
    let source = try folder.write(
      #"""
      #include <stdio.h>
      #include "digits.h"
      int main(void) {
        digits_model *model;
        if (digits_create(NULL, &model) != DIGITS_OK) return 2;
        digits_selftest_result test = {.size = sizeof test};
        if (digits_selftest(model, &test) != DIGITS_OK) return puts(digits_last_error()), 1;
        if (digits_selftest(model, NULL) != DIGITS_OK || test.error > test.limit) return 3;
        test.size = 1;
        if (digits_selftest(model, &test) != DIGITS_INVALID_ARGUMENT) return 4;
        puts(digits_last_error());
        if (digits_selftest(NULL, NULL) != DIGITS_INVALID_ARGUMENT) return 5;
        puts(digits_last_error());
        digits_destroy(model);
        return 0;
      }
      """#, to: "prove.c")
    let env = URL(fileURLWithPath: "/usr/bin/env")
    let build = try launch(
      env,
      [
        "clang", "-Wall", "-Wextra", "-Werror", source, "-o", folder("prove"), "-I", folder.path,
        library, "-Wl,-rpath,\(folder.path)",
      ])
    try #require(build.code == 0, "\(build.errors)")
    let whole = try launch(env, [folder("prove")])
    #expect(whole.code == 0)
    #expect(
      whole.output == "result.size is 1, expected sizeof of the result struct, 24\n"
        + "model is null\n")
    try damage(library, spoil)
    let damaged = try launch(env, [folder("prove")])
    #expect(damaged.code == 1)
    #expect(
      damaged.output.hasPrefix(
        "the self-test failed: output 'logits' differs from its self-test values by "),
      "\(damaged.output)")
  }
}
