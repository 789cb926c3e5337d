"""Instance, plan and proof files (FORMAT.md): ISO times outside, minutes inside."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from matcher.errors import InvalidInput
from matcher.instance import (
    FAR,
    MAX_NUMBER,
    Availability,
    Instance,
    Pinned,
    Published,
    Request,
    Seat,
    Volunteer,
    Weights,
    Window,
)
from matcher.plan import TERMS, Assignment, Plan, Reason, Unserved
from matcher.proof import Leaf, Price, Proof, Split
from matcher.shapes import (
    INSTANCE_FORMAT,
    PLAN_FORMAT,
    PROOF_FORMAT,
    InstanceShape,
    LeafShape,
    MatrixShape,
    NodeShape,
    PinnedShape,
    PlanShape,
    ProofShape,
    RequestShape,
    SeatShape,
    ServedShape,
    StraightShape,
    VolunteerShape,
    WeightsShape,
    shaped,
)
from matcher.strict_json import read_json
from matcher.travel import MatrixTravel, StraightTravel, Travel, check_size

Out = TypeVar("Out")

PROOF_DEPTH = 240
"""A tree of choices may be this deep; other files are flat."""


# Reading


def read_instance(path: str | Path) -> Instance:
    """The instance in this file, or InvalidInput with the path of what is wrong."""
    return instance_from(read_json(_bytes_of(path)))


def read_plan(path: str | Path, instance: Instance) -> Plan:
    """The plan in this file, in the minutes of the instance it is a plan of."""
    return plan_from(read_json(_bytes_of(path)), instance)


def read_proof(path: str | Path, instance: Instance) -> Proof:
    """The proof in this file, in the minutes of the instance it proves a bound of."""
    shape = shaped(ProofShape, PROOF_FORMAT, read_json(_bytes_of(path), depth=PROOF_DEPTH))
    return Proof(shape.instance, shape.bound, _tree(shape.tree, instance.minute))


def instance_from(document: object) -> Instance:
    """An instance from the plain data of its file."""
    shape = shaped(InstanceShape, INSTANCE_FORMAT, document)
    origin = shape.horizon.from_

    def minute(moment: datetime) -> int:
        return int((moment - origin).total_seconds() // 60)

    try:
        return Instance(
            name=shape.name,
            note=shape.note,
            origin=origin,
            horizon_end=minute(shape.horizon.to),
            timezone=shape.timezone,
            now=None if shape.now is None else minute(shape.now),
            travel=_under("travel", lambda: _travel(shape.travel)),
            volunteers=_each("volunteers", shape.volunteers, lambda v: _volunteer(v, minute)),
            requests=_each("requests", shape.requests, lambda r: _request(r, minute)),
            published=_each(
                "published", shape.published, lambda p: Published(p.request, p.volunteer, minute(p.start), p.seat)
            ),
            pinned=_each("pinned", shape.pinned, lambda p: _pinned(p, minute)),
            weights=_under("weights", lambda: _weights(shape.weights)),
        )
    except InvalidInput as error:
        raise _rooted(error, origin) from None


def plan_from(document: object, instance: Instance) -> Plan:
    """A plan from the plain data of its file."""
    shape = shaped(PlanShape, PLAN_FORMAT, document)
    minute = instance.minute
    return Plan(
        instance=shape.instance,
        assignments=tuple(
            Assignment(a.request, a.seat, a.volunteer, minute(a.start), minute(a.end)) for a in shape.assignments
        ),
        unserved=tuple(
            Unserved(u.request, tuple(Reason(r.code, r.text.zh, r.text.en) for r in u.reasons)) for u in shape.unserved
        ),
        broken_pins=tuple(_pinned(p, minute) for p in shape.broken_pins),
        cost=shape.cost,
        terms={term: getattr(shape.terms, term) for term in TERMS},
        bound=shape.bound,
        settled=shape.settled,
        gap=shape.gap,
        status=shape.status,
        seconds=shape.seconds,
        seed=shape.seed,
        engine=shape.engine,
    )


def _volunteer(shape: VolunteerShape, minute: Callable[[datetime], int]) -> Volunteer:
    availability = _each(
        "availability", shape.availability, lambda a: Availability(minute(a.from_), minute(a.to), a.at, a.mode)
    )
    rest = {name: getattr(shape, name) for name in VolunteerShape.model_fields if name != "availability"}
    return Volunteer(availability=availability, **rest)


def _request(shape: RequestShape, minute: Callable[[datetime], int]) -> Request:
    rest = {name: getattr(shape, name) for name in RequestShape.model_fields}
    rest["windows"] = _each("windows", shape.windows, lambda w: Window(minute(w.from_), minute(w.to)))
    rest["due"] = None if shape.due is None else minute(shape.due)
    rest["partners"], rest["forbidden"] = tuple(shape.partners), tuple(shape.forbidden)
    if shape.seats is None:
        del rest["seats"]
    else:
        rest["seats"] = _each("seats", shape.seats, _seat)
    return Request(**rest)


def _seat(shape: SeatShape) -> Seat:
    return Seat(shape.skills, shape.optional, (shape.lag[0], shape.lag[1]), shape.minutes)


def _pinned(shape: PinnedShape, minute: Callable[[datetime], int]) -> Pinned:
    return Pinned(shape.request, shape.volunteer, shape.seat, None if shape.start is None else minute(shape.start))


def _weights(shape: WeightsShape) -> Weights:
    one, two, three = shape.fairness
    rest = {name: getattr(shape, name) for name in WeightsShape.model_fields if name not in ("unserved", "fairness")}
    return Weights(unserved=shape.unserved.model_dump(), fairness=(one, two, three), **rest)


def _travel(shape: StraightShape | MatrixShape) -> Travel:
    if isinstance(shape, StraightShape):
        speeds: dict[str, float] = {**StraightTravel().speed_kmh, **dict(shape.speed_kmh.items())}
        return StraightTravel(shape.detour, speeds, shape.fixed_minutes)
    size = len(shape.places)
    check_size(size)
    if len(shape.minutes) != size:
        raise InvalidInput("matrix_size", "minutes", len(shape.minutes), size=size)
    for i, row in enumerate(shape.minutes):
        if len(row) != size:
            raise InvalidInput("matrix_not_square", f"minutes[{i}]", len(row), row=i, size=size)
        if row and max(row) > MAX_NUMBER:
            j = row.index(max(row))
            raise InvalidInput("value_too_large", f"minutes[{i}][{j}]", row[j], limit=MAX_NUMBER)
        if row and min(row) < 0:
            j = row.index(min(row))
            raise InvalidInput("matrix_value", f"minutes[{i}][{j}]", row[j])
    return MatrixTravel(tuple(shape.places), np.array(shape.minutes, dtype=np.int64).reshape(size, size))


def _tree(node: NodeShape | None, minute: Callable[[datetime], int]) -> Leaf | Split:
    """A node and what hangs on it; a branch the file leaves out is a missing leaf."""
    if node is None:
        return Leaf(missing=True)
    if isinstance(node, LeafShape):
        return Leaf(tuple(Price(p.request, p.seat, minute(p.from_), minute(p.to), p.points) for p in node.prices))
    if isinstance(node, ServedShape):
        return Split(node.request, None, _tree(node.no, minute), _tree(node.yes, minute))
    return Split(node.request, minute(node.split), _tree(node.before, minute), _tree(node.after, minute))


def _each(path: str, shapes: Iterable[Any], make: Callable[[Any], Out]) -> tuple[Out, ...]:
    made = []
    for i, shape in enumerate(shapes):
        try:
            made.append(make(shape))
        except InvalidInput as error:
            raise error.under(f"{path}[{i}]") from None
    return tuple(made)


def _under(path: str, make: Callable[[], Out]) -> Out:
    try:
        return make()
    except InvalidInput as error:
        raise error.under(path) from None


def _rooted(error: InvalidInput, origin: datetime) -> InvalidInput:
    """The error with its path from the top of the file, and times as the file writes them."""

    def time(minute: int) -> str:
        return (origin + timedelta(minutes=minute)).isoformat(timespec="minutes")

    if error.code == "window_invalid" and isinstance(error.value, tuple):
        start, end = error.value
        error.value = f"{time(start)}/{time(end)[:16]}"
    if error.code == "value_too_large" and error.params["limit"] == FAR:
        error.value, error.params["limit"] = time(error.value), time(FAR)
    return error.under("$")


# Writing


def write_instance(instance: Instance, path: str | Path) -> None:
    """Write the instance's file; an old file is replaced whole or not at all."""
    _write(path, instance_document(instance))


def write_plan(plan: Plan, instance: Instance, path: str | Path) -> None:
    """Write the plan's file; an old file is replaced whole or not at all."""
    _write(path, plan_document(plan, instance))


def write_proof(proof: Proof, instance: Instance, path: str | Path) -> None:
    """Write the proof's file; an old file is replaced whole or not at all."""
    _write(path, proof_document(proof, instance))


def proof_document(proof: Proof, instance: Instance) -> dict[str, Any]:
    """The plain data of a proof's file."""
    tree = _tree_document(proof.tree, _clock(instance))
    return {"format": PROOF_FORMAT, "instance": proof.instance, "bound": proof.bound, "tree": tree}


def instance_document(instance: Instance) -> dict[str, Any]:
    """The plain data of an instance's file. What equals its default is left out."""
    time = _clock(instance)
    document: dict[str, Any] = {
        "format": INSTANCE_FORMAT,
        "name": instance.name,
        "note": instance.note,
        "timezone": instance.timezone,
        "horizon": {"from": time(0), "to": time(instance.horizon_end)},
        "now": None if instance.now is None else time(instance.now),
        "travel": _travel_document(instance.travel),
        "weights": {**asdict(instance.weights), "fairness": list(instance.weights.fairness)},
        "volunteers": [_volunteer_document(v, time) for v in instance.volunteers],
        "requests": [_request_document(r, time) for r in instance.requests],
        "published": [_present({**asdict(p), "start": time(p.start)}) for p in instance.published],
        "pinned": [_pin_document(p, time) for p in instance.pinned],
    }
    always = ("volunteers", "requests")
    return {key: value for key, value in document.items() if key in always or (value is not None and value != [])}


def plan_document(plan: Plan, instance: Instance) -> dict[str, Any]:
    """The plain data of a plan's file."""
    time = _clock(instance)
    return {
        "format": PLAN_FORMAT,
        "instance": plan.instance,
        "status": plan.status,
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "settled": plan.settled,
        "terms": dict(plan.terms),
        "seconds": plan.seconds,
        "seed": plan.seed,
        "engine": plan.engine,
        "assignments": [{**asdict(a), "start": time(a.start), "end": time(a.end)} for a in plan.assignments],
        "unserved": [
            {
                "request": u.request,
                "reasons": [{"code": r.code, "text": {"zh": r.zh, "en": r.en}} for r in u.reasons],
            }
            for u in plan.unserved
        ],
        "broken_pins": [_pin_document(p, time) for p in plan.broken_pins],
    }


def _tree_document(node: Leaf | Split, time: Callable[[int], str]) -> dict[str, Any] | None:
    """A node and what hangs on it; a missing leaf stays missing."""
    if isinstance(node, Leaf):
        prices = [
            {"request": p.request, "seat": p.seat, "from": time(p.first), "to": time(p.last), "points": p.points}
            for p in node.prices
        ]
        return None if node.missing else {"prices": prices}
    no, yes = _tree_document(node.no, time), _tree_document(node.yes, time)
    if node.at is None:
        return {"request": node.request, "split": "served", "no": no, "yes": yes}
    return {"request": node.request, "split": time(node.at), "before": no, "after": yes}


def _clock(instance: Instance) -> Callable[[int], str]:
    known: dict[int, str] = {}

    def time(minute: int) -> str:
        if minute not in known:
            known[minute] = instance.moment(minute).isoformat(timespec="minutes")
        return known[minute]

    return time


def _present(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None and value != {} and value != []}


def _volunteer_document(volunteer: Volunteer, time: Callable[[int], str]) -> dict[str, Any]:
    document = _present(_fields(volunteer))
    document["availability"] = [
        _present({"from": time(a.start), "to": time(a.end), "at": a.at, "mode": a.mode}) for a in volunteer.availability
    ]
    return document


def _request_document(request: Request, time: Callable[[int], str]) -> dict[str, Any]:
    document = _present(_fields(request))
    document["windows"] = [{"from": time(w.start), "to": time(w.end)} for w in request.windows]
    document["partners"], document["forbidden"] = list(request.partners), list(request.forbidden)
    if request.due is not None:
        document["due"] = time(request.due)
    document["seats"] = [_seat_document(seat) for seat in request.seats]
    return _present(document)


def _seat_document(seat: Seat) -> dict[str, Any]:
    document = _present({"skills": dict(seat.skills), "minutes": seat.minutes})
    if seat.optional:
        document["optional"] = True
    if seat.lag != (0, 0):
        document["lag"] = list(seat.lag)
    return document


def _pin_document(pin: Pinned, time: Callable[[int], str]) -> dict[str, Any]:
    return _present({**asdict(pin), "start": None if pin.start is None else time(pin.start)})


def _fields(thing: Volunteer | Request) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in type(thing).__dataclass_fields__}


def _travel_document(travel: Travel) -> dict[str, Any]:
    if isinstance(travel, MatrixTravel):
        return {"mode": "matrix", "places": list(travel.places), "minutes": travel.table_of_minutes.tolist()}
    if isinstance(travel, StraightTravel):
        return {"mode": "straight", **asdict(travel)}
    raise TypeError(f"travel of {type(travel).__name__} has no file form; ask it for a matrix first")


def _bytes_of(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InvalidInput("file_missing", "", str(path)) from None
    except IsADirectoryError:
        raise InvalidInput("file_directory", "", str(path)) from None
    except OSError as error:
        raise InvalidInput("file_unreadable", "", error.strerror or str(error)) from None


def _write(path: str | Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    target = Path(path)
    try:
        if target.exists() and not (target.is_file() or target.is_dir()):
            target.write_text(text, encoding="utf-8")  # a pipe or a device is written to, never replaced
        else:
            _replace(target.resolve(), text)
    except OSError as error:
        raise InvalidInput("file_unwritable", "", error.strerror or str(error)) from None


def _replace(target: Path, text: str) -> None:
    """Put a file in the place of another; whoever could read the old one can read the new one."""
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
