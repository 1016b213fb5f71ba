"""One context for each thread of each process.

A context is for one run at a time and has threads of its own, so each Python thread gets one when it
first runs the model, and a forked child forgets those of its parent: their threads are not there. A
child must not end them either, which would wait for those threads.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_void_p

from ._library import Library
from .errors import ClosedError, VitError


def _destroy(library: Library, handle: c_void_p, process: int) -> None:
    if os.getpid() == process:
        library.entry.context_destroy(handle)


class _Context:
    """A context and what ends it: its owner thread's end, or ``Contexts.close``."""

    def __init__(self, library: Library, model: c_void_p) -> None:
        self.handle = library.context(model)
        self.running = threading.Lock()
        self.end = weakref.finalize(self, _destroy, library, self.handle, os.getpid())
        # At the end of the interpreter the process frees everything.
        self.end.atexit = False


class Contexts:
    """The contexts of one model, made on demand."""

    def __init__(self, library: Library, model: c_void_p) -> None:
        self._library, self._model = library, model
        self._closed = False
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        """Has no context and no lock that anybody holds."""
        self._local = threading.local()
        self._lock = threading.Lock()
        self._living: weakref.WeakSet[_Context] = weakref.WeakSet()

    def after_fork(self) -> None:
        """Forgets the parent's contexts, in a child that has one thread yet."""
        self._begin()

    @contextmanager
    def use(self) -> Iterator[c_void_p]:
        """The calling thread's context, which nobody closes meanwhile."""
        context: _Context | None = getattr(self._local, "context", None)
        if context is None:
            with self._lock:
                self.check()
                context = _Context(self._library, self._model)
                self._living.add(context)
            self._local.context = context
        # Only a call from within a run of the same thread, as a signal's handler may make, or
        # `close` finds it taken.
        if not context.running.acquire(blocking=False):
            self.check()
            raise VitError("this thread's context is in a run already")
        try:
            self.check()
            yield context.handle
        finally:
            context.running.release()

    def living(self) -> Iterator[c_void_p]:
        """All contexts of this process, each after the run that it is in."""
        with self._lock:
            self.check()
            contexts = list(self._living)
        for context in contexts:
            with context.running:
                if context.end.alive:
                    yield context.handle

    def check(self) -> None:
        """Raises ClosedError if ``close`` was called."""
        if self._closed:
            raise ClosedError(f"the model '{self._library.path}' was closed")

    def close(self) -> None:
        """Ends all contexts, each after the run that it is in; a second call does nothing."""
        with self._lock:
            self._closed = True
            living = list(self._living)
        for context in living:
            with context.running:
                context.end()


_all: weakref.WeakSet[Contexts] = weakref.WeakSet()


def _after_fork() -> None:
    for contexts in list(_all):
        contexts.after_fork()


os.register_at_fork(after_in_child=_after_fork)
