"""The version of the package, which is that of vitc (`Sources/Compiler/Version.swift`)."""

__version__ = "0.2.0"
