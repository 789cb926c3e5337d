"""The one door: `solve` makes a plan in the time given and says what it costs, what is proven, and why not more."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from matcher.cost import broken_pins
from matcher.engine.bound import MANY_JOBS, Bound
from matcher.engine.compile import compiled, start_compiling
from matcher.engine.grid import Grid
from matcher.engine.labels import LABELS
from matcher.engine.master import Pool, Unsolved
from matcher.engine.parts import searched_in_parts
from matcher.engine.pricing import Pricer, Schedule
from matcher.engine.search import Search
from matcher.engine.selection import MANY_ROWS, Selection, assigned
from matcher.engine.tables import Tables, never
from matcher.engine.tree import Tree
from matcher.instance import Instance, Request
from matcher.plan import Assignment, Plan, Unserved
from matcher.plan import gap as gap_of
from matcher.proof import Leaf, Proof, Split, first_leaf
from matcher.reasons import out_of_time, why_left_out, why_settled

if TYPE_CHECKING:
    from matcher.exact import Exact

log = logging.getLogger(__name__)

Made = TypeVar("Made")

SEARCH, EXACT = "diandan engine 0.2", "diandan exact 0.1"
REPORT_EVERY = 0.5

KEPT_BACK = (0.5, 1e-4)
"""Seconds kept back to finish, and for each request: plans of many take long to put together."""

GRACE = 0.5
"""Seconds after the time is over in which reasons are still looked into."""

SMALL, SMALL_MODEL = (12, 100), 60_000
"""Up to so many requests and volunteers the exact model is tried before the search goes on, if it has no more ways from
seat to seat than this: it has one for every two seats in every interval."""

FIRST_LOOK = 0.1
"""Seconds of search before the first plan is shown: on 450 x 700 it makes it a fifth to a quarter cheaper."""

EXACT_SHARE = 0.7
"""How much of the time that is left it may take, when it was not asked for by name."""

SEARCH_SHARE, SHORT_SEARCH, MANY_SEARCH = 0.2, 0.1, 0.015
"""How much of the time goes into the search before prices are looked for: the program begins with its trips. Less where
a tree follows, or where there are no crews: schedules of people who need not meet are soon better than the search's.
Least where a round to the point takes long."""

BOUND_SHARE, SINGLES_SHARE, TREE_SHARE = 0.35, 0.5, 0.3
"""How much of the time that is then left goes at most into prices, before whole plans are made of them; without crews;
and with crews where a tree of choices follows."""

HOT, WARM, COOL, COLD = 150.0, 40.0, 10.0, 1.0
"""Temperatures, in points: the first search begins with, one that goes on from a good plan, one that goes on from what
was dived for, and all end with."""

SHARES = (0.1, 0.02)
"""Of the labels that a round to the point uses where it takes long, and what it makes do with where time is short."""

SOONER, STAGE = 0.7, 0.1
"""After one more rough stage a round to the point takes about so much of the time it would have taken before; and so
much of that time is the least such a stage is given."""

SELECT_SECONDS, VAST_SECONDS, SELECT_SHARE = 0.01, 0.005, 0.45
"""A selection is worth beginning with so many seconds left for each row of seats, and where it is a dive alone; so much
of the time it may take."""

REGIONAL_SHARE, VAST_SHARE, HELD_SHARE = 0.9, 0.98, 0.5
"""The same where whole schedules are chosen region by region, and where it is a dive alone; and what of each is left
when crews are held."""

VAST_JOBS = 6_000_000
"""With more jobs search brings more, once a plan was dived for, than choosing whole schedules by regions does."""

ROUGH_SHARE = 0.7
"""How much of the time for prices goes at most into rough ones."""

MANY_ROUGHLY, MANY_CLOSELY = 0.36, 0.58
"""The same, of all that is then left, where a round to the point takes long; and by when the last one is over."""

FIRMER_SHARE = 0.1
"""How much of the time that is then left goes at most into people of whom too little was remembered."""

LATEST, AT_LAST = 0.75, 0.9
"""By when the first round to the point should be over, and must be: not much is proven before it is."""

DIVE_SHARE, SMALL_DIVE_SHARE = 0.4, 0.3
"""How much of the time that is then left goes into search from a plan that was dived for, before regions; and before
one program for all, or while that chooses."""

CHOOSING_SHARE, DIVE_SECONDS = 0.5, 0.5
"""How much of the time in which an integer program chooses goes at most into more prices, before more dives are made;
and how much must be left for one."""

TURN_EACH, MOST_TURNS = 0.004, 6
"""A search part by part takes about so many seconds of a thread for each person before the parts are others."""

STARTS = 3
"""Crews may begin at so many times every other time whole plans are chosen; else when they do."""

RIPE = 0.03
"""Triples are looked for once prices promise no more than this share of what the best plan is above what is proven."""

CONVERGED = 0.005
"""A tree is grown once the program promises no more than this share beyond what is proven."""

MORE_SHARE, LEAST_SHARE, LITTLE = 0.25, 0.1, 1e-4
"""How much of the time goes into more prices between whole plans; and where a tree is grown, or where the last ones
raised what is proven by no more than this share."""

LARGEST_TREE = 400
"""Up to so many rows of seats a tree of choices is grown."""

MOST_ROUNDS = 200
"""Where steps are counted and not seconds, so many rounds of prices."""

REFINE_AT = 0.01
"""Buckets of starts are cut once the program promises no more than this share beyond what is proven."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a solve has come: seconds since it began, cost and bound of the best plan, and how many it serves."""

    seconds: float
    cost: int
    bound: int
    gap: float
    served: int
    requests: int


def solve(
    instance: Instance,
    seconds: float = 30.0,
    gap: float = 0.005,
    seed: int = 1,
    *,
    steps: int | None = None,
    threads: int | None = None,
    engine: Literal["search", "exact"] | None = None,
    progress: Callable[[Progress], None] | None = None,
    proof: Callable[[Proof], None] | None = None,
    start: Plan | None = None,
    start_proof: Proof | None = None,
    spent: float = 0.0,
) -> Plan:
    """Plan an instance.

    Stops after `seconds` (of which `spent` are gone already: the time since the process started), or when the proven
    gap is at most `gap`; or after `steps` rounds of search, whatever time that takes. `engine` "search" and "exact"
    (one CP-SAT model on `threads` threads, by default one a core) are used when named; otherwise small instances
    without `steps` go to the exact model first, and its plan is taken when it is proven best. Same instance, seed and
    steps: same plan. Ctrl-C ends the work early; the plan then has status `interrupted`. `progress` is called about
    twice a second. `proof` is handed the proof of the plan's bound, which is then what seat prices prove, and not what
    the exact model knows. `start` is an earlier plan, of this instance or of one much like it: what still fits is the
    first plan; the prices of `start_proof` are the first prices.
    """
    run = _Run(instance, seconds, gap, seed, time.perf_counter() - spent, progress)
    run.threads = threads or os.cpu_count() or 1
    run.proof, run.start, run.start_proof = proof, start, start_proof
    return run.plan(engine, steps)


class _Run:
    """One call of `solve`."""

    threads = 1
    proof: Callable[[Proof], None] | None = None
    start: Plan | None = None
    start_proof: Proof | None = None
    priced: Bound | None = None
    _closely = True  # whether there is time to price everybody to the point
    tree: Tree | None = None
    selected = 0
    _dives = 0
    _pins, _pins_at = 0, -1  # points of the pins that a plan of such a cost does not keep
    model: Callable[..., Exact] | None = None

    def __init__(
        self,
        instance: Instance,
        seconds: float,
        gap: float,
        seed: int,
        started: float,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.instance, self.seconds, self.wanted_gap, self.seed = instance, seconds, gap, seed
        self.started, self.progress = started, progress
        self.reported = 0.0
        self.interrupted = False
        self.tables = Tables(instance)
        self.settled = self.bound = self.tables.settled
        self.search = Search(self.tables, seed)

    def plan(self, engine: str | None, steps: int | None) -> Plan:
        """Build, improve, and write down."""
        exactly = engine == "exact" or (engine is None and steps is None and self._is_small())
        if exactly:
            from matcher.exact import exact  # CP-SAT loads longer than a first plan takes

            self.model = exact
        elif steps is not None:
            self.seconds = math.inf
        try:
            self._begin(steps is None and engine != "exact")
            if exactly:
                found = self._exact(1.0 if engine else EXACT_SHARE)
                best = found.assignments is not None and sum(found.terms.values()) <= self.search.best_cost
                if found.proven or (engine and best):
                    if self.proof is not None:
                        self._prove_with(steps)
                    return self._written_exactly(found)
            if engine != "exact":
                self._improve(steps)
        except KeyboardInterrupt:
            self.interrupted = True
        self.search.insert_rest(lambda: self._elapsed() > self.seconds)
        return self._written(tuple(self.search.best()), self.search.terms(), SEARCH)

    def _is_small(self) -> bool:
        requests, volunteers = SMALL
        seats = sum(len(request.seats) for request in self.instance.requests)
        ways = seats * seats * len(self.tables.intervals)
        few = len(self.instance.requests) <= requests and len(self.instance.volunteers) <= volunteers
        return few and ways <= SMALL_MODEL

    def _begin(self, look: bool) -> None:
        """A first plan: what still fits of an earlier one, else what is pinned, and what can be served beside it.

        To `look` for a moment at what can be better makes the first plan worth showing.
        """
        if self.start is not None:
            self.search.begin_from(self.start.assignments)
            self.search.insert_rest(self._late)
        else:
            self.search.begin_from(held(self.instance))
            self.search.insert_by_regret(self._late)
            if look and self.tables.open:
                self._look(min(FIRST_LOOK, 0.1 * self._left()), WARM, quiet=True)
        self._report(always=True)
        start_compiling()  # not before: it would share a core with the first plan

    def _exact(self, share: float) -> Exact:
        """Ask the exact model; what it proves holds whether or not its plan is taken."""
        assert self.model is not None
        found = self.model(
            self.instance, share * self._left(), self.seed, threads=self.threads, hint=self.search.best()
        )
        if self.proof is None:
            self.bound = max(self.bound, found.bound)
        if found.assignments is not None and self.search.best_cost > sum(found.terms.values()):
            self.search.begin_from(found.assignments)
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    def _improve(self, steps: int | None) -> None:
        """Search, prices, whole plans made of what they brought up, and search again, as long as there is time."""
        if not self.tables.open:
            return
        if steps is not None:
            self.search.improve(rounds=steps, late=self._reported)
            if self.proof is not None:
                self._prove_with(steps)
            return
        if self.start is None:
            long = SEARCH_SHARE if self._crews and not self._branching() else SHORT_SEARCH
            self._look((MANY_SEARCH if self._many else long) * self._left())
        if self._ready(self._left()):
            with suppress(TimeoutError), self._unsolved():
                self._prove_first()
                share = LEAST_SHARE if self._branching() else MORE_SHARE
                while not self._finished() and self.priced is not None:
                    if self._left() >= self._selecting:
                        with suppress(TimeoutError):  # its own time may be over before that of all
                            self._select()
                    elif self._left() < 2 * self.priced.took:  # what is left is too short for prices too
                        break
                    self._look(0.1 * self._left(), WARM)
                    before = self.bound
                    self._prove(self._elapsed() + share * self._left())
                    if not self._branching():
                        share = MORE_SHARE if self.bound > before + LITTLE * abs(before) else LEAST_SHARE
                    converged = self.priced.done or self.priced.promised <= CONVERGED * abs(self.priced.proven)
                    if self._branching() and converged:
                        self._branch(self._elapsed() + 0.8 * self._left())
        while not self._finished():
            self._look(self._left(), WARM)

    @contextmanager
    def _unsolved(self) -> Iterator[None]:
        """A linear program that HiGHS gives up ends what was to come of it, and is told of; the plan stays."""
        try:
            yield
        except Unsolved as error:
            log.warning("Of %s no more is made of prices: %s.", self.instance.name, error)

    def _branching(self) -> bool:
        """Whether a tree can grow far enough to matter."""
        return len(self.tables.rows) <= LARGEST_TREE

    @property
    def _many(self) -> bool:
        return len(self.tables.arrays.row) > MANY_JOBS

    @property
    def _vast(self) -> bool:
        return len(self.tables.arrays.row) > VAST_JOBS

    @property
    def _selecting(self) -> float:
        """The seconds with which a selection is worth beginning."""
        return (VAST_SECONDS if self._vast else SELECT_SECONDS) * len(self.tables.rows)

    @property
    def _crews(self) -> bool:
        return any(len(request.seats) > 1 for request in self.instance.requests)

    def _look(self, seconds: float, hot: float = HOT, quiet: bool = False) -> None:
        """Search for so long, reporting unless `quiet`."""
        end = self._elapsed() + seconds

        def late() -> bool:
            if not quiet:
                self._report()
            return self._elapsed() >= end or self._finished()

        self.search.improve(seconds, hot=hot, cold=COLD, late=late)

    def _prove_with(self, steps: int | None) -> None:
        """A bound by prices for the proof that was asked for, whatever it takes when steps are counted."""
        if not self._ready(None if steps is not None else self._left()):
            return
        with suppress(TimeoutError), self._unsolved():
            self._prove(None if steps is not None else self._elapsed() + self._left())

    def _ready(self, seconds: float | None) -> bool:
        """Whether prices can be worked with: their kernels are compiled, or will be in so much time."""
        ready = compiled(seconds)
        if not ready:
            log.warning(
                "Of %s nothing is proven by prices: the engine is not compiled in so little time.", self.instance.name
            )
        return ready

    def _learn(self, bound: Bound) -> None:
        """Take what people do in good plans into the program."""
        bound.pool.take(bound.pricer.schedule(v, visits) for v, visits in self.search.pool())
        bound.master.add(bound.pool, bound.pool.take(bound.pricer.schedules_of(self.search.best())))

    def _prove(self, until: float | None, enough: Callable[[], bool] = never, first: bool = False) -> None:
        """Rounds of prices until that time, until `enough` or they are as good as they get.

        The `first` ones of singles may end where they promise little. TimeoutError once time is over.
        """
        rounds = 0
        try:
            if self.priced is None:
                self.priced = self._first_bound(until)
                self._note_bound(self.priced)
            bound = self.priced
            while not (self._proven_enough() or enough()) and rounds < MOST_ROUNDS and self._before(until) != 0.0:
                near = bound.promised <= REFINE_AT * abs(bound.proven)
                refined = (bound.done or near) and bound.refine()
                little = RIPE * (self.search.best_cost - bound.proven)
                ripe = bound.done or (bound.promised <= little and not self._crews)
                if not bound.rough and ripe and not refined and self._tighten(until) == 0 and (bound.done or first):
                    break
                left = self._before(until)
                if left is not None and left < bound.took:  # it would not end in time
                    break
                if bound.stalled:
                    if bound.last_rough and not self._closely:
                        break
                    bound.less_roughly(left)
                else:
                    bound.step(left)
                self._note_bound(bound)
                rounds += until is None
        except TimeoutError:
            if self._left() <= 0:
                raise

    def _prove_first(self) -> None:
        """The first bound: rough prices for a while, then to the point, and better prices if time is left."""
        share = SINGLES_SHARE if not self._crews else TREE_SHARE if self._branching() else BOUND_SHARE
        begun, left = self._elapsed(), self._left()
        closely, latest = begun + (MANY_CLOSELY if self._many else share) * left, begun + LATEST * left
        self._prove_roughly(begun + (MANY_ROUGHLY if self._many else ROUGH_SHARE * share) * left, latest)
        spare = min(self._selecting, (1.0 - LATEST) * left)
        latest = begun + min(AT_LAST * left, left - spare)

        def noted() -> bool:
            self._note_bound(self.priced)
            return self._finished()

        if self.priced is not None and self.priced.rough:
            if self._many:
                self.priced.labels = self._affordable(self.priced, latest)
            try:
                self.priced.less_roughly(self._before(latest), at_once=True, enough=noted)
            except TimeoutError:
                self._closely = False
                log.warning("Of %s nothing is proven: the time is too short for it.", self.instance.name)
        self._prove(closely, first=True)
        if self._closely and self.priced is not None and not self._finished():
            self.priced.firmer(min(FIRMER_SHARE * self._left(), self._left() - self._selecting), noted)
            self._note_bound(self.priced)

    def _prove_roughly(self, until: float, latest: float) -> None:
        """Rough rounds until then, or where they take long one stage after the other: the next thing is to price to the
        point, which should be over by the `latest`.
        """

        def stalled() -> bool:
            return self.priced is not None and self.priced.stalled

        self._prove(until, stalled)
        while self._many and self.priced is not None and stalled() and not self.priced.last_rough:
            try:
                takes = self.priced.reckoned(int(SHARES[0] * LABELS), self._before(latest))
            except TimeoutError:
                break
            until = min(until, max(latest - SOONER * takes, self._elapsed() + STAGE * takes))
            if self._before(until) == 0.0:
                break
            with suppress(TimeoutError):
                self.priced.less_roughly(self._before(until))
            self._prove(until, stalled)

    def _affordable(self, bound: Bound, latest: float) -> int:
        """With how many labels a round to the point ends by then."""
        many, few = (int(share * LABELS) for share in SHARES)
        try:
            takes = bound.reckoned(many, self._before(latest))
        except TimeoutError:
            return few
        return many if self._elapsed() + SOONER * takes <= latest else few

    def _tighten(self, until: float | None) -> int | None:
        """Triples taken in, None if it is too early; none where a proof is asked for, which has no word for them."""
        if self.proof is not None or len(self.tables.rows) > MANY_ROWS or self.priced is None:
            return 0
        return self.priced.tighten(self._before(until))

    def _branch(self, until: float) -> None:
        """Split leaves of the tree until that time."""
        assert self.priced is not None

        def before() -> float:
            left = until - self._elapsed()
            if left <= 0:
                raise TimeoutError
            return left

        self.tree = self.tree or Tree(self.priced)
        try:
            while not self.tree.stuck and not self._proven_enough():
                self.tree.step(before, self.search.best_cost)
                self.bound = max(self.bound, min(self.tree.proven, self.search.best_cost))
                self._report()
        except TimeoutError:
            if self._left() <= 0:
                raise

    def _first_bound(self, until: float | None) -> Bound:
        pricer = Pricer(self.tables, self.threads)
        pool = Pool(self.tables.arrays.row)
        pool.take(pricer.schedule(v, visits) for v, visits in self.search.pool())
        grid = points = None
        if self.start_proof is not None:
            grid = Grid(self.tables)
            points = grid.points_of(first_leaf(self.start_proof.tree))
        return Bound(pricer, self.search.best(), pool, grid, points, self._before(until), rough=1)

    def _select(self) -> None:
        """Make a whole plan of the schedules the prices brought up, and go on searching from it if it is any good."""
        assert self.priced is not None
        regional, times = len(self.tables.rows) > MANY_ROWS, self.selected
        share = VAST_SHARE if self._vast else REGIONAL_SHARE if regional else SELECT_SHARE
        end, spare = self._elapsed() + share * self._left(), 0.0

        def left() -> float:
            return 0.0 if self.interrupted or self._finished() else end - spare - self._elapsed()

        self._learn(self.priced)
        selection = Selection(self.priced, self.search.best(), left)
        self.selected += 1

        def dive(share: float) -> None:
            dived = self._wait(pool.submit(selection.dive, self._dives, self.seed))
            self._begin_again(dived, share * left())

        with ThreadPoolExecutor(2) as pool:  # only this thread tells how far it has come
            try:
                spare = HELD_SHARE * left()
                self._wait(pool.submit(selection.hold, STARTS if times % 2 == 0 else 1))
                spare = 0.0
                dive((1.0 if self._vast else DIVE_SHARE) if regional else SMALL_DIVE_SHARE)
                if self._vast:  # there search brings more than regions do
                    return
                selection.adopt(self.search.best())
                if regional:
                    schedules = self._wait(pool.submit(selection.by_regions, self.threads, self.seed))
                else:
                    choosing = pool.submit(self._wait(pool.submit(selection.prepare, times)))
                    if self.threads > 1:  # HiGHS has one thread of its own
                        with suppress(TimeoutError), self._unsolved():
                            self._prove(self._elapsed() + CHOOSING_SHARE * left(), choosing.done)
                        while not choosing.done() and left() > DIVE_SECONDS:
                            dive(SMALL_DIVE_SHARE)
                    schedules = self._wait(choosing)
            except KeyboardInterrupt:
                self.interrupted = True
                self.priced.pricer.stop()
                raise
        self.search.begin_from(assigned(self.tables, schedules))
        self.search.insert_rest(self._late)
        self._report()

    def _begin_again(self, schedules: Iterable[Schedule], seconds: float) -> None:
        """Search from these for so long; what comes of it is the plan if it is cheaper."""
        self._dives += 1
        other = Search(self.tables, self.seed)
        other.begin_from(assigned(self.tables, schedules))
        other.insert_rest(self._late)
        try:
            self._look_in_parts(other, seconds)
        finally:
            if other.best_cost < self.search.best_cost:
                self.search.begin_from(other.best())

    def _look_in_parts(self, search: Search, seconds: float) -> None:
        """Search part by part for so long, reporting, the lines between parts drawn anew a few times."""
        until = self._elapsed() + seconds
        turns = max(1, min(MOST_TURNS, round(seconds * self.threads / (TURN_EACH * len(self.tables.volunteers)))))
        for turn in range(turns):
            end = self._elapsed() + (until - self._elapsed()) / (turns - turn)

            def left(end: float = end) -> float:
                return 0.0 if self.interrupted or self._finished() else end - self._elapsed()

            if left() <= 0:
                break
            with ThreadPoolExecutor(1) as pool:  # only this thread tells how far it has come
                best, seed = search.best(), self.seed + MOST_TURNS * self.selected + turn
                work = pool.submit(searched_in_parts, self.tables, best, left, self.threads, seed, COOL, COLD)
                try:
                    found = self._wait(work)
                except KeyboardInterrupt:
                    self.interrupted = True
                    search.begin_from(work.result())
                    raise
                search.begin_from(found)

    def _wait(self, work: Future[Made]) -> Made:
        """What comes of it, reporting until it is there."""
        while not work.done():
            self._report()
            wait([work], REPORT_EVERY)
        return work.result()

    def _note_bound(self, bound: Bound | None) -> None:
        if bound is not None:
            self.bound = max(self.bound, bound.proven)
        self._report()

    def _proven_enough(self) -> bool:
        cost = self.search.best_cost
        near = (gap_of(cost, self.bound, self.settled, 0) or 0.0) <= self.wanted_gap  # broken pins only make it larger
        return near and self._gap(cost) <= self.wanted_gap

    def _before(self, until: float | None) -> float | None:
        """Seconds until then."""
        return None if until is None else max(0.0, until - self._elapsed())

    def _left(self) -> float:
        return max(0.0, self.seconds - self._margin() - self._elapsed())

    def _late(self) -> bool:
        return self._left() <= 0

    def _finished(self) -> bool:
        return self._late() or self._proven_enough()

    def _gap(self, cost: int) -> float:
        """Of the best plan, which costs so much."""
        if cost != self._pins_at and self.instance.pinned:
            broken = broken_pins(self.instance, self.search.best())
            self._pins, self._pins_at = self.instance.weights.pin * len(broken), cost
        return gap_of(cost, self.bound, self.settled, self._pins) or 0.0

    def _margin(self) -> float:
        """Time kept back to finish and to write down why what is left is left."""
        return min(KEPT_BACK[0] + KEPT_BACK[1] * len(self.instance.requests), 0.1 * self.seconds)

    def _elapsed(self) -> float:
        return time.perf_counter() - self.started

    def _reported(self) -> bool:
        """Report, whatever the time; there is some."""
        self._report()
        return False

    def _report(self, always: bool = False) -> None:
        elapsed = self._elapsed()
        if self.progress is None or (elapsed < self.reported + REPORT_EVERY and not always):
            return
        self.reported = elapsed
        cost = self.search.best_cost
        requests = len(self.instance.requests)
        self.progress(Progress(elapsed, cost, self.bound, self._gap(cost), self.search.served(), requests))

    def _written(self, assignments: tuple[Assignment, ...], terms: dict[str, int], engine: str) -> Plan:
        cost = sum(terms.values())
        status = "optimal" if cost == self.bound else "interrupted" if self.interrupted else "feasible"
        if self.proof is not None:
            self.proof(Proof(self.instance.name, self.bound, self._tree()))
        served = {assignment.request for assignment in assignments}
        left = [(r, request) for r, request in enumerate(self.instance.requests) if request.id not in served]
        return Plan(
            instance=self.instance.name,
            assignments=assignments,
            unserved=tuple(self._unserved(r, request, assignments) for r, request in left),
            broken_pins=broken_pins(self.instance, assignments),
            cost=cost,
            terms=terms,
            bound=self.bound,
            settled=self.settled,
            gap=gap_of(cost, self.bound, self.settled, terms["pins"]),
            status=status,
            seconds=round(self._elapsed(), 3),
            seed=self.seed,
            engine=engine,
        )

    def _written_exactly(self, found: Exact) -> Plan:
        """The exact model's plan; what it leaves is looked into beside it, not beside another that costs as much."""
        assignments = tuple(sorted(found.assignments or ()))
        self.search = Search(self.tables, self.seed)
        self.search.begin_from(assignments)
        return self._written(assignments, found.terms, EXACT)

    def _tree(self) -> Leaf | Split:
        """What proves the bound."""
        if self.tree is not None and self.priced is not None and self.tree.proven >= self.priced.proven:
            return self.tree.tree()
        return Leaf() if self.priced is None else self.priced.leaf()

    def _unserved(self, r: int, request: Request, assignments: tuple[Assignment, ...]) -> Unserved:
        if self._elapsed() > self.seconds + GRACE:
            return Unserved(request.id, (out_of_time(),))
        if r in self.tables.hopeless:
            return Unserved(request.id, why_settled(self.instance, request))
        points = self.search.cheapest_insertion(r)
        return Unserved(request.id, why_left_out(self.instance, request, assignments, points))


def held(instance: Instance) -> list[Assignment]:
    """Requests with a pin as they are in force: nothing else may come first where a pin can be kept."""
    pinned = {pin.request for pin in instance.pinned}
    known: list[tuple[str, str, int | None, int | None]] = [
        (e.request, e.volunteer, e.seat, e.start) for e in instance.published if e.request in pinned
    ]
    known += [
        (pin.request, pin.volunteer, pin.seat, pin.start)
        for pin in instance.pinned
        if (pin.request, pin.volunteer) not in instance.published_of
    ]
    found = []
    for id, person, seat, start in known:
        pin = instance.pin_of.get((id, person))
        request = instance.request(id)
        k = pin.seat if pin is not None and pin.seat is not None else seat
        at = pin.start if pin is not None and pin.start is not None else start
        if k is None and len(request.seats) == 1:
            k = 0
        if k is not None and k < len(request.seats) and at is not None:
            found.append(Assignment(id, k, person, at, at + request.seat_minutes(k)))
    return found
