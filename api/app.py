"""The web application: the door, the rooms, and whether the house is in order."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api import schema
from api.assignments.routes import router as assignments
from api.console.routes import add_pages
from api.crowd import Crowd, Crowded
from api.db import Database
from api.door import OF_BODIES, Door
from api.errors import DatabaseAway, SchemaMismatch, declared, draw_errors, problem_schemas, told_as_problem
from api.metrics import Metrics, check_reader
from api.observing import Observer
from api.people.routes import router as people
from api.plans.routes import by_hand_router as by_hand
from api.plans.routes import router as plans
from api.reports.routes import router as reports
from api.requests.routes import router as requests
from api.security import Forbidden, Unauthenticated
from api.series.routes import router as series
from api.settings import Settings
from api.volunteers.routes import router as volunteers

TAGS = [
    {"name": "志愿者 volunteers", "description": "谁能帮忙：名册与日程。Who can help: the roster and its calendars."},
    {"name": "点单 requests", "description": "居民要什么。What residents ask for."},
    {"name": "系列 series", "description": "按规则重复的点单、值班与活动日。What repeats by rule."},
    {"name": "席位 assignments", "description": "接单、拒单、签到、完成。Accepted, declined, checked in, done."},
    {"name": "派单方案 plans", "description": "求解、查看、发布。Made, looked at, put in force."},
    {"name": "报表 report", "description": "一天或一段时间的各项数字与分母。What a period came to."},
    {"name": "辖区 territories", "description": "区、街道、社区、网格，与单位。Who is there for which part."},
    {"name": "用户 users", "description": "谁可以做什么：用户、角色与密钥。Who may do what."},
    {"name": "登录 log-in", "description": "登录、退出、我是谁。In, out, and who am I."},
    {"name": "运行 house", "description": "服务是否在、是否就绪。Alive, and ready."},
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service for these settings (by default those of the environment)."""
    settings = settings or Settings()
    database = Database(settings.database_url, settings.timezone)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = FastAPI(
        title="点单 diandan",
        version=version("diandan"),
        summary="谁在何时为谁服务，为什么。Who serves whom, when, and why.",
        openapi_tags=TAGS,
        lifespan=lifespan,
        docs_url=None,  # its pages would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.settings, app.state.database, app.state.schema = settings, database, schema.wanted()
    app.state.metrics = Metrics(database, settings)
    app.add_middleware(Crowd)
    app.add_middleware(Door, settings=settings)
    app.add_middleware(Observer, metrics=app.state.metrics)
    draw_errors(app)
    usual = {422: told_as_problem("a malformed value"), **declared(Unauthenticated, Forbidden, DatabaseAway, Crowded)}
    for room in (volunteers, requests, series, by_hand, assignments, plans, reports, people):
        app.include_router(room, responses=usual)
    _add_house(app)
    _describe_problems(app)
    add_pages(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """OpenAPI knows the shape of every error, and what the door refuses of bodies."""
    describe = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        described = describe()
        described["components"]["schemas"].update(problem_schemas())
        for operation in (each for path in described["paths"].values() for each in path.values()):
            if "requestBody" in operation:
                _add_outcomes(operation["responses"], OF_BODIES)
        return described

    app.openapi = openapi  # type: ignore[method-assign]


def _add_outcomes(told: dict[str, Any], more: Mapping[int | str, Mapping[str, Any]]) -> None:
    """These too; where the status is told already, its codes go on."""
    for status, outcome in more.items():
        before = told.get(str(status))
        also = f"{before['description']}, " if before else ""
        told[str(status)] = {**outcome, "description": also + outcome["description"]}


def _add_house(app: FastAPI) -> None:
    @app.get("/livez", operation_id="livez", tags=["运行 house"])
    def livez() -> dict[str, str]:
        """The web process answers."""
        return {"status": "alive"}

    @app.get("/readyz", operation_id="readyz", tags=["运行 house"], responses=declared(DatabaseAway, SchemaMismatch))
    def readyz(request: Request) -> dict[str, Any]:
        """The database is there and has the schema this program wants."""
        schema.check(request.app.state.database, request.app.state.schema)
        return {"status": "ready", "schema": request.app.state.schema}

    @app.get("/metrics", include_in_schema=False)
    def metrics(request: Request) -> Response:
        """Figures for who runs the house."""
        check_reader(request, request.app.state.settings)
        return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
