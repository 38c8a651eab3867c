"""What is in flight, so that "wait until idle" has an exact meaning."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Activity:
    """Counts work by its name; watchers add what others run, such as executions of a state machine."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._watchers: list[Callable[[], list[str]]] = []

    def watch(self, watcher: Callable[[], list[str]]) -> None:
        """Also ask ``watcher`` for names of work in flight."""
        self._watchers.append(watcher)

    def begin(self, name: str) -> None:
        """Note that one more piece of work of this name runs."""
        with self._changed:
            self._running[name] += 1

    def end(self, name: str) -> None:
        """Note that it is over."""
        with self._changed:
            self._running[name] -= 1
            self._changed.notify_all()

    @contextmanager
    def track(self, name: str) -> Iterator[None]:
        """Hold the system busy inside the block."""
        self.begin(name)
        try:
            yield
        finally:
            self.end(name)

    def names(self) -> list[str]:
        """Return the names of everything in flight."""
        with self._changed:
            own = [name for name, count in self._running.items() if count > 0]
        return own + [name for watcher in self._watchers for name in watcher()]

    def wait_idle(self, timeout: float) -> list[str]:
        """Wait until nothing runs; return what still does when the time is over (empty when idle)."""
        deadline = time.monotonic() + timeout
        while names := self.names():
            left = deadline - time.monotonic()
            if left <= 0:
                return names
            with self._changed:
                if any(count > 0 for count in self._running.values()):
                    self._changed.wait(min(left, 1.0))
                    continue
            time.sleep(0.005)  # only watched work is left, and nobody notifies of it
        return []
