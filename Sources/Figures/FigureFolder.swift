import Diagnostics
import Files

/// The folder that figures are written to: pictures, numbers, and a page that shows them.
public struct FigureFolder {
  /// The files, by their names in the folder.
  public let files: [(name: String, bytes: [UInt8])]

  /// - Parameters:
  ///   - model: what the figures are of.
  ///   - summary: one line about it.
  ///   - photos: the names of the photos, in order.
  ///   - results: what became of each figure.
  public init(model: String, summary: String, photos: [String], results: [FigureResult]) {
    let page = FigurePage(model: model, summary: summary, photos: photos, results: results)
    var files: [(name: String, bytes: [UInt8])] = []
    for case .figure(let figure) in results { files += figure.files }
    files.append(("index.html", Array(page.document.utf8)))
    self.files = files
  }

  /// Writes all files into a new folder, or none.
  ///
  /// Errors: what ``NewFolder`` reports.
  public func write(to path: String) throws(Diagnostic) {
    try NewFolder.write(path: path, files: files)
  }
}
