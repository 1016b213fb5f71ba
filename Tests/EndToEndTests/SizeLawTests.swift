import Codegen
import Compiler
import Diagnostics
import Foundation
import Models
import Packaging
import Passes
import SeededRandom
import Testing
import VitRuntime

/// Libraries for images of several sizes: the bits are those of a library for each.
@Suite struct SizeLawTests {
  private static let folders = [
    "hf/vit", "hf/dinov2-registers", "encoders/siglip", "encoders/siglip2", "encoders/beit",
    "encoders/dinov3", "timm/eva02", "timm/hybrid",
  ]

  /// Sizes that a folder's model takes, the first its own.
  private static func sizes(_ folder: String, _ random: inout SplitMix64) throws -> [ImageSize] {
    let model = try Model.load(folder)
    let own = ImageSize(
      height: model.configuration.imageHeight, width: model.configuration.imageWidth)
    let step = max(4, model.configuration.architecture["patch"] ?? 16)
    var found = [own]
    while found.count < 3 {
      let size = ImageSize(
        height: step * Int(1 + random.next() % 6), width: step * Int(1 + random.next() % 6))
      guard !found.contains(size),
        (try? model.resized(height: size.height, width: size.width)) != nil
      else { continue }
      found.append(size)
    }
    return found
  }

  private static let two = ImageSizes.listed([
    ImageSize(height: 16, width: 16), ImageSize(height: 24, width: 32),
  ])

  private static func bits(_ outputs: [String: [Float]]) -> [String: [UInt32]] {
    outputs.mapValues { $0.map(\.bitPattern) }
  }

  @Test(arguments: 0..<8) func eachSizeIsAsAlone(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed) &+ 0x51ed)
    let folder = Repository.path("Tests/Goldens/\(Self.folders[seed])")
    let sizes = try Self.sizes(folder, &random)
    let precision = Precision.allCases[seed % 3]
    let what = "\(folder) \(sizes) \(precision)"
    let bench = try Workbench()
    let path = try bench.compile(folder) {
      $0.imageSizes = .listed(sizes)
      $0.precision = precision
      if seed == 1 { $0.weightPlacement = .file }
    }
    let described = try VitModel(path: path).description
    let names = Target.runnableHere.map(\.name).filter(described.isas.contains)
    let isa = names[seed % names.count]
    let alone = try sizes.indices.map { index in
      try bench.compile(folder, name: "alone\(index)") {
        $0.imageSizes = .listed([sizes[index]])
        $0.precision = precision
        $0.wantsSelfTest = false
      }
    }
    let model = try VitModel(path: path, options: VitOptions(threads: 1 + seed % 3, isa: isa))
    #expect(model.sizes.count == sizes.count, "\(what)")
    #expect(model.sizes.first == model.description, "\(what)")
    let context = try model.makeContext()
    var images: [VitSizedImage] = []
    var truth: [[String: [UInt32]]] = []
    var bytes = 0
    for (index, size) in sizes.enumerated() {
      let single = try VitModel(path: alone[index], options: VitOptions(threads: 1, isa: isa))
      bytes += single.description.weightsBytes
      #expect(single.sizes.count == 1)
      #expect(model.sizes[index].input == single.description.input, "\(what)")
      #expect(model.sizes[index].outputs == single.description.outputs, "\(what)")
      #expect(model.sizes[index].flops == single.description.flops, "\(what)")
      #expect(model.sizes[index].arenaBytes == single.description.arenaBytes, "\(what)")
      #expect(model.size(height: size.height, width: size.width) == index)
      let count = 1 + index
      let pixels = SeededCheckpoint.tensor(
        name: "input", shape: [count] + single.description.input.shape, seed: UInt64(seed)
      ).values
      let expected = Self.bits(try single.makeContext().runAll(images: pixels, count: count))
      let found = Self.bits(try context.runAll(images: pixels, count: count, size: index))
      #expect(found == expected, "\(what) size \(size) on \(isa)")
      let first = try context.run(images: pixels, count: count, size: index)
      let output = try #require(model.description.outputs.first?.name)
      #expect(first.map(\.bitPattern) == expected[output], "\(what)")
      let elements = single.description.input.elements
      for number in 0..<count {
        images.append(
          VitSizedImage(
            pixels: Array(pixels[number * elements..<(number + 1) * elements]), size: index))
        truth.append(
          expected.mapValues { values in
            let part = values.count / count
            return Array(values[number * part..<(number + 1) * part])
          })
      }
    }
    #expect(model.description.weightsBytes < bytes, "\(what)")
    // Without padding, in any order, on any number of threads, with the app's own too.
    let order = images.indices.sorted { ($0 * 5 + seed) % 7 < ($1 * 5 + seed) % 7 }
    for threads in 1...4 {
      var options = VitOptions(threads: threads, isa: isa)
      if threads == 3 {
        options.parallelFor = { count, task in for index in 0..<count { task(index) } }
      }
      let mixed = try VitModel(path: path, options: options).makeContext()
      for part in [order, Array(order.prefix(1)), Array(order.prefix(4))] {
        let found = try mixed.runMixed(part.map { images[$0] })
        #expect(found.map(Self.bits) == part.map { truth[$0] }, "\(what) \(threads) threads")
      }
    }
    #expect(try model.selftest().passed, "\(what)")
  }

  @Test func whatIsNoSizeIsTold() throws {
    let bench = try Workbench()
    let path = try bench.compile(Repository.path("Tests/Goldens/hf/vit")) {
      $0.imageSizes = Self.two
      $0.target = "host"
    }
    let model = try VitModel(path: path)
    let context = try model.makeContext()
    func failure(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      failure { _ = try context.run(images: [0], size: 2) }.contains("size is 2, expected 0 to 1"))
    #expect(
      failure { _ = try context.run(images: [Float](repeating: 0, count: 768), size: 1) }
        .contains("images has 768 floats, expected 1 x [3, 24, 32] = 2304"))
    #expect(
      failure { _ = try context.runMixed([VitSizedImage(pixels: [0], size: 0)]) }
        .contains("images[0] has 1 floats, expected 1 x [3, 16, 16] = 768"))
    #expect(failure { _ = try context.runMixed([]) }.contains("there are no images"))
    // The processor makes images of one size: that is the first.
    #expect(try model.size(forWidth: 500, height: 100) == 0)
    let photo = [UInt8](repeating: 7, count: 3 * 50 * 40)
    #expect(try model.preprocess(rgb: photo, width: 50, height: 40, size: 1).count == 2304)
    #expect(try model.preprocess(rgb: photo, width: 50, height: 40).count == 768)
  }

  /// A folder with a library of two sizes and its headers.
  private static func benchOfTwo() throws -> Workbench {
    let bench = try Workbench()
    _ = try bench.compile(Repository.path("Tests/Goldens/hf/vit")) {
      $0.imageSizes = two
      $0.outputs = [.logits, .tokens]
      $0.target = "host"
    }
    return bench
  }

  /// A program that uses it.
  private static func program(_ ending: String) -> String {
    Repository.path("Tests/EndToEndTests/Fixtures/sizes.\(ending)")
  }

  /// From C, by the header, with what it warns of.
  @Test func theHeaderSaysIt() throws {
    let bench = try Self.benchOfTwo()
    try bench.tool([
      "clang", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", Self.program("c"), "-I.",
      "-o", "sizes", "-L.", "-lmodel", "-Wl,-rpath,.",
    ])
    #expect(try bench.tool(["./sizes"]) == "ok\n")
    let symbols = try bench.tool(["nm", "-D", "--defined-only", "libmodel.so"])
    let defined = symbols.split(separator: "\n").compactMap { $0.split(separator: " ").last }
    #expect(
      Set(defined.map(String.init))
        == Set(ExportedSymbols.names(for: "model", hasSizes: true)))
  }

  /// From C++, by its header: the same bits as C's functions give.
  @Test func cPlusPlusSaysIt() throws {
    let bench = try Self.benchOfTwo()
    for compiler in ["clang++", "g++"] {
      try bench.tool([
        compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
        "-Werror", Self.program("cpp"), "-I.", "-o", "sizes-cpp", "-L.", "-lmodel", "-Wl,-rpath,.",
      ])
      #expect(try bench.tool(["./sizes-cpp"]) == "ok\n")
    }
  }

  /// Pictures of every format for any size: the bits are those of RGB rows.
  @Test func picturesOfEachSize() async throws {
    let bench = try Workbench()
    let path = try bench.compile(Repository.path("Tests/Goldens/hf/vit")) {
      $0.imageSizes = Self.two
      $0.target = "host"
    }
    let model = try VitModel(path: path)
    let context = try model.makeContext()
    let rgb: [UInt8] = (0..<6000).map { UInt8(truncatingIfNeeded: $0 * 31) }
    var bgra: [UInt8] = []
    for place in stride(from: 0, to: rgb.count, by: 3) {
      bgra += [rgb[place + 2], rgb[place + 1], rgb[place], 77]
    }
    let picture = VitPicture(format: .bgra, width: 50, height: 40)
    for size in model.sizes.indices {
      let expected = try model.preprocess(rgb: rgb, width: 50, height: 40, size: size)
      #expect(try model.preprocess(picture, pixels: bgra.span.bytes, size: size) == expected)
      #expect(
        try context.preprocess([(picture, bgra), (picture, bgra)], size: size)
          == expected + expected)
    }
    #expect(throws: VitError.self) {
      try model.preprocess(picture, pixels: bgra.span.bytes, size: 2)
    }
    // Through a pool, several sizes at once.
    let pool = try VitPool(model, size: 2)
    let images = [
      VitSizedImage(pixels: try model.preprocess(rgb: rgb, width: 50, height: 40), size: 0),
      VitSizedImage(
        pixels: try model.preprocess(rgb: rgb, width: 50, height: 40, size: 1), size: 1),
    ]
    let found = try await pool.runMixed(images)
    #expect(found.map(Self.bits) == (try context.runMixed(images)).map(Self.bits))
    #expect(
      Self.bits(found[1]) == Self.bits(try context.runAll(images: images[1].pixels, size: 1)))
  }

  /// A photo picks its grid by the checkpoint's own rule.
  @Test func photosPickTheirGrid() throws {
    let bench = try Workbench()
    let folder = bench.path("naflex")
    try FileManager.default.copyItem(
      atPath: Repository.path("Tests/Goldens/encoders/siglip2"), toPath: folder)
    let processor =
      #"{"image_processor_type": "Siglip2ImageProcessor", "patch_size": 4, "max_num_patches": 9}"#
    try Data(processor.utf8).write(
      to: URL(fileURLWithPath: folder + "/preprocessor_config.json"))
    let path = try bench.compile(folder) {
      $0.imageSizes = .grids(GridChoice(patches: 17, aspect: 3))
      $0.target = "host"
    }
    let model = try VitModel(path: path)
    #expect(model.sizes.count == 9)
    #expect(try model.description.details().preprocessing?.multiple == 4)
    let context = try model.makeContext()
    for (width, height, expected) in [
      (40, 40, [16, 16]), (50, 30, [12, 20]), (300, 500, [20, 12]), (80, 60, [12, 16]),
    ] {
      let size = try model.size(forWidth: width, height: height)
      #expect(Array(model.sizes[size].input.shape.dropFirst()) == expected)
      let rgb = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 * 7) }
      let pixels = try model.preprocess(rgb: rgb, width: width, height: height, size: size)
      let features = try context.run(images: pixels, size: size)
      let grid = try VitModel(
        path: bench.compile(folder, name: "one") {
          $0.imageSizes = .listed([ImageSize(height: expected[0], width: expected[1])])
          $0.target = "host"
        })
      // Alone it has the checkpoint's nine patches: another image. The bits of one are the same.
      #expect(
        try grid.makeContext().run(images: pixels).map(\.bitPattern)
          == features.map(\.bitPattern))
    }
    let error = #expect(throws: VitError.self) { try model.size(forWidth: 500, height: 40) }
    #expect(error?.status == .invalidArgument)
    #expect(error?.description.contains("which is none of the sizes") == true)
  }
}
