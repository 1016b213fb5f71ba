import CVitABI
import EmbeddedImage
import Foundation
import Testing

/// The sizes that photos become by the rules that keep their aspect, against transformers' image
/// processors (Scripts/goldens/photo_sizes.py).
@Suite struct PhotoSizeTests {
  typealias Function =
    @convention(c) (
      UnsafePointer<vit_program>?, Int32, Int32, UnsafeMutablePointer<Int32>?
    ) -> vit_status

  private static let handle: Result<Function, any Error> = Result {
    let folder = try Folder()
    let object = try #require(EmbeddedImage.object(architecture: PreprocessTests.hostArchitecture))
    try Data(object).write(to: URL(fileURLWithPath: folder("rt.o")))
    let linked = try shell(["clang", "-shared", folder("rt.o"), "-o", folder("rt.so")])
    try #require(linked.status == 0, "\(linked.text)")
    let handle = try #require(dlopen(folder("rt.so"), RTLD_NOW))
    return unsafeBitCast(try #require(dlsym(handle, "vit_rt_size_for")), to: Function.self)
  }

  /// Asks a model of two sizes, the second of which is `size`, for a photo's.
  private func sizeFor(
    _ recipe: vit_preprocessing, _ size: (height: Int, width: Int), width: Int, height: Int
  ) throws -> (status: vit_status, size: Int32) {
    let function = try Self.handle.get()
    var recipe = recipe
    var found: Int32 = -1
    var first = vit_description()
    first.input.shape = (3, 1, 1, 0)
    var second = vit_description()
    second.input.shape = (3, Int64(size.height), Int64(size.width), 0)
    let status = withUnsafePointer(to: &recipe) { recipe in
      withUnsafePointer(to: &first) { first in
        withUnsafePointer(to: &second) { second in
          var other = vit_program()
          other.description = second
          other.preprocessing = recipe
          return withUnsafePointer(to: &other) { other in
            var list: UnsafePointer<vit_program>? = other
            return withUnsafePointer(to: &list) { list in
              var program = vit_program()
              program.description = first
              program.preprocessing = recipe
              program.further_count = 1
              program.further = list
              return function(&program, Int32(width), Int32(height), &found)
            }
          }
        }
      }
    }
    return (status, found)
  }

  private func recipe(_ rule: Substring, _ numbers: [Int]) -> vit_preprocessing {
    var recipe = vit_preprocessing()
    recipe.window = VIT_WINDOW_EQUAL
    if rule == "patches" {
      recipe.resize = VIT_RESIZE_PATCHES
      recipe.resize_height = Int32(numbers[0])
      recipe.multiple = Int32(numbers[1])
    } else {
      recipe.resize = VIT_RESIZE_MULTIPLES
      recipe.resize_height = Int32(numbers[0])
      recipe.resize_width = Int32(numbers[1])
      recipe.multiple = Int32(numbers[2])
    }
    return recipe
  }

  @Test func equalTransformers() throws {
    let path =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Goldens/photo_sizes.tsv").path
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var count = 0
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: "\t")
      guard fields[0] != "grids" else { continue }
      let recipe = recipe(fields[0], fields[1].split(separator: ",").compactMap { Int($0) })
      let n = fields[2...].compactMap { Int($0) }
      try #require(n.count == 4)
      // A photo of no pixels is none, as transformers' own would be at some of these.
      guard n[2] > 0, n[3] > 0 else { continue }
      let found = try sizeFor(recipe, (n[2], n[3]), width: n[1], height: n[0])
      #expect(found.status == VIT_OK && found.size == 1, "\(line)")
      let other = try sizeFor(recipe, (n[2] + 1, n[3]), width: n[1], height: n[0])
      #expect(
        n[2] == 1 && n[3] == 1 || other.status == VIT_INVALID_ARGUMENT && other.size <= 0, "\(line)"
      )
      count += 1
    }
    #expect(count > 500)
  }

  @Test func otherRulesMakeTheFirstSize() throws {
    var recipe = vit_preprocessing()
    recipe.resize = VIT_RESIZE_EXACT
    (recipe.resize_height, recipe.resize_width) = (24, 24)
    let found = try sizeFor(recipe, (24, 24), width: 9, height: 8)
    #expect(found.status == VIT_OK && found.size == 0)
    let none = try sizeFor(recipe, (24, 24), width: 0, height: 8)
    #expect(none.status == VIT_INVALID_ARGUMENT)
    let status = try "no way".withCString { reason in
      recipe.refusal = reason
      return try sizeFor(recipe, (24, 24), width: 9, height: 8).status
    }
    #expect(status == VIT_INVALID_ARGUMENT)
  }
}
