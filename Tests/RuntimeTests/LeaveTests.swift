import Foundation
import Testing

/// The caller's parallel-for may be left by an exception or by longjmp; the context goes on.
@Suite struct LeaveTests {
  @Test(arguments: ["exceptions", "longjmp"])
  func contextsGoOn(_ way: String) throws {
    let folder = try Folder()
    let built = try shell(
      ["clang++", "-O1", "-Wall", "-Wextra", "-Werror", "-I", Fixture.headers]
        + [Fixture.fixtures + "/leave.cpp", "-o", folder("leave"), "-ldl", "-lpthread"])
    try #require(built.status == 0, "\(built.text)")
    let result = try shell([folder("leave"), try Fixture.library(), way])
    #expect(result.text == "")
    #expect(result.status == 0)
  }
}
