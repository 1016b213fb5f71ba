import Compiler
import Diagnostics
import Files
import JSON
import Packaging

/// What `vitc compile --sbom` writes: a bill of materials in CycloneDX 1.6, of the kind for
/// machine-learning models (https://cyclonedx.org/docs/1.6/json).
///
/// The subject is the library, with its digest and a model card; the components are the files that
/// it was made of, the published model where the folder tells which, and what runs inside and
/// beside it; the tools are vitc, LLVM and the linker. Equal libraries have equal bills: there is
/// no time, and the serial number is made of the content.
struct BillOfMaterials {
  private let interface: ModelInterface
  private let provenance: Provenance
  private let report: CompileReport
  /// The digest of the library.
  private let artifact: SHA256

  /// Reads the artifact that was written.
  ///
  /// - Throws: it cannot be read.
  init?(_ report: CompileReport) throws(Diagnostic) {
    guard let interface = report.interface, let provenance = report.provenance,
      let path = report.files.first
    else { return nil }
    (self.interface, self.provenance, self.report) = (interface, provenance, report)
    artifact = try SHA256(file: path)
  }

  /// The document.
  var json: JSONValue {
    let components = self.components
    var document: [String: JSONValue] = [
      "$schema": .string("http://cyclonedx.org/schema/bom-1.6.schema.json"),
      "bomFormat": .string("CycloneDX"), "specVersion": .string("1.6"), "version": .integer(1),
      "metadata": .object([
        "tools": .object(["components": .array(tools)]), "component": subject,
        "lifecycles": .array([.object(["phase": .string("build")])]),
      ]),
      "components": .array(components),
      "dependencies": .array(
        [
          .object([
            "ref": .string(Self.subjectReference),
            "dependsOn": .array(components.compactMap { $0["bom-ref"] }),
          ])
        ] + components.compactMap { $0["bom-ref"] }.map { .object(["ref": $0]) }),
    ]
    let content = SHA256(of: Array(JSONValue.object(document).text(.compact).utf8))
    document["serialNumber"] = .string("urn:uuid:\(Self.uuid(content))")
    return .object(document)
  }

  private static let subjectReference = "model"

  /// A UUID of version 8 (RFC 9562, 5.8): 122 bits of a digest.
  private static func uuid(_ digest: SHA256) -> String {
    var bytes = Array(digest.bytes.prefix(16))
    bytes[6] = bytes[6] & 0x0f | 0x80
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = Array(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }
      .joined(separator: "-")
  }

  private static func sha256(_ text: String) -> JSONValue {
    .array([.object(["alg": .string("SHA-256"), "content": .string(text)])])
  }

  private static func property(_ name: String, _ value: String) -> JSONValue {
    .object(["name": .string("vitc:\(name)"), "value": .string(value)])
  }

  /// The library.
  private var subject: JSONValue {
    var component: [String: JSONValue] = [
      "type": .string("machine-learning-model"), "bom-ref": .string(Self.subjectReference),
      "name": .string(interface.name), "version": .string("\(interface.weightsHash)"),
      "description": .string(
        "\(interface.model) (\(report.configuration.summary)), compiled for \(interface.target)"),
      "hashes": Self.sha256("\(artifact)"), "modelCard": modelCard,
      "properties": .array(
        [
          Self.property("precision", report.precision),
          Self.property("target", interface.target),
          Self.property("weights-xxh3-128", "\(interface.weightsHash)"),
        ]
          + provenance.options.sorted { $0.key < $1.key }.map {
            Self.property("option:\($0.key)", $0.value.brief)
          }),
    ]
    component["licenses"] = licenses
    return .object(component)
  }

  /// The licences that the model card names; `nil` if it names none.
  private var licenses: JSONValue? {
    provenance.licenses.map {
      .array(
        License.choices($0, name: provenance.licenseName, link: provenance.licenseLink))
    }
  }

  private var modelCard: JSONValue {
    func format(_ name: String, _ dtype: String, _ shape: [Int]) -> JSONValue {
      .object([
        "format": .string("\(name): \(dtype)\(Format.shape(shape))")
      ])
    }
    let isText = interface.tokens != nil
    let input = format(isText ? "ids" : "images", isText ? "i32" : "f32", interface.image)
    let outputs = interface.outputs.map { format($0.name, $0.isHalf ? "f16" : "f32", $0.shape) }
    let classifies = interface.outputs.contains { $0.name.hasPrefix("logits") }
    var card: [String: JSONValue] = [
      "modelParameters": .object([
        "task": .string(
          isText
            ? "feature-extraction"
            : classifies ? "image-classification" : "image-feature-extraction"
        ),
        "architectureFamily": .string("Vision Transformer"),
        "modelArchitecture": .string(interface.model), "inputs": .array([input]),
        "outputs": .array(outputs),
      ])
    ]
    if let calibration = report.calibration {
      card["quantitativeAnalysis"] = .object([
        "performanceMetrics": .array(
          calibration.errors.sorted { $0.key < $1.key }.map { output, error in
            .object([
              "type": .string("relative error of \(output) against the model in floats"),
              "value": .string("\(error)"),
              "slice": .string(
                "\(calibration.images) "
                  + (calibration.isOfTexts ? "texts" : "images of the photos")
                  + " of --calibrate"),
            ])
          })
      ])
    }
    return .object(card)
  }

  /// What made it.
  private var tools: [JSONValue] {
    func tool(_ name: String, _ version: String) -> JSONValue {
      .object([
        "type": .string("application"), "name": .string(name), "version": .string(version),
      ])
    }
    let vitc = [provenance.vitc, provenance.commit.map { "+\($0.prefix(12))" }]
      .compactMap(\.self).joined()
    return [tool("vitc", vitc), tool("LLVM", provenance.llvm)]
      + (provenance.linker.map { [tool("linker", $0)] } ?? [])
  }

  /// What it is made of.
  private var components: [JSONValue] {
    var components: [JSONValue] = []
    if provenance.repository != nil || provenance.model != nil { components.append(published) }
    for (index, file) in provenance.files.enumerated() {
      var component: [String: JSONValue] = [
        "type": .string(file.count == nil ? "file" : "data"),
        "bom-ref": .string("file-\(index)"),
        "name": .string(file.name ?? "\(file.count ?? 0) photos"),
        "hashes": Self.sha256(file.sha256),
        "properties": .array([
          Self.property("role", file.role.rawValue), Self.property("bytes", "\(file.bytes)"),
        ]),
      ]
      if file.count != nil {
        component["description"] = .string(
          "the digest is that of the lines that sha256sum prints of the photos")
      }
      components.append(.object(component))
    }
    components.append(
      .object([
        "type": .string("library"), "bom-ref": .string("runtime"),
        "name": .string("vitc runtime"), "version": .string(provenance.vitc),
        "description": .string("inside the library: threads, preprocessing, self-test"),
        "licenses": .array([License.runtime]),
      ]))
    components.append(
      .object([
        "type": .string("library"), "bom-ref": .string("libc"), "name": .string("libc"),
        "scope": .string("required"),
        "description": .string("of the system, at run time; any version of its binary interface"),
      ]))
    return components
  }

  /// The model as others publish it.
  private var published: JSONValue {
    var component: [String: JSONValue] = [
      "type": .string("machine-learning-model"), "bom-ref": .string("published-model"),
      "name": .string(provenance.repository ?? provenance.model ?? ""),
    ]
    component["version"] = provenance.revision.map { .string($0) }
    component["licenses"] = licenses
    if let repository = provenance.repository, !repository.contains(":") {
      let revision = provenance.revision.map { "@\($0)" } ?? ""
      component["purl"] = .string("pkg:huggingface/\(repository)\(revision)")
      component["externalReferences"] = .array([
        .object([
          "type": .string("distribution"),
          "url": .string("https://huggingface.co/\(repository)"),
        ])
      ])
    } else if let repository = provenance.repository, repository.contains("://") {
      component["externalReferences"] = .array([
        .object(["type": .string("vcs"), "url": .string(repository)])
      ])
    }
    return .object(component)
  }

  /// Writes the document.
  func write(to path: String) throws(Diagnostic) {
    try AtomicFile.write(path: path, contents: Array((json.text(.indented) + "\n").utf8))
  }
}
