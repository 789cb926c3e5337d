"""Reports over HTTP."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from api.errors import declared
from api.models.reports import ReportPublic
from api.reports import service
from api.roles import Role
from api.security import Actor, may
from api.sessions import Now, ReadDep

router = APIRouter(prefix="/v1/report", tags=["报表 report"])

Reader = Annotated[Actor, may(Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT)]
First = Annotated[str | None, Query(alias="from", max_length=40, description="first local day, 2026-12-01")]
To = Annotated[str | None, Query(max_length=40, description="the day after the last; by default the day after today")]


@router.get("", operation_id="getReport", responses=declared(*service.REPORT_ERRORS))
def get_report(
    reader: Reader, request: Request, session: ReadDep, now: Now, first: First = None, to: To = None
) -> ReportPublic:
    """What a day or a period came to: every figure with what it is a part of, counted from the audit."""
    zone = ZoneInfo(request.app.state.settings.timezone)
    return service.report(service.read(session, first, to, reader, now, zone))
