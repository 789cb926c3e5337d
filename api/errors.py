"""What may go wrong, each with its status and its code, drawn as RFC 9457 problem details in the reader's language."""

import difflib
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.messages import LANGUAGES, MESSAGES, hint, sentence
from api.models.base import LARGEST_PAGE, Shape
from api.models.plans import PlanCreate
from api.models.requests import RequestCreate
from api.models.volunteers import VolunteerCreate
from matcher import InvalidInput, shown

log = logging.getLogger(__name__)

COLLISIONS = {"40001", "40P01"}
"""PostgreSQL: two transactions met, and this one gave way (serialization failure, deadlock)."""

MOST_TOLD = 100
"""So many errors of one body are told; nobody reads on."""

UNTOLD = {"password", "phone", "door", "text"}
"""What was sent for these is not told back: errors are copied into letters and logs."""

UNREADABLE = {"json_invalid", "json_duplicate_key", "json_too_deep", "encoding_not_utf8"}


class ApiError(Exception):
    """An outcome that is not what was asked for: where, which value, and what else its sentence names."""

    status, code = 500, "internal"

    def __init__(self, path: str = "", value: Any = None, headers: Mapping[str, str] | None = None, **params: Any):
        super().__init__(self.code, path, value)
        self.path, self.value, self.headers, self.params = path, value, dict(headers or {}), params


class NotFound(ApiError):
    status, code = 404, "not_found"


class Conflict(ApiError):
    status, code = 409, "conflict"


class CodeTaken(ApiError):
    status, code = 409, "code_taken"


class RefUnknown(ApiError):
    status, code = 422, "ref_unknown"


class TimeFar(ApiError):
    status, code = 422, "time_far"


class VolunteerBusy(ApiError):
    status, code = 409, "volunteer_busy"


class RequestClosed(ApiError):
    """It has ended; where the same was asked for before, that is where it lives on."""

    status, code = 409, "request_closed"

    def __init__(self, outcome: str | None, merged_into: int | None) -> None:
        link = {"Link": f'</v1/requests/{merged_into}>; rel="related"'} if merged_into else {}
        super().__init__("request_id", outcome, link, other=merged_into or "-")


class DatabaseAway(ApiError):
    status, code = 503, "database_away"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class SchemaMismatch(ApiError):
    status, code = 503, "schema_mismatch"

    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(value=found or "empty", wanted=wanted, headers={"Retry-After": "5"})


class Detail(BaseModel):
    """One thing that is wrong: where, which value, and the likely mend."""

    path: str
    code: str
    value: str | None
    hint: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Detail]
    request_id: str | None


def declared(*errors: type[ApiError]) -> dict[int | str, dict[str, Any]]:
    """These outcomes, as OpenAPI tells them."""
    codes: dict[int | str, list[str]] = {}
    for error in errors:
        codes.setdefault(error.status, []).append(error.code)
    return {status: told_as_problem(", ".join(names)) for status, names in codes.items()}


def told_as_problem(description: str) -> dict[str, Any]:
    """An outcome for OpenAPI, in the one shape errors have."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def problem_schemas() -> dict[str, Any]:
    """The shapes of problem details, as OpenAPI components."""
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    return dict(schemas["$defs"])


def problem(scope: Scope, error: ApiError) -> JSONResponse:
    """The answer that tells this error."""
    return problems(scope, error.status, [(error.code, error.path, error.value, error.params)], error.headers)


def problems(
    scope: Scope,
    status: int,
    found: Sequence[tuple[str, str, Any, Mapping[str, Any]]],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that tells these errors (code, path, value, params), the first of them in full."""
    lang = language(scope)
    first, _, value, params = found[0]
    body = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        code=first,
        detail=sentence(first, lang, {"value": value, **params}),
        errors=[
            Detail(
                path=path,
                code=code,
                value=None if value is None else shown(value),
                hint=hint(code, lang, {"value": value, **params}),
            )
            for code, path, value, params in found[:MOST_TOLD]
        ],
        request_id=scope.get("state", {}).get("request_id"),
    )
    return JSONResponse(
        body.model_dump(),
        status,
        {"Content-Language": lang, "Vary": "Accept-Language", **(headers or {})},
        "application/problem+json",
    )


def language(scope: Scope) -> str:
    """The first of our languages the reader asks for; Chinese if none."""
    for name, value in scope["headers"]:
        if name == b"accept-language":
            for wish in value.decode("latin-1").lower().split(","):
                if wish.strip()[:2] in LANGUAGES:
                    return str(wish.strip()[:2])
    return "zh"


def draw_errors(app: FastAPI) -> None:
    """Tell every error alike."""

    @app.exception_handler(ApiError)
    def _told(request: Request, error: ApiError) -> JSONResponse:
        return problem(request.scope, error)

    @app.exception_handler(InvalidInput)
    def _invalid(request: Request, error: InvalidInput) -> JSONResponse:
        return invalid(request.scope, error)

    @app.exception_handler(RequestValidationError)
    def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        return problems(request.scope, 422, [_translated(found) for found in error.errors()[:MOST_TOLD]])

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 405:
            return problems(request.scope, 405, [("method_not_allowed", "", request.method, {})], error.headers)
        if error.status_code == 404:
            return problem(request.scope, NotFound("", request.url.path))
        return problems(request.scope, error.status_code, [("header_invalid", "", error.detail, {})], error.headers)

    @app.exception_handler(DBAPIError)
    def _database(request: Request, error: DBAPIError) -> JSONResponse:
        return problem(request.scope, from_database(error))

    @app.exception_handler(PoolTimeout)
    def _pool(request: Request, error: PoolTimeout) -> JSONResponse:
        return problem(request.scope, DatabaseAway())


def invalid(scope: Scope, error: InvalidInput) -> JSONResponse:
    """A value the matcher refuses: unreadable, or malformed."""
    status = 400 if error.code in UNREADABLE else 422
    return problems(scope, status, [(error.code, error.path, error.value, error.params)])


def from_database(error: DBAPIError) -> ApiError:
    """What the database refused, or that it is away."""
    said = str(error.orig)
    if isinstance(error, IntegrityError) and "no_double_booking" in said:
        return VolunteerBusy(volunteer="?", start="?", end="?", other="?")
    if isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in COLLISIONS:
        return Conflict()
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.warning("database away: %s", said.splitlines()[0])
        return DatabaseAway()
    log.error("database error", exc_info=error)
    return ApiError()


def _translated(found: Mapping[str, Any]) -> tuple[str, str, Any, Mapping[str, Any]]:
    """What pydantic found, in our words: code, path, value, and what the sentence names."""
    where, *names = found["loc"]
    path = "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in names).lstrip(".")
    kind, value = found["type"], found.get("input")
    if names and names[-1] in UNTOLD:
        value = "***"
    if where == "path":
        return "id_invalid", path, value, {}
    if where == "query":
        return "page_invalid", path, value, {"limit": LARGEST_PAGE}
    if kind == "missing":
        return "key_missing", path, names[-1] if names else "body", {}
    if kind == "extra_forbidden":
        return "field_unknown", path, names[-1], _nearest(str(names[-1]))
    if kind in MESSAGES:
        return kind, path, value, found.get("ctx", {})
    return "type_invalid", path, value, {"expected": found["msg"], "expected_zh": found["msg"]}


def _nearest(name: str) -> dict[str, str]:
    near = difflib.get_close_matches(name, _field_names(), 1)
    if near:
        return {"nearest": f"did you mean {near[0]}?", "nearest_zh": f"是不是 {near[0]}？"}
    return {"nearest": "leave it out", "nearest_zh": "请删去它"}


def _field_names() -> set[str]:
    """Of what comes in, in the shape of any noun."""
    incoming = [PlanCreate, RequestCreate, VolunteerCreate, *Shape.__subclasses__()]
    return {field.alias or name for shape in incoming for name, field in shape.model_fields.items()}
