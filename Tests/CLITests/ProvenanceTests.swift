import Foundation
import JSON
import Testing

@testable import vitc

/// What a library says of where it comes from, and the bill of materials beside it.
@Suite struct ProvenanceTests {
  private static let digits =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits"

  private static let commit = "0123456789abcdef0123456789abcdef01234567"

  /// Copies the digits' model to a folder as the hub's cache has it, with a card, below a folder.
  private func cached(in folder: Folder, _ cache: String) throws -> String {
    let path = folder("\(cache)/models--someone--digits/snapshots/\(Self.commit)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        atPath: "\(Self.digits)/model/\(name)", toPath: "\(path)/\(name)")
    }
    try "---\nlicense: apache-2.0\n---\n# Digits\n".write(
      toFile: "\(path)/README.md", atomically: false, encoding: .utf8)
    return path
  }

  private func digest(_ path: String) throws -> String {
    let result = try launch(URL(fileURLWithPath: "/usr/bin/sha256sum"), [path])
    return String(result.output.prefix(64))
  }

  /// Two machines with their caches in different places make the same library and the same bill.
  @Test func inspectTellsTheSameFromAnywhere() throws {
    let folder = try Folder()
    var libraries: [Data] = []
    var bills: [Data] = []
    for place in ["one", "another/place"] {
      let model = try cached(in: folder, place)
      let work = folder(place)
      let result = try vitc(
        [
          "compile", model, "-o", "libdigits.so", "--sbom", "bill.json", "--precision", "int8",
          "--calibrate", "\(Self.digits)/images", "--image-size", "28", "-q", "--no-self-test",
        ], in: work)
      try #require(result.code == 0, "\(result.errors)")
      libraries.append(try Data(contentsOf: URL(fileURLWithPath: "\(work)/libdigits.so")))
      bills.append(try Data(contentsOf: URL(fileURLWithPath: "\(work)/bill.json")))
    }
    #expect(libraries[0] == libraries[1])
    #expect(bills[0] == bills[1])

    let json = try vitc("inspect", folder("one/libdigits.so"), "--json").json()
    let provenance = try #require(json["details"]?["provenance"])
    #expect(provenance["repository"]?.string == "someone/digits")
    #expect(provenance["revision"]?.string == Self.commit)
    #expect(provenance["licenses"] == .array([.string("apache-2.0")]))
    #expect(
      provenance["options"]
        == .object(["precision": .string("int8"), "image-size": .string("28")]))
    #expect(provenance["vitc"]?.string == json["compiler_version"]?.string)
    #expect(provenance["llvm"]?.string?.isEmpty == false)
    #expect(provenance["linker"]?.string?.isEmpty == false)
    let files = try #require(provenance["files"]?.array)
    let photos = try FileManager.default.contentsOfDirectory(atPath: "\(Self.digits)/images")
      .filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }.sorted()
    #expect(photos.count > 3)
    #expect(
      files.map { "\($0["role"]?.string ?? "") \($0["name"]?.string ?? "")" }
        == ["model config.json", "weights model.safetensors"] + photos.map { "calibrate \($0)" })
    #expect(
      files[1]["sha256"]?.string == (try digest("\(Self.digits)/model/model.safetensors")))
    #expect(
      files[2]["sha256"]?.string == (try digest("\(Self.digits)/images/\(photos[0])")))
    let text = try vitc("inspect", folder("one/libdigits.so")).output
    for part in [
      "someone/digits, revision \(Self.commit)", "model.safetensors, SHA-256 ", "apache-2.0",
      "made by ", "image-size 28, precision int8",
    ] {
      #expect(text.contains(part), "\(part)\n\(text)")
    }
    #expect(!text.contains(folder.path) && !"\(json)".contains(folder.path))
    try check(try JSONValue(parsing: String(decoding: bills[0], as: UTF8.self)))
    let bill = try JSONValue(parsing: String(decoding: bills[0], as: UTF8.self))
    let subject = bill["metadata"]?["component"]
    #expect(
      subject?["hashes"]?.array?.first?["content"]?.string
        == (try digest(folder("one/libdigits.so"))))
    #expect(
      subject?["licenses"]?.array?.first?["license"]?["id"]?.string == "Apache-2.0")
    let published = bill["components"]?.array?.first { $0["purl"] != nil }
    #expect(
      published?["purl"]?.string == "pkg:huggingface/someone/digits@\(Self.commit)")
  }

  /// A model by its name, a head that photos made, and no folder to tell anything.
  @Test func namesAndManyPhotos() throws {
    let folder = try Folder()
    for (number, name) in ["digit-3-1729", "digit-7-1730"].enumerated() {
      for photo in 0..<2 {
        let kind = folder("photos/kind\(number)")
        try FileManager.default.createDirectory(atPath: kind, withIntermediateDirectories: true)
        let images = try FileManager.default.contentsOfDirectory(atPath: "\(Self.digits)/images")
          .filter { $0.hasSuffix(".png") }.sorted()
        try FileManager.default.copyItem(
          atPath: "\(Self.digits)/images/\(images[(2 * number + photo) % images.count])",
          toPath: "\(kind)/\(name)-\(photo).png")
      }
    }
    let result = try vitc(
      [
        "compile", "test_vit", "--weights", "seed:7", "-o", "libtest.so", "--sbom", "bill.json",
        "--fit-head", "photos", "--fit-l2", "1024", "--json", "--no-self-test",
      ], in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    let summary = try result.json()
    #expect(summary["files"]?.array?.first?.string == "./libtest.so")
    #expect(summary["outputs"]?.array?.first?["shape"] == .array([.integer(2)]))
    #expect(summary["head"]?["classes"]?.array?.count == 2)
    let provenance = try #require(
      try vitc("inspect", folder("libtest.so"), "--json").json()["details"]?["provenance"])
    #expect(provenance["model"]?.string == "test_vit")
    #expect(provenance["repository"] == nil && provenance["licenses"] == nil)
    #expect(provenance["options"]?["weights"]?.string == "seed:7")
    let files = try #require(provenance["files"]?.array)
    #expect(files.count == 1)
    #expect(files[0]["role"]?.string == "fit-head" && files[0]["count"] == .integer(4))
    // The digest of what sha256sum prints, by the program itself.
    let listed = try launch(
      URL(fileURLWithPath: "/bin/sh"),
      ["-c", "cd photos && sha256sum kind0/* kind1/* | sha256sum"], in: folder.path)
    #expect(files[0]["sha256"]?.string == String(listed.output.prefix(64)))
    try check(
      try JSONValue(parsing: String(contentsOfFile: folder("bill.json"), encoding: .utf8)))
  }

  @Test func whatHasNoArtifactHasNoBill() throws {
    let result = try vitc(
      "compile", "test_vit", "--weights", "seed:7", "--emit", "ir", "--sbom", "x.json")
    #expect(result.code == 64)
    #expect(result.errors.contains("--sbom requires --emit library, static or object, found ir."))
    let same = try vitc(
      "compile", "\(Self.digits)/model", "-o", "libx.so", "--sbom",
      "\(Self.digits)/model/config.json")
    #expect(same.code == 1 && same.errors.contains("it would be overwritten"), "\(same.errors)")
    #expect(try vitc("compile", "test_vit", "--emit", "ir", "--json").code == 64)
  }

  // MARK: CycloneDX 1.6

  /// Checks a document by the rules of the specification's schema (bom-1.6.schema.json) for the
  /// parts that it uses: members that must be there, those that may, and the form of values.
  private func check(_ bill: JSONValue) throws {
    try members(
      bill, required: ["bomFormat", "specVersion"],
      optional: [
        "$schema", "serialNumber", "version", "metadata", "components", "dependencies",
      ])
    #expect(bill["$schema"]?.string == "http://cyclonedx.org/schema/bom-1.6.schema.json")
    #expect(bill["bomFormat"]?.string == "CycloneDX")
    #expect(bill["specVersion"]?.string == "1.6")
    #expect(bill["version"] == .integer(1))
    try match(
      bill["serialNumber"],
      #/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/#)
    let metadata = try #require(bill["metadata"])
    try members(metadata, required: [], optional: ["tools", "component", "lifecycles"])
    #expect(metadata["lifecycles"] == .array([.object(["phase": .string("build")])]))
    let tools = try #require(metadata["tools"]?["components"]?.array)
    #expect(tools.compactMap { $0["name"]?.string } == ["vitc", "LLVM", "linker"])
    let components = try #require(bill["components"]?.array)
    let subject = try #require(metadata["component"])
    for component in tools + components + [subject] { try check(component: component) }
    #expect(Set(components).count == components.count)

    // References are unique, and each dependency is of one.
    let references = try (components + [subject]).map { try #require($0["bom-ref"]?.string) }
    #expect(Set(references).count == references.count)
    let dependencies = try #require(bill["dependencies"]?.array)
    for dependency in dependencies {
      try members(dependency, required: ["ref"], optional: ["dependsOn"])
      #expect(references.contains(dependency["ref"]?.string ?? ""))
      let others = dependency["dependsOn"]?.array ?? []
      #expect(Set(others).count == others.count)
      #expect(others.allSatisfy { references.contains($0.string ?? "") })
    }
    #expect(Set(dependencies.map { $0["ref"]?.string }) == Set(references.map { $0 }))
    let card = try #require(subject["modelCard"])
    try members(card, required: [], optional: ["modelParameters", "quantitativeAnalysis"])
    let parameters = try #require(card["modelParameters"])
    try members(
      parameters, required: [],
      optional: ["task", "architectureFamily", "modelArchitecture", "inputs", "outputs"])
    for tensor in (parameters["inputs"]?.array ?? []) + (parameters["outputs"]?.array ?? []) {
      try members(tensor, required: [], optional: ["format"])
      #expect(tensor["format"]?.string?.contains("f32[") == true)
    }
    for metric in card["quantitativeAnalysis"]?["performanceMetrics"]?.array ?? [] {
      try members(metric, required: [], optional: ["type", "value", "slice"])
      #expect(metric["value"]?.string.flatMap(Double.init) != nil)
    }
  }

  private func check(component: JSONValue) throws {
    try members(
      component, required: ["type", "name"],
      optional: [
        "bom-ref", "version", "description", "scope", "hashes", "licenses", "purl",
        "externalReferences", "properties", "modelCard",
      ])
    #expect(
      ["application", "library", "file", "data", "machine-learning-model"].contains(
        component["type"]?.string))
    #expect(component["name"]?.string?.isEmpty == false)
    if let scope = component["scope"] { #expect(scope == .string("required")) }
    for hash in component["hashes"]?.array ?? [] {
      try members(hash, required: ["alg", "content"], optional: [])
      #expect(hash["alg"]?.string == "SHA-256")
      try match(hash["content"], #/^[a-f0-9]{64}$/#)
    }
    for property in component["properties"]?.array ?? [] {
      try members(property, required: ["name"], optional: ["value"])
      #expect(property["value"]?.string != nil)
    }
    for choice in component["licenses"]?.array ?? [] {
      guard let license = choice["license"] else {
        try members(choice, required: ["expression"], optional: [])
        continue
      }
      try members(choice, required: ["license"], optional: [])
      // Exactly one of both.
      #expect((license["id"] == nil) != (license["name"] == nil))
      try members(license, required: [], optional: ["id", "name", "url"])
    }
    for reference in component["externalReferences"]?.array ?? [] {
      try members(reference, required: ["url", "type"], optional: [])
      #expect(["distribution", "vcs"].contains(reference["type"]?.string))
    }
  }

  private func members(_ value: JSONValue, required: Set<String>, optional: Set<String>) throws {
    guard case .object(let found) = value else {
      Issue.record("\(value.described), expected an object")
      return
    }
    #expect(required.isSubset(of: found.keys), "\(found.keys)")
    #expect(Set(found.keys).isSubset(of: required.union(optional)), "\(found.keys)")
  }

  private func match(_ value: JSONValue?, _ pattern: Regex<Substring>) throws {
    let text = try #require(value?.string)
    #expect(text.wholeMatch(of: pattern) != nil, "\(text)")
  }

  @Test func licences() {
    func license(_ identifiers: [String], _ name: String? = nil, _ link: String? = nil)
      -> [JSONValue?]
    {
      License.choices(identifiers, name: name, link: link).map { $0["license"] }
    }
    #expect(
      license(["mit", "CC-BY-NC-4.0"])
        == [.object(["id": .string("MIT")]), .object(["id": .string("CC-BY-NC-4.0")])])
    #expect(
      license(["other"], "dinov3-license", "https://a.b/c")
        == [.object(["name": .string("dinov3-license"), "url": .string("https://a.b/c")])])
    #expect(license(["other"], nil, "LICENSE") == [.object(["name": .string("other")])])
  }
}
