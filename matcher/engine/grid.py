"""Prices of seats by start time: which starts share a price, what a request comes to at given prices, and proof leaves.

The starts a request is allowed are cut into buckets. A row of a request (like seats, see `tables.py`) has one price in
each bucket: what is collected for a seat start in it, moved by the least lag of the row. Lateness is handed on: who
fills seat 0 collects the price less what the request's start costs by being late, so that a request comes to the same
at every start of a bucket.

A request under choices (FORMAT.md, Proof) may start only in some spans, or may not be left unserved.

A triple is three rows of one seat, or two and a person who has one interval (subset-row inequalities of Jepsen,
Petersen, Spoorendonk and Pisinger 2008, for m = 3). In every plan at most one schedule has two of the three or all of
them; a mixture may have three halves. So a schedule that has two pays a toll, and the bound is less by each toll.
Tolls stand behind the prices; a proof leaf has none.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from matcher.engine.tables import FAR_OFF, Arrays, Ints, Piece, Span, Tables, plain_pieces
from matcher.proof import Leaf, Price

BEHIND = 1 << 40
"""Keys of rows lie so far apart: farther than any two minutes."""

DEAREST = 4
"""No price from elsewhere is taken to be more times what it costs to leave the dearest request, or as far below 0."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is left of a request: the starts it is allowed, and whether it may be left unserved."""

    spans: tuple[Span, ...]
    may_be_left: bool = True

    def before(self, at: int) -> Choice:
        """Starting before `at`, if at all."""
        return Choice(tuple((a, min(b, at - 1)) for a, b in self.spans if a < at), self.may_be_left)

    def since(self, at: int) -> Choice:
        """Served, and starting at `at` or later."""
        return Choice(tuple((max(a, at), b) for a, b in self.spans if b >= at), False)


NO_TRIPLES: Ints = np.zeros((0, 3), dtype=np.int64)


class Grid:
    """Buckets of starts under choices. `arrays` has pieces cut by them, `size` prices; nothing changes once made.

    `cuts` gives of a request the starts at which a new bucket begins, `choices` what is decided of it, `triples` [K, 3]
    the rows of each, in order; a person v is -1 - v, and comes first.
    """

    def __init__(
        self,
        tables: Tables,
        cuts: Mapping[int, Sequence[int]] | None = None,
        choices: Mapping[int, Choice] | None = None,
        triples: Ints = NO_TRIPLES,
    ) -> None:
        self.tables, self.triples = tables, triples
        self.cuts = {r: tuple(sorted(set(at))) for r, at in (cuts or {}).items()}
        self.choices = dict(choices or {})
        self.buckets = {r: self._buckets(r) for r in tables.open}
        self.lows = [tables.requests[row.r].seats[row.seats[0]].lag[0] for row in tables.rows]
        self.highs = [tables.requests[row.r].seats[row.seats[0]].lag[1] for row in tables.rows]
        counts = [len(self.buckets[row.r]) for row in tables.rows]
        self.price_from = np.array([0, *np.cumsum(counts)], dtype=np.int64)
        self.size = int(self.price_from[-1])
        self.row_of = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        firsts = [
            first + low for row, low in zip(tables.rows, self.lows, strict=True) for first, _ in self.buckets[row.r]
        ]
        self._keys = self.row_of * BEHIND + np.array(firsts, dtype=np.int64)
        self.arrays = self._with_tolls(self._arrays())

    def with_triples(self, triples: Ints) -> Grid:
        """The same with these triples."""
        other = copy.copy(self)
        other.triples = triples
        other.arrays = other._with_tolls(self.arrays)
        return other

    def choice(self, r: int) -> Choice:
        """What is left of request `r`."""
        return self.choices.get(r) or Choice(tuple(self.tables.starts[r]))

    def index(self, rows: Ints, starts: Ints) -> Ints:
        """The price of a seat start in a row, for each; a start before the first bucket counts to it."""
        found = np.searchsorted(self._keys, rows * BEHIND + starts, side="right") - 1
        # A row of a request without allowed starts has no price; `allows` says so of its visits.
        index: Ints = np.minimum(np.maximum(found, self.price_from[rows]), max(0, self.size - 1)).astype(np.int64)
        return index

    def bucket_of(self, r: int, start: int) -> int:
        """The number of the bucket of `r` in which a request start lies, or the one before it."""
        firsts = [first for first, _ in self.buckets[r]]
        return max(0, int(np.searchsorted(firsts, start, side="right")) - 1)

    def allows(self, rows: Ints, starts: Ints) -> np.ndarray:
        """Whether a seat of the row may start then, for each."""
        fine = np.ones(len(rows), dtype=bool)
        bound = np.array([row.r in self.choices for row in self.tables.rows], dtype=bool)
        for n in np.nonzero(bound[rows])[0] if len(rows) else ():
            row, s = int(rows[n]), int(starts[n])
            low, high = self.lows[row], self.highs[row]
            fine[n] = any(a + low <= s <= b + high for a, b in self.choice(self.tables.rows[row].r).spans)
        return fine

    def moved(self, points: Ints, finer: Grid) -> Ints:
        """Prices of this grid as those of another: each bucket has the price of the one its first start lies in."""
        starts = finer._keys - finer.row_of * BEHIND
        tolls = dict(zip(map(tuple, self.triples.tolist()), points[self.size :].tolist(), strict=True))
        kept = [tolls.get(tuple(triple), 0) for triple in finer.triples.tolist()]
        found: Ints = np.concatenate([points[self.index(finer.row_of, starts)], np.array(kept, dtype=points.dtype)])
        return found

    def tolled(self, group: Ints, rows: Ints, people: Ints) -> tuple[Ints, Ints, Ints]:
        """How often which group of visits pays which toll: (group, toll, times), where it does.

        `group`, `rows`: the visits; `people`: by group.
        """
        d, number = self.arrays, len(self.triples)
        many = d.tolls_from[rows + 1] - d.tolls_from[rows]
        which = np.repeat(np.arange(len(rows)), many)
        within = np.arange(len(which)) - np.repeat(np.cumsum(many) - many, many)
        toll = d.toll_of[d.tolls_from[rows[which]] + within]
        keys, times = np.unique(group[which] * max(1, number) + toll, return_counts=True)
        groups, tolls = keys // max(1, number), keys % max(1, number)
        times = times + (self.triples[tolls, 0] == -1 - people[groups])
        paid = times > 1
        return groups[paid], tolls[paid], times[paid] // 2

    @cached_property
    def terms(self) -> tuple[Ints, Ints, Ints, Ints]:
        """What a bucket of a request pays: (bucket, first price, last price, row), buckets counted through."""
        rows_of: dict[int, list[int]] = {}
        for n, row in enumerate(self.tables.rows):
            rows_of.setdefault(row.r, []).append(n)
        found: list[tuple[int, int, int, int]] = []
        number = 0
        for r in self.tables.open:
            for k, (_, last) in enumerate(self.buckets[r]):
                for n in rows_of[r]:
                    until = self.bucket_of(r, last + self.highs[n] - self.lows[n])
                    base = int(self.price_from[n])
                    found.append((number, base + k, base + until, n))
                number += 1
        table = np.array(found, dtype=np.int64).reshape(-1, 4)
        return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(), table[:, 3].copy()

    @cached_property
    def _row_facts(self) -> tuple[Ints, Ints]:
        """Seats of each row, and the most a request pays for one of them."""
        counts = [len(row.seats) for row in self.tables.rows]
        optional = self.tables.instance.weights.optional_seat
        most = [optional if row.optional else FAR_OFF for row in self.tables.rows]
        return np.array(counts, dtype=np.int64), np.array(most, dtype=np.int64)

    def served(self, points: Ints) -> Ints:
        """What each bucket of each request comes to at these prices, buckets counted through."""
        bucket, low, high, row = self.terms
        counts, most = self._row_facts
        paid = points[low] if len(low) else np.zeros(0, dtype=np.int64)
        for step in range(1, int((high - low).max(initial=0)) + 1):
            paid = np.minimum(paid, np.where(low + step <= high, points[np.minimum(low + step, high)], FAR_OFF))
        whole = np.minimum(paid, most[row]) * counts[row]
        out = np.zeros(sum(len(found) for found in self.buckets.values()), dtype=np.int64)
        np.add.at(out, bucket, whole)
        return out

    def requests(self, points: Ints) -> int:
        """Every open request at its cheapest choice, less all tolls; FAR_OFF and more when one has no choice left."""
        served, total, at = self.served(points).tolist(), -int(points[self.size :].sum()), 0
        for r in self.tables.open:
            size = len(self.buckets[r])
            left = self.tables.price[r] if self.choice(r).may_be_left else FAR_OFF
            total += min(left, min(served[at : at + size], default=FAR_OFF))
            at += size
        return int(total)

    def leaf(self, points: Ints) -> Leaf:
        """These prices as a proof file has them."""
        prices = []
        for n, row in enumerate(self.tables.rows):
            id = self.tables.requests[row.r].id
            own = points[self.price_from[n] : self.price_from[n + 1]].tolist()
            for k in row.seats:
                for first, last, number in self._seat_ranges(n):
                    for piece in plain_pieces(self.tables, row.r, k):
                        a, b = max(first, piece.first), min(last, piece.last)
                        if a > b:
                            continue
                        at_first = own[number] + piece.gain - piece.fall * (a - piece.first)
                        if not piece.fall:
                            prices.append(Price(id, k, a, b, at_first))
                            continue
                        prices += [Price(id, k, s, s, at_first - piece.fall * (s - a)) for s in range(a, b + 1)]
        return Leaf(tuple(price for price in prices if price.points))

    def points_of(self, leaf: Leaf) -> Ints:
        """Prices as a proof leaf has them: of the first seat of each row where the bucket begins; 0 without one.

        Any prices prove something; those beyond all reason are cut off.
        """
        named: dict[tuple[str, int], list[Price]] = {}
        for price in leaf.prices:
            named.setdefault((price.request, price.seat), []).append(price)
        out, dearest = np.zeros(self.size, dtype=np.int64), DEAREST * max(self.tables.price, default=0)
        for n, row in enumerate(self.tables.rows):
            k = row.seats[0]
            found = named.get((self.tables.requests[row.r].id, k), [])
            pieces = plain_pieces(self.tables, row.r, k)
            for first, _, number in self._seat_ranges(n):
                at = max(first, pieces[0].first)
                paid = [price.points for price in found if price.first <= at <= price.last]
                late = [p.gain - p.fall * (at - p.first) for p in pieces if p.first <= at <= p.last]
                points = (paid[-1] if paid else 0) - (late[0] if late else 0)
                out[self.price_from[n] + number] = max(-dearest, min(points, dearest))
        return out

    def _buckets(self, r: int) -> list[Span]:
        """The allowed starts from one cut to the next: first and last of them, where there are any."""
        spans, cuts = self.choice(r).spans, self.cuts.get(r, ())
        if not spans:
            return []
        edges = [spans[0][0], *(at for at in cuts if spans[0][0] < at <= spans[-1][1]), spans[-1][1] + 1]
        found = []
        for a, b in pairwise(edges):
            inside = [(max(a, x), min(b - 1, y)) for x, y in spans if max(a, x) <= min(b - 1, y)]
            if inside:
                found.append((inside[0][0], inside[-1][1]))
        return found

    def _seat_ranges(self, n: int) -> list[tuple[int, int, int]]:
        """Seat starts of row `n` with one price: first, last, number of the bucket."""
        buckets = self.buckets[self.tables.rows[n].r]
        if not buckets:
            return []
        low, high = self.lows[n], self.highs[n]
        edges = [first + low for first, _ in buckets]
        ends = [*(edge - 1 for edge in edges[1:]), buckets[-1][1] + high]
        return [(a, b, k) for k, (a, b) in enumerate(zip(edges, ends, strict=True))]

    def _with_tolls(self, arrays: Arrays) -> Arrays:
        tolls, members = np.repeat(np.arange(len(self.triples)), 3), self.triples.reshape(-1)
        rows, people = members >= 0, members < 0
        by_row = np.argsort(members[rows], kind="stable")
        by_person = np.argsort(-1 - members[people], kind="stable")
        return arrays._replace(
            toll_from=np.array([self.size], dtype=np.int64),
            tolls_from=np.searchsorted(members[rows][by_row], np.arange(len(self.tables.rows) + 1)).astype(np.int64),
            toll_of=tolls[rows][by_row].astype(np.int64),
            own_from=np.searchsorted(
                (-1 - members[people])[by_person], np.arange(len(self.tables.volunteers) + 1)
            ).astype(np.int64),
            own_of=tolls[people][by_person].astype(np.int64),
        )

    def _arrays(self) -> Arrays:
        """The arrays of the tables with pieces cut by buckets and choices, each with its price."""
        old = self.tables.arrays
        if self.size == len(self.tables.rows) and not self.choices:
            return old
        pairs, inverse = self.tables.piece_groups
        pieces: list[tuple[Piece, int]] = []
        begin, end = [], []
        for a, b in pairs.T.tolist():
            begin.append(len(pieces))
            for p in range(a, b):
                piece = Piece(
                    int(old.first[p]), int(old.last[p]), int(old.gain[p]), int(old.fall[p]), bool(old.begun[p])
                )
                pieces += self._cut(piece, int(old.price[p]))
            end.append(len(pieces))

        def column(values: list[int]) -> Ints:
            return np.array(values, dtype=np.int64)

        return old._replace(
            pieces_from=np.ascontiguousarray(column(begin)[inverse]),
            pieces_to=np.ascontiguousarray(column(end)[inverse]),
            first=column([piece.first for piece, _ in pieces]),
            last=column([piece.last for piece, _ in pieces]),
            gain=column([piece.gain for piece, _ in pieces]),
            fall=column([piece.fall for piece, _ in pieces]),
            begun=column([piece.begun for piece, _ in pieces]),
            price=column([price for _, price in pieces]),
        )

    def _cut(self, piece: Piece, n: int) -> list[tuple[Piece, int]]:
        low, high, base = self.lows[n], self.highs[n], int(self.price_from[n])
        r = self.tables.rows[n].r
        seats = (
            [(a + low, b + high) for a, b in self.choice(r).spans] if r in self.choices else [(piece.first, piece.last)]
        )
        found = []
        covered = piece.first
        for x, y in seats:
            for first, last, k in self._seat_ranges(n):
                a, b = max(first, piece.first, x, covered), min(last, piece.last, y)
                if a <= b:
                    gain = piece.gain - piece.fall * (a - piece.first)
                    found.append((Piece(a, b, gain, piece.fall, piece.begun), base + k))
                    covered = b + 1
        return found
