/// The files by which build systems find a compiled model in a folder of its own:
/// `lib/pkgconfig/NAME.pc` and `lib/cmake/NAME/NAME-config.cmake`.
///
/// Paths are relative to the files, so the folder may be moved.
struct PackageFiles {
  private let model: ModelInterface
  private let kind: Artifact.Kind
  private let fileName: String

  /// Describes a package whose artifact is `lib/fileName`.
  init(_ model: ModelInterface, kind: Artifact.Kind, fileName: String) {
    self.model = model
    self.kind = kind
    self.fileName = fileName
  }

  private var name: String { model.name }

  /// What the first line of both says.
  private var mark: String {
    "# \(name): \(HeaderWriter.comment(model.model))\(HeaderWriter.mark)"
      + "\(HeaderWriter.comment(model.compilerVersion))."
  }

  /// What an archive or an object needs of the system; versions of glibc before 2.34 have threads
  /// and dladdr in libraries of their own.
  private static let systemLibraries = ["pthread", "dl", "m"]

  /// For pkg-config, and so for Meson, Make and Autotools.
  var pkgConfig: String {
    let system = PackageFiles.systemLibraries.map { "-l\($0)" }.joined(separator: " ")
    let libraries =
      switch kind {
      case .library: "-L${libdir} -l\(name)"
      case .static: "-L${libdir} -l\(name) \(system)"
      case .object: "${libdir}/\(fileName) \(system)"
      }
    // A dollar would begin a variable.
    let described = HeaderWriter.comment(model.model).replacing("$", with: "$$")
    return """
      \(mark)
      prefix=${pcfiledir}/../..
      libdir=${prefix}/lib
      includedir=${prefix}/include

      Name: \(name)
      Description: \(described), compiled by vitc
      Version: \(HeaderWriter.comment(model.compilerVersion))
      Cflags: -I${includedir}
      Libs: \(libraries)

      """
  }

  /// For CMake's `find_package(NAME)`: the target `NAME::NAME`.
  var cmake: String {
    let system = PackageFiles.systemLibraries.joined(separator: ";")
    let (type, properties) =
      switch kind {
      case .library:
        (
          "SHARED",
          """
          IMPORTED_LOCATION "${_vit_prefix}/lib/\(fileName)"
              IMPORTED_SONAME "\(fileName)"
          """
        )
      case .static:
        (
          "STATIC",
          """
          IMPORTED_LOCATION "${_vit_prefix}/lib/\(fileName)"
              IMPORTED_LINK_INTERFACE_LANGUAGES "C"
              INTERFACE_LINK_LIBRARIES "\(system)"
          """
        )
      case .object:
        (
          "INTERFACE",
          """
          INTERFACE_LINK_LIBRARIES "${_vit_prefix}/lib/\(fileName);\(system)"
          """
        )
      }
    return """
      \(mark)
      if(NOT TARGET \(name)::\(name))
        get_filename_component(_vit_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
        add_library(\(name)::\(name) \(type) IMPORTED)
        set_target_properties(\(name)::\(name) PROPERTIES
          \(properties)
          INTERFACE_INCLUDE_DIRECTORIES "${_vit_prefix}/include")
        unset(_vit_prefix)
      endif()

      """
  }
}
