"""Who comes, and when: on a schedule that waits for nobody, or each after the last answer and a moment's thought."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.load.service import Answer

Do = Callable[[], Answer]


@dataclass(frozen=True)
class Wait:
    """How long somebody waited for an answer, when it came after the start, and what it was."""

    seconds: float
    until: float
    status: int
    code: str = ""

    @property
    def served(self) -> bool:
        return 200 <= self.status < 300


class Traffic:
    """Waits of one kind, gathered by many threads."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []

    def note(self, begun: float, due: float, answer: Answer) -> None:
        """One answer is there; it was due to be asked for at that moment, whether or not somebody was free to ask."""
        now = time.perf_counter()
        self.waits.append(Wait(now - due, now - begun, answer.status, answer.code))


def arriving(rate: float, seconds: float, lines: Sequence[Do]) -> Traffic:
    """So many a second at even distances, whatever the answers take: whoever finds every line busy waits, and that
    waiting counts."""
    traffic, coming = Traffic(), itertools.count()
    begun, most = time.perf_counter(), int(rate * seconds)

    def work(ask: Do) -> None:
        while (number := next(coming)) < most:
            due = begun + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            traffic.note(begun, due, ask())

    together([lambda ask=ask: work(ask) for ask in lines])  # type: ignore[misc]
    return traffic


def thinking(seconds: float, between: tuple[float, float], people: Sequence[Do]) -> Traffic:
    """Each asks, waits for the answer, thinks for a moment between these seconds, and asks again."""
    traffic = Traffic()
    begun = time.perf_counter()

    def work(number: int, ask: Do) -> None:
        rng = Random(number)
        time.sleep(rng.uniform(0, between[1]))  # they do not all come at once
        while (due := time.perf_counter()) < begun + seconds:
            traffic.note(begun, due, ask())
            time.sleep(rng.uniform(*between))

    together([lambda n=n, ask=ask: work(n, ask) for n, ask in enumerate(people)])  # type: ignore[misc]
    return traffic


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Each in a thread of its own, until all have ended; what one of them raises is raised here."""
    failures: list[BaseException] = []

    def run(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@dataclass(frozen=True)
class Figures:
    """What the waits of one kind come to, in milliseconds, served or not; failures are counted by their reason."""

    asked: int
    rate: float
    failed: dict[str, int]
    p50: float
    p95: float
    p99: float
    worst: float


def figures(traffic: Traffic) -> Figures:
    """Rates and quantiles (of n waits, the one that at least so many per cent do not exceed)."""
    waits = traffic.waits
    took = sorted(1000 * wait.seconds for wait in waits)

    def quantile(share: float) -> float:
        return took[math.ceil(share * len(took)) - 1] if took else math.nan

    served = [wait for wait in waits if wait.served]
    lasted = max((wait.until for wait in waits), default=math.nan)
    failed = Counter(f"{wait.status} {wait.code}".strip() for wait in waits if not wait.served)
    return Figures(
        len(waits), len(served) / lasted if waits else 0.0, dict(failed),
        quantile(0.5), quantile(0.95), quantile(0.99), took[-1] if took else math.nan,
    )  # fmt: skip
