import Diagnostics

/// A golden's check as JUnit's XML, in the form that Jenkins' schema allows
/// (https://github.com/jenkinsci/xunit-plugin, junit-10.xsd) and GitLab, GitHub's reporters and
/// Azure read: one suite, a case for each output, a failure in each that differs.
struct JUnitReport {
  /// The library, whose name is the suite's.
  let library: String
  /// The golden.
  let golden: String
  /// Each output and how far it is off.
  let measured: [(name: String, deviation: Deviation)]
  /// How far it may be.
  let limits: GoldenFile.Limits
  /// How long the check took.
  let duration: Duration

  /// The document.
  var text: String {
    let failures = measured.count { !$0.deviation.isWithin(limits) }
    let seconds =
      Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    let counts =
      "tests=\"\(measured.count)\" failures=\"\(failures)\" errors=\"0\" "
      + "time=\"\(Format.fixed(seconds, 3))\""
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites \(counts)>",
      "  <testsuite name=\"\(Self.escaped(library))\" \(counts) skipped=\"0\">",
    ]
    for (name, deviation) in measured {
      let place = "name=\"\(Self.escaped(name))\" classname=\"\(Self.escaped(golden))\""
      guard !deviation.isWithin(limits) else {
        lines.append("    <testcase \(place)/>")
        continue
      }
      let message =
        "error \(Format.scientific(deviation.error)), expected at most \(limits.tolerance); "
        + "cosine \(Format.fixed(deviation.cosine, 6)), expected at least \(limits.cosine)"
      let at = deviation.place
      lines += [
        "    <testcase \(place)>",
        "      <failure type=\"differs\" message=\"\(Self.escaped(message))\">"
          + Self.escaped(
            "image \(at.image), element \(at.element): found \(Format.significant(at.found)), "
              + "expected \(Format.significant(at.expected))") + "</failure>", "    </testcase>",
      ]
    }
    return (lines + ["  </testsuite>", "</testsuites>"]).joined(separator: "\n") + "\n"
  }

  /// A text in an attribute or an element: what XML 1.0 has no character for (2.2) is shown as an
  /// escape, as on a terminal.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in PlainText.escaped(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&apos;"
      case "\u{FFFE}", "\u{FFFF}":
        result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
