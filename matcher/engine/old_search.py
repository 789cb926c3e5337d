"""From nothing to a plan, and from a plan to a better one: regret insertion, then ruin and recreate.

Regret: the request that would lose most by waiting goes first (Potvin and Rousseau 1993). Ruin and recreate: take out
what lies together and put it back greedily, accepting as in simulated annealing (Schrimpf et al. 2000; Christiaens and
Vanden Berghe 2020, whose adjacent removals and blinks are used in a plain form).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random

import numpy as np

from matcher.engine.options import Option, Tables
from matcher.engine.state import Choice, State
from matcher.travel import kilometres_between

SPARE_POINTS = 400.0
"""How much dearer it looks, while the first plan is made, to send a rare skill where none is wanted."""

LARGEST_RUIN = 12
NEIGHBOURS = 40
WAITING = 25
"""At most this many requests left unserved are tried again in one round."""

BLINK = 0.02
HOT, COLD = 300.0, 2.0
"""Temperatures in points at the beginning and at the end of the search."""

LOOKING, CHOOSING = 0.5, 0.8
"""Shares of the time after which a first plan stops looking at requests, and stops choosing among them by regret."""

Spent = Callable[[], float]
"""What share of the time is gone: 1 and more when it is over."""


def insert_by_regret(state: State, requests: list[int], spent: Spent) -> None:
    """A first plan: again and again the request that would lose most by waiting, whole crews at once.

    Requests that there was no time to look at beside the others are served afterwards, dearest first, while there is
    time.
    """
    tables = state.tables
    state.spare_scarce_skills(SPARE_POINTS)
    waiting: dict[int, Choice] = {}
    wanted: dict[int, dict[int, list[Option]]] = {}  # by volunteer and request
    order = sorted(requests, key=lambda r: (-tables.price[r], r))
    while order and spent() < LOOKING:
        r = order.pop(0)
        for option in (option for seat in tables.options(r) for option in seat):
            wanted.setdefault(option.v, {}).setdefault(r, []).append(option)
        _wait(waiting, r, state.best(r))
    stale: set[int] = set()  # crews are dear to look at again: only when their turn comes
    while waiting and spent() < CHOOSING:
        r = max(waiting, key=lambda one: (_urgency(tables, one, waiting[one]), -one))
        choice = waiting.pop(r)
        if r in stale:
            stale.discard(r)
            _wait(waiting, r, state.best(r))
        elif choice.points < tables.price[r]:
            state.serve(r, choice)
            state.keep()
            for v in state.people_of(r):
                for other, options in wanted[v].items():
                    if other in waiting and len(tables.requests[other].seats) > 1:
                        stale.add(other)
                    elif other in waiting:
                        _wait(waiting, other, state.best_again(other, waiting.pop(other), options))
    state.spare_scarce_skills(0.0)
    insert_while_time(state, [*waiting, *order], spent)


def insert_while_time(state: State, order: Iterable[int], spent: Spent) -> None:
    """Serve what fits and is worth it, in this order, until the time is over."""
    for r in order:
        if spent() >= 1:
            break
        insert_all(state, [r])
        state.keep()


def _wait(waiting: dict[int, Choice], r: int, choice: Choice | None) -> None:
    if choice is not None:
        waiting[r] = choice


def insert_all(state: State, order: Iterable[int]) -> None:
    """Serve the requests in this order, each in its cheapest way, where that costs less than leaving it."""
    for r in order:
        if state.crews[r] is None:
            choice = state.best(r)
            if choice is not None and choice.points < state.tables.price[r]:
                state.serve(r, choice)


class Search:
    """Ruin and recreate on a state, one round at a time."""

    def __init__(self, state: State, servable: list[int], rng: Random) -> None:
        self.state, self.servable, self.rng, self.tables = state, servable, rng, state.tables
        self._neighbours: dict[int, list[int]] = {}
        self.best = state.snapshot()

    def note(self) -> bool:
        """Remember the plan as it stands if it is the best so far."""
        if self.state.cost >= self.best[2]:
            return False
        self.best = self.state.snapshot()
        return True

    def round(self, progress: float) -> bool:
        """One ruin and one recreate; `progress` from 0 to 1 cools the search. True when the best plan got better."""
        state, rng = self.state, self.rng
        before = state.cost
        ruined = self._ruin()
        waiting = [r for r in self.servable if state.crews[r] is None and r not in ruined]
        if len(waiting) > WAITING:
            waiting = rng.sample(waiting, WAITING)
        insert_all(state, (r for r in self._order(sorted(ruined) + waiting) if rng.random() >= BLINK))
        temperature = HOT * (COLD / HOT) ** progress
        if state.cost - before > -temperature * math.log(max(rng.random(), 1e-12)):
            state.undo()
            return False
        state.keep()
        return self.note()

    def finish(self, spent: Spent) -> None:
        """Come back to the best plan and serve whatever still fits in it, dearest first."""
        self.state.restore(self.best)
        insert_while_time(self.state, sorted(self.servable, key=lambda r: (-self.tables.price[r], r)), spent)

    def _ruin(self) -> set[int]:
        """Take out a few requests that lie together, or those that hold the people an unserved request needs."""
        seed = self.rng.choice(self.servable)
        size = self.rng.randint(1, min(LARGEST_RUIN, len(self.servable)))
        chosen = [seed, *self._near(seed)] if self.state.crews[seed] is not None else self._rivals(seed)
        ruined: set[int] = set()
        for r in chosen:
            if len(ruined) >= size:
                break
            if self.rng.random() < 0.85:
                ruined.update(self.state.drop(r))
        return ruined

    def _rivals(self, r: int) -> list[int]:
        """The requests now served by people who could serve `r`, in random order, and its neighbours after them."""
        options = self.tables.options(r)[self.rng.choice(self.tables.requests[r].required_seats)]
        some = self.rng.sample(options, min(len(options), 8))
        held = [visit.option.r for option in some for visit in self.state.trips[option.i].visits]
        return list(dict.fromkeys([*held, *self._near(r)]))

    def _near(self, r: int) -> list[int]:
        if r not in self._neighbours:
            self._neighbours[r] = nearest(self.tables, r, self.servable)
        return self._neighbours[r]

    def _order(self, requests: list[int]) -> list[int]:
        kind = self.rng.randrange(3)
        self.rng.shuffle(requests)
        if kind == 1:
            requests.sort(key=lambda r: -self.tables.price[r])
        elif kind == 2:
            requests.sort(key=self._people_for)
        return requests

    def _people_for(self, r: int) -> int:
        """How many options the hardest required seat has."""
        return min(len(self.tables.options(r)[k]) for k in self.tables.requests[r].required_seats)


def nearest(tables: Tables, r: int, among: list[int]) -> list[int]:
    """The requests nearest to `r`, nearest first, itself left out."""
    here = tables.requests[r].at
    if isinstance(here, str):
        places = [tables.requests[other].at for other in among]
        distance = tables.instance.travel.table([here], places, tables.volunteers[0].mode)[0]
    else:
        places_array = np.array([tables.requests[other].at for other in among], dtype=np.float64)
        distance = kilometres_between(np.array(here, dtype=np.float64), places_array)
    order = sorted(range(len(among)), key=lambda n: (distance[n], among[n]))
    return [among[n] for n in order if among[n] != r][:NEIGHBOURS]


def _urgency(tables: Tables, r: int, choice: Choice) -> float:
    """What waiting may cost: the gap to the second best way; for a crew, to leaving it, the fewer people the more."""
    if len(tables.requests[r].seats) == 1:
        return min(choice.second, tables.price[r]) - choice.points
    return (tables.price[r] - choice.points) * choice.rarity
