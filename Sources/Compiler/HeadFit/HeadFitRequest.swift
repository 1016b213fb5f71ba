import Models
import Photos

/// How a head is to be fitted to photos.
public struct HeadFitRequest: Sendable {
  /// The photos.
  public var photos: PhotoClasses
  /// How many photos of each class are taken, drawn by ``seed``; `nil`: all.
  public var shots: Int?
  /// What draws them.
  public var seed: UInt64 = 0
  /// The strength of the regularization; `nil`: leave-one-out chooses it.
  public var l2: Double?
  /// What the head reads.
  public var reads = SuppliedHead.Features.token
  /// Photos that the head is tried on; `nil`: none.
  public var test: PhotoClasses?

  /// Creates a request with every option at its default.
  public init(photos: PhotoClasses) { self.photos = photos }
}
