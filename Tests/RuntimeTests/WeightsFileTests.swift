import Foundation
import Testing

@testable import VitRuntime

@Suite struct WeightsFileTests {
  let folder: Folder
  let library: String
  let weights: String

  init() throws {
    folder = try Folder()
    library = try Fixture.build(placement: .file, in: folder)[0]
    weights = folder("toy.weights")
  }

  func message() -> String? {
    let error = #expect(throws: VitError.self) { try VitModel(path: library) }
    return error?.message
  }

  func rewrite(_ change: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: weights))
    change(&data)
    try data.write(to: URL(fileURLWithPath: weights))
  }

  @Test func standsBesideTheLibrary() throws {
    let images = Fixture.images(2)
    let context = try VitModel(path: library).makeContext()
    #expect(try context.run(images: images, count: 2) == Fixture.expected(images).logits)
  }

  @Test func standsElsewhere() throws {
    let elsewhere = try Folder()
    let path = elsewhere("other name")
    try FileManager.default.moveItem(atPath: weights, toPath: path)
    #expect(message() == "weights file '\(weights)': no such file")
    let model = try VitModel(path: library, options: VitOptions(weightsPath: path))
    let images = Fixture.images(1)
    #expect(try model.makeContext().run(images: images) == Fixture.expected(images).logits)
  }

  @Test func truncated() throws {
    try rewrite { $0.removeLast(100) }
    #expect(
      message() == "weights file '\(weights)': is 4236 bytes, expected 4336; it was truncated")
    try rewrite { $0.removeLast(4226) }
    #expect(message() == "weights file '\(weights)': is 10 bytes, expected 4336; it was truncated")
    try rewrite { $0.removeAll() }
    #expect(message() == "weights file '\(weights)': is 0 bytes, expected 4336; it was truncated")
  }

  @Test func tooLong() throws {
    try rewrite { $0.append(0) }
    #expect(
      message() == "weights file '\(weights)': is 4337 bytes, expected 4336; it was damaged")
  }

  @Test func foreign() throws {
    try rewrite { $0[0] ^= 1 }
    #expect(message() == "weights file '\(weights)': is not a vitc weights file")
  }

  @Test func otherVersion() throws {
    try rewrite { $0[8] = 9 }
    #expect(message() == "weights file '\(weights)': has ABI version 9, expected 2")
  }

  @Test func otherModel() throws {
    let other = try Folder()
    _ = try Fixture.build(placement: .file, weights: Fixture.weights.map { -$0 }, in: other)
    try FileManager.default.removeItem(atPath: weights)
    try FileManager.default.copyItem(atPath: other("toy.weights"), toPath: weights)
    let text = try #require(message())
    #expect(text.hasPrefix("weights file '\(weights)': belongs to another model: its hash is "))
  }

  @Test func folderOrUnreadable() throws {
    try FileManager.default.removeItem(atPath: weights)
    try FileManager.default.createDirectory(atPath: weights, withIntermediateDirectories: false)
    #expect(message() == "weights file '\(weights)': is a folder")
  }

  /// A pipe would be waited for, and a device may be anything.
  @Test func pipesSocketsAndDevices() throws {
    let text = ": is not a regular file but a pipe, a socket or a device"
    try FileManager.default.removeItem(atPath: weights)
    #expect(mkfifo(weights, 0o600) == 0)
    #expect(message() == "weights file '\(weights)'" + text)
    try FileManager.default.removeItem(atPath: weights)
    try FileManager.default.createSymbolicLink(
      atPath: weights, withDestinationPath: "/dev/zero")
    #expect(message() == "weights file '\(weights)'" + text)
    #expect(mkfifo(folder("fifo"), 0o600) == 0)
    #expect(mknod(folder("socket"), S_IFSOCK | 0o600, 0) == 0)
    for path in [folder("fifo"), folder("socket"), "/dev/null", "/dev/zero", "/dev/tty"] {
      let error = #expect(throws: VitError.self) {
        try VitModel(path: library, options: VitOptions(weightsPath: path))
      }
      #expect(error?.status == .weightsUnreadable)
      #expect(error?.message == "weights file '\(path)'" + text)
    }
  }

  // MARK: The file is beside the library, by whatever name that is loaded.

  private func expectRuns(_ path: String) throws {
    let images = Fixture.images(1)
    let context = try VitModel(path: path).makeContext()
    #expect(try context.run(images: images) == Fixture.expected(images).logits)
  }

  private func link(_ name: String, to target: String, in place: Folder) throws {
    try FileManager.default.createSymbolicLink(
      atPath: place(name), withDestinationPath: target)
  }

  @Test func besideTheFileThatLinksLeadTo() throws {
    let (near, far) = (try Folder(), try Folder())
    try link("libtoy.so", to: library, in: near)
    try expectRuns(near("libtoy.so"))
    try link("other name.so", to: near("libtoy.so"), in: far)
    try expectRuns(far("other name.so"))
    // A link to the folder.
    try link("folder", to: folder.path, in: far)
    try expectRuns(far("folder/libtoy.so"))
    // Without the file, the text names the place where it should be.
    try FileManager.default.removeItem(atPath: weights)
    let error = #expect(throws: VitError.self) { try VitModel(path: far("other name.so")) }
    #expect(error?.message == "weights file '\(weights)': no such file")
  }

  /// As build systems do that gather links to files of several folders.
  @Test func besideTheLink() throws {
    let (farm, store) = (try Folder(), try Folder())
    try FileManager.default.moveItem(atPath: weights, toPath: store("toy.weights"))
    try link("libtoy.so", to: library, in: farm)
    try link("toy.weights", to: store("toy.weights"), in: farm)
    try expectRuns(farm("libtoy.so"))
  }

  @Test func inFoldersOfAnyName() throws {
    let place = try Folder()
    let long = String(repeating: "x", count: 200)
    for name in ["with space ", "(deleted)", "ünï", "back\\slash", long] {
      let inside = place(name)
      try FileManager.default.createDirectory(atPath: inside, withIntermediateDirectories: false)
      for file in ["libtoy.so", "toy.weights"] {
        try FileManager.default.copyItem(atPath: folder(file), toPath: "\(inside)/\(file)")
      }
      try link("link \(name.count)", to: "\(inside)/libtoy.so", in: place)
      try expectRuns(place("link \(name.count)"))
    }
  }

  @Test func afterChangingTheFolder() throws {
    let program = folder("place")
    let built = try shell([
      "clang", "-Wall", "-Werror", "-I", Fixture.headers, Fixture.fixtures + "/place.c",
      "-DLOADED", "-o", program, "-ldl",
    ])
    try #require(built.status == 0, "\(built.text)")
    let result = try shell([program, "./libtoy.so", "/"], in: folder.path)
    #expect(result.text == "" && result.status == 0)
  }

  @Test func besideAnExecutableStartedByALink() throws {
    let (place, links) = (try Folder(), try Folder())
    _ = try Fixture.build(file: "libtoy.a", kind: .static, placement: .file, in: place)
    let built = try shell(
      ["clang", "-Wall", "-Werror", "-I", Fixture.headers, Fixture.fixtures + "/place.c"]
        + [place("libtoy.a"), "-o", place("place"), "-ldl", "-lpthread"])
    try #require(built.status == 0, "\(built.text)")
    try link("started", to: place("place"), in: links)
    for (program, inside) in [
      (place("place"), "/"), ("./place", place.path), (links("started"), "/"),
      ("./started", links.path),
    ] {
      let result = try shell([program, "-", "/"], in: inside)
      #expect(result.text == "" && result.status == 0, "\(program)")
    }
  }
}
