import ArgumentParser
import Compiler
import IR
import Models
import Passes

/// The towers that `--tower` names.
enum TowerName: String, CaseIterable, ExpressibleByArgument {
  case text
}

extension CompileRequest.Emission: ExpressibleByArgument {}
extension Form: ExpressibleByArgument {}
extension NumericsConvention: ExpressibleByArgument {}
extension ScoreFunction: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// The values of `--attention`.
enum AttentionPrecision: String, CaseIterable, ExpressibleByArgument {
  case int8
}
