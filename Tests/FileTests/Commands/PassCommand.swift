import IR
import Passes

/// `pass NAME[,NAME…]`: runs passes, and expects the whole resulting graph, or `unchanged`.
///
/// Each result must verify, and a pass within one form must leave its own result alone.
struct PassCommand: FileTestCommand {
  private let passes: [Pass]

  init(arguments: [String], file: FileTest) throws {
    guard arguments.count == 1 else { throw Failure("'pass' takes a list of passes") }
    var passes: [Pass] = []
    for name in arguments[0].split(separator: ",") {
      passes.append(try Pipeline.pass(named: String(name)))
    }
    self.passes = passes
  }

  func observe(_ section: FileTest.Section) throws -> [String] {
    let source = try section.graph()
    var graph = source
    var context = PassContext()
    for pass in passes {
      guard graph.form == pass.input else {
        throw Failure("'\(pass.name)' takes the form '\(pass.input.rawValue)'")
      }
      do throws(Diagnostic) {
        graph = try pass.transform(graph, &context)
      } catch {
        return section.expecting(["// expect error: \(error.message)"])
      }
      try Verifier.verify(graph)
      let again = pass.input == pass.output ? try pass.transform(graph, &context) : graph
      guard again == graph else { throw Failure("'\(pass.name)' changes its own result") }
    }
    if graph == source { return section.expecting(["// expect: unchanged"]) }
    let printed = graph.description.dropLast().split(
      separator: "\n", omittingEmptySubsequences: false)
    return section.expecting(["// expect:"] + printed.map { $0.isEmpty ? "//" : "// \($0)" })
  }
}
