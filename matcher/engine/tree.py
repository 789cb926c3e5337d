"""The tree of choices that closes what the root leaves open: served or not, before a time or not; weakest leaf first.

Every leaf has prices of its own, and its bound holds under the choices on its path; the least leaf bounds every plan.
A leaf that is split stays a leaf until both of its children have been priced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matcher.engine.bound import Bound
from matcher.engine.grid import Choice, Grid
from matcher.engine.master import Solved
from matcher.engine.tables import FAR_OFF, Ints
from matcher.proof import Leaf, Split

ROUNDS = 12
"""So many rounds of prices a node gets at most."""

SLOW = 0.0002
"""A node is left when a round brought it less than this share, twice in a row."""

TIMELY = 400.0
"""What deciding about a time is reckoned to bring, in points, beside the price of the request for serving it or not."""

FRACTION = 0.02
"""A share nearer than this to nothing or all is whole."""


@dataclass
class Node:
    """A leaf, or what it was split into."""

    bound: int
    grid: Grid
    points: Ints
    proven_at: tuple[Grid, Ints] | None
    solved: Solved | None = None
    solved_on: Grid | None = None
    split: tuple[int, int | None] | None = None
    no: Node | None = None
    yes: Node | None = None


class Tree:
    """All leaves so far. `step` works on the weakest; `proven` is what they prove together."""

    def __init__(self, root: Bound) -> None:
        self.root = root
        self.pricer, self.tables, self.pool = root.pricer, root.tables, root.pool
        self.top = Node(root.proven, root.grid, root.points, root.proven_at)
        self.top.solved, self.top.solved_on = root.solved, root.solved_on
        self.leaves = [self.top]
        self.stuck = False

    @property
    def proven(self) -> int:
        """The least leaf."""
        return min(leaf.bound for leaf in self.leaves)

    def step(self, before: Callable[[], float], best: int) -> None:
        """Split the weakest leaf and price its children; `best`: what a plan costs, above which nothing need be proven.

        TimeoutError when `before` says that no seconds are left.
        """
        node = min(self.leaves, key=lambda leaf: leaf.bound)
        split = self._choose(node)
        if split is None:
            self.stuck = True
            return
        r, at = split
        choice = node.grid.choice(r)
        no = Choice((), choice.may_be_left) if at is None else choice.before(at)
        yes = Choice(choice.spans, False) if at is None else choice.since(at)
        children = [self._child(node, r, made, before, best) for made in (no, yes)]
        node.split, node.no, node.yes = split, *children
        self.leaves.remove(node)
        self.leaves += children

    def tree(self) -> Leaf | Split:
        """What it proves, as a proof file has it."""
        return self._written(self.top)

    def _written(self, node: Node) -> Leaf | Split:
        if node.split is None:
            return Leaf() if node.proven_at is None else node.proven_at[0].leaf(node.proven_at[1])
        assert node.no is not None and node.yes is not None
        r, at = node.split
        return Split(self.tables.requests[r].id, at, self._written(node.no), self._written(node.yes))

    def _child(self, parent: Node, r: int, made: Choice, before: Callable[[], float], best: int) -> Node:
        grid = Grid(self.tables, parent.grid.cuts, {**parent.grid.choices, r: made}, parent.grid.triples)
        points = parent.grid.moved(parent.points, grid)
        node = Node(0, grid, points, (grid, points))
        if not made.spans and not made.may_be_left:
            node.bound = FAR_OFF
            return node
        self._note(node, self._priced(node, before, best))
        return node

    def _priced(self, node: Node, before: Callable[[], float], best: int) -> Bound:
        """Rounds of prices under the node's choices, until it is above the best plan or they bring little."""
        bound = Bound(self.pricer, (), self.pool, node.grid, node.points, before())
        slow = 0
        for _ in range(ROUNDS):
            was = bound.proven
            if was >= best or bound.done:
                break
            bound.step(before())
            slow = slow + 1 if bound.proven - was < SLOW * abs(was) and not bound.refine() else 0
            if slow >= 2:
                break
        return bound

    def _note(self, node: Node, bound: Bound) -> None:
        """Take over what a node's prices prove by now."""
        if bound.proven >= node.bound:
            node.bound, node.proven_at = bound.proven, bound.proven_at
            node.grid, node.points = bound.grid, bound.points
            node.solved, node.solved_on = bound.solved, bound.solved_on

    def _choose(self, node: Node) -> tuple[int, int | None] | None:
        """What is most undecided in the mixture: a request, and the time to split at; None for served or not."""
        solved, solved_on = node.solved, node.solved_on
        if solved is None or solved_on is None:
            return None
        best: tuple[float, int, int | None] = (0.0, -1, None)
        at = 0
        for r in self.tables.open:
            buckets = solved_on.buckets[r]
            share = np.clip(solved.served[at : at + len(buckets)], 0.0, 1.0)
            at += len(buckets)
            if not len(share):
                continue
            whole = float(share.sum())
            undecided = min(whole, 1.0 - whole)
            if undecided > FRACTION and undecided * self.tables.price[r] > best[0]:
                best = (undecided * self.tables.price[r], r, None)
            so_far = 0.0
            for k in range(len(buckets) - 1):
                so_far += float(share[k])
                undecided = min(so_far, whole - so_far)
                if undecided > FRACTION and undecided * TIMELY > best[0]:
                    best = (undecided * TIMELY, r, buckets[k + 1][0])
        return None if best[1] < 0 else (best[1], best[2])
