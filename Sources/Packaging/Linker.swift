import Diagnostics

/// Joins a model's objects to one library, archive or object.
struct Linker {
  let workspace: Workspace
  let architecture: Architecture
  let name: String
  /// `true` iff libraries keep the names of local functions.
  var keepsSymbols = false
  /// `true` iff the model reads tokens, not images.
  var readsTokens = false
  /// `true` iff it holds a tokenizer.
  var hasTokenizer = false
  /// `true` iff the model is for images of several sizes.
  var hasSizes = false
  /// What the model exports.
  private var exports: [String] {
    ExportedSymbols.names(
      for: name, readsTokens: readsTokens, hasTokenizer: hasTokenizer, hasSizes: hasSizes)
  }

  /// What generated code may expect of libc, besides what the runtime itself takes from it.
  private static let libc: Set<String> = [
    "memcpy", "memmove", "memset", "memcmp", "getauxval", "syscall", "__tls_get_addr",
  ]
  /// What it may know of the unwinder: weak references, null in programs without exceptions.
  private static let unwinder: Set<String> = ["__gcc_personality_v0", "_Unwind_Resume"]
  /// What it may expect of libm.
  private static let libm: Set<String> = [
    "exp", "expf", "exp2", "exp2f", "log", "logf", "tanh", "tanhf", "erf", "erff", "sqrt", "sqrtf",
    "rsqrt", "pow", "powf", "sin", "sinf", "cos", "cosf", "fma", "fmaf", "floor", "floorf",
    "ceil", "ceilf", "round", "roundf", "rint", "rintf", "nearbyint", "nearbyintf", "roundeven",
    "roundevenf", "trunc", "truncf", "fmin", "fminf", "fmax", "fmaxf",
  ]

  /// Checks what the model's objects offer and expect; returns `true` iff they need libm.
  func checkSymbols(_ objects: [[UInt8]], files: [String]) throws(Diagnostic) -> Bool {
    var defined: Set<String> = []
    var undefined: Set<String> = []
    for (object, file) in zip(objects, files) {
      let symbols = try ELFSymbols(object, file: file)
      defined.formUnion(symbols.defined)
      undefined.formUnion(symbols.undefined)
    }
    let missing = exports.filter { !defined.contains($0) }
    guard missing.isEmpty else {
      throw Diagnostic("the model's code lacks \(missing.joined(separator: ", "))")
    }
    let foreign = undefined.subtracting(defined).filter {
      !$0.hasPrefix("vit_rt_") && $0 != WeightFile.symbol && !Linker.libc.contains($0)
        && !Linker.unwinder.contains($0) && $0 != "_GLOBAL_OFFSET_TABLE_"
    }
    let unknown = foreign.subtracting(Linker.libm).sorted()
    guard unknown.isEmpty else {
      throw Diagnostic(
        "the model's code calls \(unknown.joined(separator: ", ")), which no library of a "
          + "compiled model has")
    }
    return !foreign.isEmpty
  }

  /// Links a shared library that exports the model's symbols and nothing else.
  func linkLibrary(
    _ objects: [String], soname: String, needsMath: Bool, to output: String
  ) throws(Diagnostic) {
    let script = workspace.file("exports.map")
    let symbols = exports.map { "\($0);" }.joined(separator: " ")
    try FileError.write("{ global: \(symbols) local: *; };\n", to: script)
    // Before version 2.34 glibc had threads and dladdr in libraries of their own; later ones and
    // musl have these names too, with nothing behind them.
    let libraries =
      ["libc.so.6", "libpthread.so.0", "libdl.so.2"] + (needsMath ? ["libm.so.6"] : [])
    var stubs: [String] = []
    for library in libraries { stubs.append(try stub(library)) }
    let editor = try Tools.linker(for: architecture)
    try link(
      editor,
      [
        "-shared", "-soname", soname, "--version-script=\(script)", "--hash-style=both",
        "-z", "noexecstack", "-z", "relro", "-z", "now", "--build-id=sha1", "--no-as-needed",
        "--gc-sections", "--eh-frame-hdr", keepsSymbols ? "--strip-debug" : "-s",
      ], objects + stubs, to: output)
  }

  /// Makes an empty library of a system library's name: it gives the artifact its DT_NEEDED entry.
  ///
  /// Linking against the machine's own libc would bind the artifact to that version or a later one,
  /// make its bytes depend on the machine, and need a copy of each target's libc for cross
  /// compiling. Symbols without a version bind to the oldest one that libc has.
  private func stub(_ soname: String) throws(Diagnostic) -> String {
    let empty = workspace.file("empty.o")
    let layout = ELFObject(architecture: architecture, symbol: "vitc_empty", bytes: 0)
    let object = try MappedOutput(path: empty, count: layout.fileBytes)
    layout.write(to: object.bytes)
    object.finish()
    let output = workspace.file(soname)
    let editor = try Tools.linker(for: architecture)
    try link(editor, ["-shared", "-soname", soname, "--build-id=none"], [empty], to: output)
    return output
  }

  /// Joins code to one relocatable object whose only global symbols are the model's; embedded
  /// weights remain a reference, to `weightsSymbol`, so that gigabytes are not copied here.
  func linkCode(_ objects: [String], weightsSymbol: String, to output: String) throws(Diagnostic) {
    let editor = try Tools.linker(for: architecture)
    try link(editor, ["-r"], objects, to: output)
    // Of the weak swift_* functions in the runtime none may stay global: in a Swift app they would
    // take the place of the real ones. Localizing comes first: renaming in the same call would
    // look for the old name.
    let keep = exports.map { "--keep-global-symbol=\($0)" }
    let objcopy = try Tools.objcopy(for: architecture)
    try Command.run(objcopy, keep + ["--strip-debug", output])
    try Command.run(objcopy, ["--redefine-sym", "\(WeightFile.symbol)=\(weightsSymbol)", output])
  }

  /// Joins relocatable objects.
  func join(_ objects: [String], to output: String) throws(Diagnostic) {
    try link(try Tools.linker(for: architecture), ["-r"], objects, to: output)
  }

  /// Writes an archive with an index, without times or owners.
  func archive(_ objects: [String], to output: String) throws(Diagnostic) {
    try Command.run(try Tools.archiver(), ["rcsD", output] + objects)
  }

  private func link(
    _ editor: Tools.LinkEditor, _ options: [String], _ inputs: [String], to output: String
  ) throws(Diagnostic) {
    guard editor.isDriver else {
      try Command.run(
        editor.path,
        editor.first + ["-m", architecture.emulation] + options + inputs + ["-o", output],
        named: editor.name)
      return
    }
    let relocatable = options.contains("-r")
    let mode = relocatable ? ["-r", "-nostdlib"] : ["-shared", "-nostdlib"]
    let rest = options.filter { $0 != "-r" && $0 != "-shared" }
    let wrapped = rest.isEmpty ? [] : ["-Wl," + rest.joined(separator: ",")]
    try Command.run(editor.path, mode + wrapped + inputs + ["-o", output])
  }
}
