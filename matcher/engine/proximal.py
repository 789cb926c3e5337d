"""The linear program solved near a centre: the cheapest mixture at prices that are pulled towards those known.

Prices that suit the schedules known so far best suit those not yet known badly, so they are kept near to the best
prices so far by a square term: the proximal bundle method (Kiwiel 1990), here with a model for each person. Its dual is
the linear program with an augmented Lagrangian (Rockafellar 1976): what a mixture fills too much or too little of a
seat moves the price of it by `stride` points a seat. Everybody's schedules add up to one, and so do the choices of a
request, and each such block is made cheaper in turn by moving weight from its dearest member to its cheapest, as in the
sequential minimal optimization of Platt (1998).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from matcher.engine.tables import Ints

Floats = np.ndarray

EVEN, AT_LEAST, AT_MOST = 0, 1, -1
"""Rows that are filled as often as they ask, that often or more, that often or less."""

MOVES = 3
"""In one sweep weight is moved so often within a block."""

DEAREST = 1e300


class Near(NamedTuple):
    """Columns by their entries in rows, those of a block together, rows with what they ask and the centre of prices."""

    cost: Floats
    entries_from: Ints
    row: Ints
    times: Floats
    block_from: Ints
    member: Ints
    """Columns by block; those of none come after the last."""
    whole: np.ndarray
    """By block whether its members add up to one, and not less."""
    asked: Floats
    """By row; rows that say that a block adds up to one have no entries."""
    kind: Ints
    centre: Floats
    stride: float


class State(NamedTuple):
    """What `descend` changes: the weight of columns, what is left of blocks, how far rows are filled, and prices."""

    weight: Floats
    idle: Floats
    filled: Floats
    price: Floats
    scratch: Floats
    """[rows], 0"""


@njit(cache=True, nogil=True)
def price_at(p: Near, n: int, filled: float) -> float:
    """The price of a row that is filled so often."""
    price = float(p.centre[n] + p.stride * (p.asked[n] - filled))
    if p.kind[n] == AT_LEAST:
        return max(price, 0.0)
    if p.kind[n] == AT_MOST:
        return min(price, 0.0)
    return price


@njit(cache=True, nogil=True)
def reduced_cost(p: Near, s: State, column: int) -> float:
    """What the column costs less what it collects."""
    cost = float(p.cost[column])
    for e in range(p.entries_from[column], p.entries_from[column + 1]):
        cost -= p.times[e] * s.price[p.row[e]]
    return cost


@njit(cache=True, nogil=True)
def _add(p: Near, s: State, column: int, weight: float) -> None:
    s.weight[column] = max(0.0, s.weight[column] + weight)
    for e in range(p.entries_from[column], p.entries_from[column + 1]):
        n = p.row[e]
        s.filled[n] += weight * p.times[e]
        s.price[n] = price_at(p, n, s.filled[n])


@njit(cache=True, nogil=True)
def _apart(p: Near, s: State, a: int, b: int) -> float:
    """The square of the distance of two columns; -1 is the empty one."""
    for column, sign in ((a, 1.0), (b, -1.0)):
        if column >= 0:
            for e in range(p.entries_from[column], p.entries_from[column + 1]):
                s.scratch[p.row[e]] += sign * p.times[e]
    square = 0.0
    for column in (a, b):
        if column >= 0:
            for e in range(p.entries_from[column], p.entries_from[column + 1]):
                square += s.scratch[p.row[e]] ** 2
                s.scratch[p.row[e]] = 0.0
    return square


@njit(cache=True, nogil=True)
def _settle(p: Near, s: State, block: int) -> float:
    """Move weight from the dearest member of a block to the cheapest; by how much it cost more than it need before."""
    too_much = 0.0
    for move in range(MOVES):
        cheapest, dearest = -1, -1
        low, high = (DEAREST, -DEAREST) if p.whole[block] else (0.0, 0.0 if s.idle[block] > 0 else -DEAREST)
        costs = 0.0
        for k in range(p.block_from[block], p.block_from[block + 1]):
            column = p.member[k]
            cost = reduced_cost(p, s, column)
            if cost < low:
                cheapest, low = column, cost
            if s.weight[column] > 0:
                costs += s.weight[column] * cost
                if cost > high:
                    dearest, high = column, cost
        if move == 0:
            too_much = costs - low
        if high - low <= 1e-7:
            break
        there = s.weight[dearest] if dearest >= 0 else s.idle[block]
        curved = p.stride * _apart(p, s, cheapest, dearest)
        moved = there if curved * there <= high - low else (high - low) / curved
        if cheapest >= 0:
            _add(p, s, cheapest, moved)
        else:
            s.idle[block] += moved
        if dearest >= 0:
            _add(p, s, dearest, -moved)
        else:
            s.idle[block] -= moved
    return too_much


@njit(cache=True, nogil=True)
def descend(p: Near, s: State, sweeps: int, enough: float) -> float:
    """At most so many sweeps over all blocks and columns of none, until they cost at most `enough` more than they need.

    How much more the last sweep found, in points, each block before it was settled.
    """
    too_much = DEAREST
    for _ in range(sweeps):
        too_much = 0.0
        for block in range(len(p.whole)):
            too_much += _settle(p, s, block)
        for k in range(p.block_from[len(p.whole)], len(p.member)):
            column, square = p.member[k], 0.0
            for e in range(p.entries_from[column], p.entries_from[column + 1]):
                square += p.times[e] ** 2
            cost = reduced_cost(p, s, column)
            moved = max(-s.weight[column], -cost / (p.stride * square))
            too_much += abs(cost * moved)
            _add(p, s, column, moved)
        if too_much <= enough:
            break
    return too_much


def state_of(p: Near, weight: Floats) -> State:
    """To begin with these weights, as far as blocks have room for them; whole blocks are filled up by their first."""
    number = len(p.whole)
    block = np.repeat(np.arange(number), np.diff(p.block_from))
    inside = p.member[: len(block)]
    total = np.bincount(block, weights=weight[inside], minlength=number).astype(np.float64)  # of nothing it is whole
    weight = weight.copy()
    weight[inside] /= np.maximum(1.0, total)[block]
    idle = np.maximum(0.0, 1.0 - total)
    weight[p.member[p.block_from[:-1][p.whole]]] += idle[p.whole]
    idle[p.whole] = 0.0
    column = np.repeat(np.arange(len(p.cost)), np.diff(p.entries_from))
    filled = np.bincount(p.row, weights=p.times * weight[column], minlength=len(p.asked)).astype(np.float64)
    price = p.centre + p.stride * (p.asked - filled)
    price = np.where(p.kind == AT_LEAST, np.maximum(price, 0.0), price)
    price = np.where(p.kind == AT_MOST, np.minimum(price, 0.0), price)
    return State(weight, idle, filled, price, np.zeros(len(p.asked)))
