/// The page that shows all figures of a model: one HTML file that needs the pictures beside it and
/// nothing else.
struct FigurePage {
  /// What the figures are of.
  let model: String
  /// One line about the model.
  let summary: String
  /// The photos, in order.
  let photos: [String]
  /// What became of each figure.
  let results: [FigureResult]

  var document: String {
    var lines = [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
      "<title>\(Markup.escaped(model))</title>", "<style>\(Self.style)</style>", "</head>",
      "<body>", "<h1>\(Markup.escaped(model))</h1>", "<p>\(Markup.escaped(summary))</p>",
    ]
    if !photos.isEmpty {
      lines.append("<p>Photos: \(photos.map(Markup.escaped).joined(separator: ", ")).</p>")
    }
    for result in results {
      switch result {
      case .figure(let figure): lines += section(figure)
      case .gap(let gap):
        lines += [
          "<section id=\"\(gap.name)\">", "<h2>\(gap.title)</h2>",
          "<p>There is no such figure: \(Markup.escaped(gap.reason)).</p>", "</section>",
        ]
      }
    }
    return (lines + ["</body>", "</html>", ""]).joined(separator: "\n")
  }

  private func section(_ figure: Figure) -> [String] {
    var lines = ["<section id=\"\(figure.name)\">", "<h2>\(figure.title)</h2>", "<figure>"]
    for picture in figure.pictures {
      lines.append("<img src=\"\(picture.file)\" alt=\"\(Markup.escaped(picture.description))\">")
    }
    if let scale = figure.scale {
      lines.append(
        "<div class=\"scale\"><span>\(scale.lowest)</span><i style=\"background: "
          + "linear-gradient(to right, \(scale.map.stops.joined(separator: ", ")))\"></i>"
          + "<span>\(scale.highest)</span></div>")
    }
    lines.append("<figcaption>\(Markup.escaped(figure.caption))</figcaption>")
    lines.append("</figure>")
    if !figure.facts.isEmpty {
      lines.append("<table>")
      for fact in figure.facts {
        let name = fact.name.split(separator: "_").joined(separator: " ")
        lines.append("<tr><th>\(name)</th><td>\(Self.number(fact.value))</td></tr>")
      }
      lines.append("</table>")
    }
    let files = ["\(figure.name).json"] + figure.numbers.map { "\($0.name).npy" }
    let links = files.map { "<a href=\"\($0)\">\($0)</a>" }
    lines += ["<p class=\"files\">Numbers: \(links.joined(separator: ", "))</p>", "</section>"]
    return lines
  }

  /// A number with six digits at most, as people read it.
  private static func number(_ value: Double) -> String {
    let scale = 1_000_000.0
    let text = String((value * scale).rounded() / scale)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static let style = """
    body { font-family: sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; \
    color: #222; line-height: 1.45 } \
    figure { margin: 1rem 0 } \
    img { max-width: 100%; display: block; margin: .5rem 0; image-rendering: pixelated } \
    figcaption { margin-top: .75rem } \
    .scale { display: flex; align-items: center; gap: .5rem; font-size: .85rem } \
    .scale i { width: 12rem; height: .8rem; display: inline-block } \
    th { text-align: left; font-weight: normal; padding-right: 1.5rem; color: #555 } \
    .files { font-size: .85rem }
    """
}
