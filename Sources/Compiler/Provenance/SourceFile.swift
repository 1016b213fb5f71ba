import Diagnostics
import Files
import Parallel

/// A file that decided what was compiled, or many photos as one.
public struct SourceFile: Encodable, Hashable, Sendable {
  /// What a file was read for: the option that named it, without its dashes.
  public enum Role: String, Encodable, Sendable {
    /// The configuration of the model's folder.
    case model
    /// The checkpoint.
    case weights
    /// A head in the place of the checkpoint's.
    case headFile = "head-file"
    /// Names of classes that are texts.
    case classes
    /// Their vectors.
    case textVectors = "text-vectors"
    /// A photo that rounding was calibrated on.
    case calibrate
    /// The photos that a head was fitted to, all of them.
    case fitHead = "fit-head"
    /// The photos that it was tried on.
    case fitTest = "fit-test"
  }

  /// What it was read for.
  public let role: Role
  /// Its name, without the folders that lead there; absent for many photos.
  public let name: String?
  /// How many photos; absent for one file.
  public let count: Int?
  /// The size of the file, or of all photos.
  public let bytes: Int
  /// The SHA-256 of the file; of many photos, that of the lines that `sha256sum` prints of them, in
  /// the order of their names, each `CLASS/PHOTO`.
  public let sha256: String
}
