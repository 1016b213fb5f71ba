// vitc-filetest [--bless] [PART …]: runs the file tests whose path contains a PART, as far as they
// need no generated code. It is small, so that an operation that was edited is soon tested.

import FileTesting
import Foundation

var parts = Array(CommandLine.arguments.dropFirst())
let blesses = parts.contains("--bless")
parts.removeAll { $0 == "--bless" }

let tests = FileTest.discover(containing: parts)
  .filter { FileTest.graphCommands.keys.contains($0.command) }
guard !tests.isEmpty else {
  let commands = FileTest.graphCommands.keys.sorted().joined(separator: ", ")
  print("no case of \(commands) has a path that contains \(parts.joined(separator: " or "))")
  exit(2)
}
var failures = 0
for test in tests {
  guard let difference = try test.run(commands: FileTest.graphCommands, blesses: blesses) else {
    continue
  }
  failures += 1
  print(difference)
}
print("\(tests.count - failures) of \(tests.count) cases hold")
exit(failures == 0 ? 0 : 1)
