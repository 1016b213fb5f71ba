"""The version of the package, which is that of vitc (`Sources/Compiler/Version.swift`)."""

__version__ = "0.1.0"
