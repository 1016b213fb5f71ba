import FileTesting
import Foundation
import IR
import Passes
import Testing

/// Every operation, constraint and pass has its cases.
@Suite struct CoverageTests {
  private static func text(_ name: String) -> String? {
    try? String(contentsOf: FileTest.folder.appending(path: name + ".vir"), encoding: .utf8)
  }

  /// An operation that `Op.readers` lacks has no text form, and no other test would look for it.
  @Test func `each operation's file is of one that can be read`() throws {
    let folder = FileTest.folder.appending(path: "../../../Sources/IR/Ops")
    var declared: Set<String> = []
    for file in try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    {
      let text = try String(contentsOf: file, encoding: .utf8)
      if let match = text.firstMatch(of: /static let mnemonic = "([a-z0-9_]+)"/) {
        declared.insert(String(match.1))
      }
    }
    #expect(declared == Set(Op.mnemonics))
  }

  @Test(arguments: Op.mnemonics)
  func `an operation has a case of each kind`(_ mnemonic: String) {
    for command in ["text", "verify", "evaluate", "run"] {
      #expect(Self.text("\(command)/\(mnemonic)") != nil, "\(command)/\(mnemonic).vir is missing")
    }
  }

  @Test(arguments: Op.mnemonics)
  func `each numbered constraint is broken by a case`(_ mnemonic: String) throws {
    let documented = try OperationReference.constraints(of: mnemonic)
    let broken = Self.text("verify/\(mnemonic)") ?? ""
    for constraint in documented {
      #expect(broken.contains("error: [\(mnemonic) \(constraint)]"), "\(mnemonic) \(constraint)")
    }
  }

  @Test(arguments: Pipeline.all.map(\.name))
  func `a pass has a case in which it acts, and one in which it declines`(_ name: String) throws {
    let text = try #require(Self.text("pass/\(name)"), "pass/\(name).vir is missing")
    #expect(text.contains("// expect:\n"), "\(name) never acts")
    let pass = try Pipeline.pass(named: name)
    if pass.input == pass.output {
      #expect(text.contains("// expect: unchanged\n"), "\(name) never declines")
    }
  }

  @Test func `the whole pipeline is run on a model`() throws {
    let first = Self.text("pass/pipeline")?.prefix { $0 != "\n" }
    let names = Pipeline.standard.map(\.name).joined(separator: ",")
    #expect(first == "// test: pass \(names)")
  }
}
