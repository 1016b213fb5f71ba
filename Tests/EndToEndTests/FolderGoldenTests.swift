import Codegen
import Foundation
import Models
import Npy
import Passes
import Testing
import VitRuntime

/// Model folders as they are downloaded, tiny, against transformers and timm in float64; at their
/// own image size and, with a resized position embedding, at others.
@Suite struct FolderGoldenTests {
  struct Folder: Decodable, CustomTestStringConvertible {
    struct Golden: Decodable {
      var file: String
      var output: String
      var image: Int
      var width: Int?
      /// Height and width.
      var size: [Int] { [image, width ?? image] }
    }
    var name: String
    var image: Int
    var goldens: [Golden]
    var library: String?
    var testDescription: String { "\(library ?? "?")/\(name)" }
  }

  private struct Index: Decodable {
    var models: [Folder]
  }

  static let folders: [Folder] = ["hf", "timm", "encoders", "open-clip"].flatMap { library in
    let index = try? Repository.json("Tests/Goldens/\(library)/index.json", as: Index.self)
    return (index?.models ?? []).map { folder in
      var folder = folder
      folder.library = library
      return folder
    }
  }

  @Test func `the goldens are found`() { #expect(Self.folders.count >= 20) }

  @Test(arguments: folders) func `results are those of the library`(_ folder: Folder) throws {
    try check(folder, .f32) { #expect($1.largest <= 2e-5, "\($0): \($1)") }
  }

  /// Rounding of factors by 2^-9, and heads of eight features, whose scores are large; at one size
  /// of images, since what another size changes has no precision of its own.
  ///
  /// The fast suite takes one instruction set for each folder, in turns: what a family means is not
  /// the kernels' affair.
  @Test(arguments: folders) func `results in bf16 are near them`(_ folder: Folder) throws {
    var folder = folder
    let own = folder.goldens.filter { $0.size == [folder.image, folder.image] }
    let first = try #require(folder.goldens.first).size
    folder.goldens = own.isEmpty ? folder.goldens.filter { $0.size == first } : own
    try check(folder, .bf16) {
      #expect($1.relativeL2 <= 0.03 && $1.cosine >= 0.9995, "\($0): \($1)")
    }
  }

  /// In f32 on every instruction set of this machine, at other sizes on the best: what another size
  /// changes has none of its own.
  private func check(
    _ folder: Folder, _ precision: Precision, _ judge: (String, Deviation) -> Void
  ) throws {
    let bench = try Workbench()
    let turn = Self.folders.firstIndex { $0.testDescription == folder.testDescription } ?? 0
    let here =
      precision == .f32
      ? Target.runnableForFloats.map(\.name)
      : Repository.runsSlowTests
        ? Target.runnableHere.map(\.name)
        : [Target.runnableHere[turn % Target.runnableHere.count].name]
    let base = "Tests/Goldens/\(try #require(folder.library))/\(folder.name)"
    for (size, goldens) in Dictionary(grouping: folder.goldens, by: \.size) {
      let isOwn = size == [folder.image, folder.image]
      let isas = isOwn || folder.goldens.count == goldens.count ? here : here.suffix(1)
      let name = size[0] == size[1] ? "\(size[0])" : "\(size[0])x\(size[1])"
      let path = try bench.compile(Repository.path(base), name: "model\(name)") {
        $0.precision = precision
        $0.outputs = goldens.compactMap { ModelOutput(rawValue: $0.output) }
        $0.imageSize = isOwn ? nil : (size[0], size[1])
        $0.target = isas.joined(separator: ",")
      }
      let input = try NpyArray(path: Repository.path("\(base)/golden/\(name)-input.npy"))
      for isa in isas {
        let model = try VitModel(path: path, options: VitOptions(threads: 2, isa: isa))
        let found = try model.makeContext().runAll(images: input.values, count: input.shape[0])
        #expect(found.count == goldens.count && model.isa == isa)
        for golden in goldens {
          let truth = try NpyArray(path: Repository.path("\(base)/\(golden.file)"))
          judge(
            "\(golden.file) on \(isa)", Deviation(try #require(found[golden.output]), truth.values))
        }
      }
    }
  }
}
