import JSON

/// Licences as a CycloneDX document names them.
enum License {
  /// The Hugging Face hub's identifiers that SPDX knows, and what it calls them.
  ///
  /// The hub's are listed at https://huggingface.co/docs/hub/repositories-licenses. Where the hub does not say whether later versions hold
  /// too, neither does the identifier here.
  private static let known = [
    "afl-3.0": "AFL-3.0", "agpl-3.0": "AGPL-3.0", "apache-2.0": "Apache-2.0",
    "artistic-2.0": "Artistic-2.0", "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause", "bsd-3-clause-clear": "BSD-3-Clause-Clear",
    "bsl-1.0": "BSL-1.0", "c-uda": "C-UDA-1.0", "cc-by-2.0": "CC-BY-2.0",
    "cc-by-2.5": "CC-BY-2.5", "cc-by-3.0": "CC-BY-3.0", "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-2.0": "CC-BY-NC-2.0", "cc-by-nc-3.0": "CC-BY-NC-3.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-nc-nd-3.0": "CC-BY-NC-ND-3.0",
    "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0", "cc-by-nc-sa-2.0": "CC-BY-NC-SA-2.0",
    "cc-by-nc-sa-3.0": "CC-BY-NC-SA-3.0", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "cc-by-nd-4.0": "CC-BY-ND-4.0", "cc-by-sa-3.0": "CC-BY-SA-3.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0", "cc0-1.0": "CC0-1.0",
    "cdla-permissive-1.0": "CDLA-Permissive-1.0",
    "cdla-permissive-2.0": "CDLA-Permissive-2.0", "cdla-sharing-1.0": "CDLA-Sharing-1.0",
    "ecl-2.0": "ECL-2.0", "epl-1.0": "EPL-1.0", "epl-2.0": "EPL-2.0",
    "etalab-2.0": "etalab-2.0", "eupl-1.1": "EUPL-1.1", "eupl-1.2": "EUPL-1.2",
    "gpl-2.0": "GPL-2.0", "gpl-3.0": "GPL-3.0", "isc": "ISC", "lgpl-2.1": "LGPL-2.1",
    "lgpl-3.0": "LGPL-3.0", "lppl-1.3c": "LPPL-1.3c", "mit": "MIT", "mpl-2.0": "MPL-2.0",
    "ms-pl": "MS-PL", "ncsa": "NCSA", "odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0",
    "ofl-1.1": "OFL-1.1", "osl-3.0": "OSL-3.0", "pddl": "PDDL-1.0",
    "postgresql": "PostgreSQL", "unlicense": "Unlicense", "wtfpl": "WTFPL", "zlib": "Zlib",
  ]

  /// The choices for a model card's licences: SPDX's identifier where there is one, else the name.
  ///
  /// - Parameters:
  ///   - identifiers: in the hub's spelling.
  ///   - name: what the card calls a licence that is `other`.
  ///   - link: where that is to be read.
  static func choices(_ identifiers: [String], name: String?, link: String?) -> [JSONValue] {
    identifiers.map { identifier in
      var license: [String: JSONValue] = [:]
      if let known = known[identifier.lowercased()] {
        license["id"] = .string(known)
      } else {
        license["name"] = .string(name ?? identifier)
        // A link to a file of the repository is no address.
        if let link, link.hasPrefix("https://") || link.hasPrefix("http://") {
          license["url"] = .string(link)
        }
      }
      return .object(["license": .object(license)])
    }
  }

  /// That of vitc, whose runtime is in every library.
  static let runtime = JSONValue.object(["expression": .string("Apache-2.0 WITH Swift-exception")])
}
