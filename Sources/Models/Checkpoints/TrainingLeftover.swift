/// Tensors that training leaves in a checkpoint and no model reads, whatever wrote it.
enum TrainingLeftover {
  /// The last part of the names of counters and the like, which have one element.
  private static let counters: Set<Substring> = [
    // torch.optim.swa_utils.AveragedModel.
    "n_averaged",
    // Moving averages of weights: ema-pytorch, torch_ema, Lightning's.
    "num_updates", "initted", "decay", "ema_decay",
    "step", "steps", "global_step", "epoch", "iteration", "num_batches_tracked",
    // Profilers that count operations (thop).
    "total_ops", "total_params",
  ]
  /// The last part of the names of buffers that a model makes for itself.
  private static let buffers: Set<Substring> = [
    "relative_position_index", "position_ids", "attn_mask",
  ]
  /// The first part of the names of what only training uses.
  private static let modules: Set<Substring> = [
    "optimizer", "optimizers", "optimizer_state", "lr_scheduler", "lr_schedulers", "scheduler",
    "scaler", "grad_scaler", "criterion", "loss", "loss_fn", "metrics", "train_metrics",
    "val_metrics", "test_metrics",
  ]

  /// `true` iff a tensor that no model asks for is known to mean nothing for inference.
  static func contains(_ name: String, _ type: StoredType?) -> Bool {
    let elements = type?.shape.reduce(1, *)
    if elements == 0 { return true }
    let parts = name.split(separator: ".")
    guard let first = parts.first, let last = parts.last else { return false }
    return modules.contains(first) || buffers.contains(last)
      || (elements == 1 && counters.contains(last))
  }
}
