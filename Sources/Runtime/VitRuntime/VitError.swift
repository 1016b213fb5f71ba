import CVitABI

/// Why a compiled model could not be loaded or run.
public struct VitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Status: Hashable, Sendable {
    /// An argument is out of range: a zero count, a wrong number of floats, a bad thread count.
    case invalidArgument
    /// There is no memory for a model, a context or preprocessing.
    case outOfMemory
    /// The weights file is absent or cannot be mapped.
    case weightsUnreadable
    /// The weights file is another model's, truncated or damaged.
    case weightsMismatch
    /// The system refused to start threads.
    case noThreads
    /// This processor lacks instructions that the model was compiled for.
    case unsupportedCPU
    /// A run differs from the self-test values by more than the limit.
    case selfTestFailed
    /// The library holds no self-test values to compare with.
    case noSelfTestValues
    /// The file is absent or no shared library.
    case libraryUnreadable
    /// The library is not a compiled model.
    case notAModel
    /// The model was compiled for another version of the binary interface.
    case abiMismatch
    /// A status that this version of the library does not know.
    case unknown(Int32)

    /// The status of a code of vit_abi.h.
    init(code: vit_status) {
      switch code {
      case VIT_INVALID_ARGUMENT: self = .invalidArgument
      case VIT_OUT_OF_MEMORY: self = .outOfMemory
      case VIT_WEIGHTS_UNREADABLE: self = .weightsUnreadable
      case VIT_WEIGHTS_MISMATCH: self = .weightsMismatch
      case VIT_NO_THREADS: self = .noThreads
      case VIT_UNSUPPORTED_CPU: self = .unsupportedCPU
      case VIT_SELFTEST_FAILED: self = .selfTestFailed
      case VIT_NO_SELFTEST: self = .noSelfTestValues
      default: self = .unknown(code)
      }
    }
  }

  /// The kind of failure.
  public var status: Status
  /// What is wrong, in one line.
  public var message: String

  /// Creates an error.
  public init(_ status: Status, _ message: String) {
    self.status = status
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
