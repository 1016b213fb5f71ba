/// A Python name that a pickle may mention.
///
/// This is the whole list. Nothing is imported or called for any of them; each stands for what this
/// reader does in its place.
struct PickleGlobal: Hashable {
  /// What is done where the pickle calls it.
  enum Role: Hashable {
    /// A dictionary is made.
    case dictionary
    /// The tuple that it is given stays one.
    case size
    /// A view of a storage, with the number of the version of `torch._utils._rebuild_tensor`.
    case tensor(version: Int)
    /// The tensor that it is given stays one.
    case parameter
    /// `torch._tensor._rebuild_from_type_v2(function, type, arguments, state)`.
    case subclass
    /// A tensor of a kind that has no plain array of numbers: what it is, for messages.
    case unreadable(String)
    /// The type of a storage; without one it has bytes.
    case storage(TorchElement?)
    /// A `torch.dtype`.
    case element(TorchElement)
    /// The class of a tensor.
    case tensorClass
    /// Data beside the tensors: settings, counters, sets. Noticed and thrown away.
    case bystander
  }

  /// Module and name, with a dot.
  let name: String
  let role: Role

  /// The entry of the list; `nil` for every other name.
  init?(module: String, name: String) {
    // Python 2 and 3 call one module so; NumPy 2 moved another.
    let module =
      switch module {
      case "__builtin__": "builtins"
      case "numpy._core.multiarray": "numpy.core.multiarray"
      case "numpy._core.numeric": "numpy.core.numeric"
      default: module
      }
    let full = "\(module).\(name)"
    guard let role = Self.roles[full] else { return nil }
    self.name = full
    self.role = role
  }

  private static let roles: [String: Role] = {
    var roles = listed
    for element in TorchElement.allCases {
      if let storage = element.storageName { roles["torch.\(storage)"] = .storage(element) }
      for name in element.names { roles["torch.\(name)"] = .element(element) }
    }
    for name in bystanders { roles[name] = .bystander }
    return roles
  }()

  private static let listed: [String: Role] = [
    "collections.OrderedDict": .dictionary, "collections.defaultdict": .dictionary,
    "builtins.dict": .dictionary,
    "torch.Size": .size,
    "torch._utils._rebuild_tensor": .tensor(version: 1),
    "torch._utils._rebuild_tensor_v2": .tensor(version: 2),
    "torch._utils._rebuild_tensor_v3": .tensor(version: 3),
    "torch._utils._rebuild_parameter": .parameter,
    "torch._utils._rebuild_parameter_with_state": .parameter,
    "torch._tensor._rebuild_from_type_v2": .subclass,
    "torch._utils._rebuild_sparse_tensor": .unreadable("a sparse tensor"),
    "torch._utils._rebuild_sparse_csr_tensor": .unreadable("a sparse tensor"),
    "torch._utils._rebuild_nested_tensor": .unreadable("a nested tensor"),
    "torch._utils._rebuild_qtensor": .unreadable("a quantized tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": .unreadable("a tensor without data (meta)"),
    "torch._utils._rebuild_wrapper_subclass": .unreadable("a tensor of a class of its own"),
    "torch._utils._rebuild_device_tensor_from_numpy": .unreadable("a tensor of another device"),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": .unreadable(
      "a tensor of another device"),
    "torch.storage.UntypedStorage": .storage(nil), "torch.UntypedStorage": .storage(nil),
    "torch.Tensor": .tensorClass, "torch.nn.parameter.Parameter": .tensorClass,
    "torch.nn.parameter.Buffer": .tensorClass,
  ]

  /// What training scripts save beside the weights.
  ///
  /// None of these is made: their contents could not do harm even if they were hostile.
  private static let bystanders = [
    "torch.device", "torch.serialization._get_layout", "torch.QInt8Storage",
    "torch.QUInt8Storage", "torch.QInt32Storage", "torch.qint8", "torch.quint8", "torch.qint32",
    "torch.per_tensor_affine", "torch.per_channel_affine",
    "collections.Counter", "collections.deque", "argparse.Namespace", "types.SimpleNamespace",
    "builtins.set", "builtins.frozenset", "builtins.list", "builtins.tuple", "builtins.int",
    "builtins.float", "builtins.bool", "builtins.str", "builtins.unicode", "builtins.bytes",
    "builtins.bytearray", "builtins.complex", "builtins.slice", "builtins.range",
    "builtins.object", "builtins.long", "_codecs.encode",
    "numpy.core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer", "numpy.dtype",
    "numpy.ndarray", "numpy.float64", "numpy.float32", "numpy.int64",
    "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "datetime.datetime", "datetime.date", "datetime.timedelta",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
  ]
}
