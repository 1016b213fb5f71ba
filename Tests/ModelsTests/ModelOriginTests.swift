import Foundation
import Testing

@testable import Models

/// What a folder tells of where it comes from.
@Suite struct ModelOriginTests {
  private let commit = "0123456789abcdef0123456789abcdef01234567"

  /// Makes files below a new folder, calls `body` with its path, and removes it.
  private func with(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let root = FileManager.default.temporaryDirectory.path + "/vitc-origin-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (name, text) in files {
      let path = "\(root)/\(name)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try text.write(toFile: path, atomically: false, encoding: .utf8)
    }
    try body(root)
  }

  @Test func theHubsCache() throws {
    let folder = "hub/models--google--vit-base-patch16-224/snapshots/\(commit)"
    try with(["\(folder)/config.json": "{}"]) { root in
      let origin = ModelOrigin(folder: "\(root)/\(folder)")
      #expect(origin.repository == "google/vit-base-patch16-224")
      #expect(origin.revision == commit)
      #expect(origin.licenses.isEmpty)
    }
    // A model of no owner, and folders that only look like a cache.
    try with([
      "models--bert/snapshots/\(commit)/a": "", "models--a--b/snapshots/main/a": "",
      "models/snapshots/\(commit)/a": "",
    ]) { root in
      #expect(ModelOrigin(folder: "\(root)/models--bert/snapshots/\(commit)").repository == "bert")
      #expect(ModelOrigin(folder: "\(root)/models--a--b/snapshots/main").repository == nil)
      #expect(ModelOrigin(folder: "\(root)/models/snapshots/\(commit)").revision == nil)
    }
  }

  @Test func aDownloadToAFolder() throws {
    let notes = ".cache/huggingface/download"
    try with([
      "\(notes)/config.json.metadata": "\(commit)\nabc\n1700000000.5\n",
      "\(notes)/model.safetensors.metadata": "\(commit)\ndef\n1700000001.5\n",
    ]) { root in
      let origin = ModelOrigin(folder: root)
      #expect(origin.repository == nil && origin.revision == commit)
    }
    // Of two commits none can be said.
    try with([
      "\(notes)/config.json.metadata": "\(commit)\nabc\n1\n",
      "\(notes)/model.safetensors.metadata": "\(String(commit.reversed()))\nabc\n1\n",
    ]) { root in
      #expect(ModelOrigin(folder: root).revision == nil)
    }
  }

  @Test func aClone() throws {
    let config = """
      [core]
      \tbare = false
      [remote "upstream"]
      \turl = https://example.org/other
      [remote "origin"]
      \turl = https://user:secret@huggingface.co/facebook/dinov2-small.git
      \tfetch = +refs/heads/*:refs/remotes/origin/*
      """
    try with([
      ".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": "\(commit)\n",
      ".git/config": config,
    ]) { root in
      let origin = ModelOrigin(folder: root)
      #expect(origin.repository == "facebook/dinov2-small")
      #expect(origin.revision == commit)
    }
    try with([
      ".git/HEAD": "ref: refs/heads/main\n",
      ".git/packed-refs": "# pack-refs with: peeled\n\(commit) refs/heads/main\n",
    ]) { root in
      let origin = ModelOrigin(folder: root)
      #expect(origin.repository == nil && origin.revision == commit)
    }
    try with([".git/HEAD": "\(commit)\n"]) { root in
      #expect(ModelOrigin(folder: root).revision == commit)
    }
    // A reference that leads out of git's folder.
    try with([".git/HEAD": "ref: refs/../../x\n", "x": "\(commit)\n"]) { root in
      #expect(ModelOrigin(folder: root).revision == nil)
    }
  }

  @Test func addressesHaveNoSecrets() {
    #expect(
      ModelOrigin.address("https://me:token@example.org/a/b.git") == "https://example.org/a/b")
    #expect(ModelOrigin.address("git@example.org:a/b.git") == "git@example.org:a/b.git")
    #expect(ModelOrigin.address("https://huggingface.co/a/b") == "a/b")
  }

  @Test func licencesOfCards() throws {
    func card(_ text: String) -> ModelCard? { ModelCard(text: text) }
    #expect(card("---\nlicense: apache-2.0\n---\n# Model")?.licenses == ["apache-2.0"])
    #expect(card("---\r\nlicense: \"mit\"  # as said\r\n---\r\n")?.licenses == ["mit"])
    #expect(
      card("---\ntags:\n- vision\nlicense:\n- mit\n- cc-by-4.0\n---")?.licenses
        == ["mit", "cc-by-4.0"])
    #expect(card("---\nlicense: [mit, 'isc']\n---")?.licenses == ["mit", "isc"])
    let own = card(
      "---\nlicense: other\nlicense_name: dinov3-license\nlicense_link: https://a.b/c#d\n---")
    #expect(own?.licenses == ["other"] && own?.licenseName == "dinov3-license")
    #expect(own?.licenseLink == "https://a.b/c#d")
    #expect(card("---\ndatasets:\n- license\nbase: x\n---")?.licenses == [])
    // What is nested is another's.
    #expect(card("---\nmodel-index:\n  license: mit\n---")?.licenses == [])
    #expect(card("# Model\nlicense: mit") == nil)
    #expect(card("---\nlicense: mit\n") == nil)
    try with(["README.md": "---\nlicense: cc-by-nc-4.0\n---\n"]) { root in
      #expect(ModelOrigin(folder: root).licenses == ["cc-by-nc-4.0"])
    }
  }

  @Test func filesOfWeights() throws {
    try with([
      "config.json": "{}", "merges.txt": "", "README.md": "",
      "model.safetensors.index.json":
        #"{"weight_map": {"a": "two.safetensors", "b": "one.safetensors"}}"#,
    ]) { root in
      #expect(
        ModelFiles.weights(of: root)
          == ["model.safetensors.index.json", "one.safetensors", "two.safetensors"].map {
            "\(root)/\($0)"
          })
      #expect(ModelFiles.weights(of: "\(root)/config.json") == ["\(root)/config.json"])
      #expect(ModelFiles.weights(of: "seed:1") == [])
      #expect(
        ModelFiles.configurations(of: root, readsTexts: false) == ["\(root)/config.json"])
      #expect(
        ModelFiles.configurations(of: root, readsTexts: true)
          == ["\(root)/config.json", "\(root)/merges.txt"])
      #expect(ModelFiles.configurations(of: "vit_tiny", readsTexts: true) == [])
    }
  }
}
