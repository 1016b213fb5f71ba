import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Diagnostic {
  /// What a failed system call says: "cannot ACTION: no space left on device".
  ///
  /// `code` is its `errno`, read right after the call.
  static func system(
    _ action: String, path: String, code: Int32, hint: String? = nil
  ) -> Diagnostic {
    Diagnostic(
      "cannot \(action): \(systemText(code))", at: .file(path),
      hint: hint ?? systemHint(code))
  }
}

/// The C library's text for an error number, lower case.
private func systemText(_ code: Int32) -> String {
  guard let text = strerror(code) else { return "error \(code)" }
  let words = String(cString: text)
  return words.prefix(1).lowercased() + words.dropFirst()
}

/// What usually helps.
private func systemHint(_ code: Int32) -> String? {
  switch code {
  case ENOENT, ENOTDIR: "check the spelling of the path"
  case EACCES, EPERM: "check the permissions of the file and of its folder"
  case EROFS: "choose a folder on a file system that can be written"
  case ENOSPC, EDQUOT: "free some space or choose a folder on another disk"
  case EFBIG: "raise the limit on file sizes (ulimit -f) or choose another file system"
  case EMFILE: "raise the limit on open files (ulimit -n)"
  default: nil
  }
}

/// Runs a system call again as long as a signal interrupts it.
func retrying<Value: FixedWidthInteger>(_ call: () -> Value) -> Value {
  while true {
    let value = call()
    if value != -1 || errno != EINTR { return value }
  }
}
