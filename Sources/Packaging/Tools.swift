import CVersion
import Diagnostics
import Glibc

/// Where the linker and its companions are on this machine.
enum Tools {
  /// A linker, called by itself or through a compiler driver.
  struct LinkEditor {
    var path: String
    /// `cc -shared`, which wants linker options after `-Wl,`.
    var isDriver = false
    /// What comes before the linker's own arguments.
    var first: [String] = []
    /// What messages call it; `nil`: its path.
    var name: String?
    /// `true` iff it is a part of vitc.
    var isBuiltIn: Bool { !first.isEmpty }
  }

  /// The LLVM versions whose tools carry a suffix, the newest first.
  private static let versions = Array((14...22).reversed())

  /// Finds a linker: `$VITC_LD`, the one that is a part of vitc (see `builtIn`), `ld.lld` of the
  /// Swift toolchain, `ld.lld`, `ld.lld-N`, the GNU one, `cc`.
  ///
  /// The last two link for other architectures only under names that say so.
  static func linker(for architecture: Architecture) throws(Diagnostic) -> LinkEditor {
    if let wanted = getenv("VITC_LD").map({ String(cString: $0) }), !wanted.isEmpty {
      guard let path = locate(wanted) else {
        throw Diagnostic(
          "the linker '\(wanted)' was not found", at: .argument("VITC_LD"),
          hint: "unset VITC_LD, or set it to the path of ld.lld or ld")
      }
      let base = path.split(separator: "/").last ?? ""
      let isDriver = base.hasSuffix("cc") || base.hasPrefix("clang") || base.hasPrefix("gcc")
      return LinkEditor(path: path, isDriver: isDriver)
    }
    if let linker = builtIn { return linker }
    var names = ["ld.lld"] + versions.map { "ld.lld-\($0)" }
    names += ["\(architecture.rawValue)-linux-gnu-ld"]
    if architecture == .host { names += ["ld.bfd", "ld"] }
    if let path = locate(toolchain("ld.lld") + names) { return LinkEditor(path: path) }
    if architecture == .host, let path = locate("cc") {
      return LinkEditor(path: path, isDriver: true)
    }
    throw Diagnostic(
      "no linker found for \(architecture.rawValue)",
      notes: ["looked for \(names.joined(separator: ", "))"],
      hint: "run 'apt-get install lld', or set VITC_LD; a Swift toolchain on the PATH brings one")
  }

  /// The linker that `make dist` puts into vitc: it runs as a process of its own, as any other.
  static var builtIn: LinkEditor? {
    guard vitc_linker() != nil else { return nil }
    return LinkEditor(
      path: "/proc/self/exe", first: [VITC_LINKER_ARGUMENT], name: "the linker inside vitc")
  }

  /// Finds `objcopy`, which makes symbols local.
  static func objcopy(for architecture: Architecture) throws(Diagnostic) -> String {
    var names = ["llvm-objcopy"] + versions.map { "llvm-objcopy-\($0)" }
    names += ["\(architecture.rawValue)-linux-gnu-objcopy"]
    if architecture == .host { names.append("objcopy") }
    return try require(names, package: "llvm")
  }

  /// Finds `ar`, which writes archives.
  static func archiver() throws(Diagnostic) -> String {
    try require(["llvm-ar"] + versions.map { "llvm-ar-\($0)" } + ["ar"], package: "binutils")
  }

  private static func require(_ names: [String], package: String) throws(Diagnostic) -> String {
    if let path = locate(names.prefix(1).flatMap { toolchain($0) } + names) { return path }
    throw Diagnostic(
      "no \(names[0]) found", notes: ["looked for \(names.joined(separator: ", "))"],
      hint: "run 'apt-get install \(package)'; a Swift toolchain on the PATH brings one")
  }

  /// The tool's path beside `swiftc`, if a Swift toolchain is on the PATH.
  private static func toolchain(_ name: String) -> [String] {
    guard let compiler = locate("swiftc"), let resolved = realpath(compiler, nil) else { return [] }
    defer { free(resolved) }
    let path = String(cString: resolved)
    guard let slash = path.lastIndex(of: "/") else { return [] }
    return [path[...slash] + name]
  }

  /// The first of the names that stands for an executable file.
  private static func locate(_ names: [String]) -> String? {
    for name in names {
      if let path = locate(name) { return path }
    }
    return nil
  }

  /// The path of an executable file, looked for on the PATH unless `name` has a slash.
  private static func locate(_ name: String) -> String? {
    if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
    let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    for folder in folders.split(separator: ":") {
      let path = "\(folder)/\(name)"
      if access(path, X_OK) == 0 { return path }
    }
    return nil
  }
}
