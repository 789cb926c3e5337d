"""What an installation may set, each by an environment variable `DIANDAN_…`."""

import ipaddress
import json
import sys
from datetime import time
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _for_eyes() -> Literal["json", "text"]:
    """Text for who sits at a terminal, JSON for programs."""
    return "text" if sys.stderr is not None and sys.stderr.isatty() else "json"


class Settings(BaseSettings):
    """Every setting with its default."""

    model_config = SettingsConfigDict(env_prefix="DIANDAN_", extra="ignore")

    database_url: str = Field("sqlite:///var/diandan.db", description="SQLite file or PostgreSQL database")
    public_url: str | None = Field(None, description="where browsers find the service; without it, this machine only")
    host: str = Field("127.0.0.1", description="address to listen on; another than loopback needs a public_url")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    hosts: list[str] = Field(
        ["127.0.0.1", "localhost", "::1"], description="names under which browsers may address the service"
    )
    proxies: list[str] = Field(
        ["127.0.0.1", "::1"], description="whose X-Forwarded-For is believed, where there is a public_url"
    )
    timezone: str = Field("Asia/Shanghai", description="decides the calendar day, and display")
    lead_minutes: int = Field(30, ge=0, le=1440, description="nobody is sent at shorter notice")
    rounds: list[str] = Field(
        ["08:15", "12:45"], description="local times at which whatever waits is planned, on working days"
    )
    round_seconds: int = Field(10, ge=1, le=3600, description="how long a round may look that nobody asked for")
    retention_days: int = Field(180, ge=30, description="so long after a request is closed it is known whose it was")
    executor_id: str = Field("worker-1", description="name of this worker, its own on every machine, never changed")
    log: Literal["json", "text"] = Field(
        default_factory=_for_eyes, description="how log lines are written; by default text on a terminal, else JSON"
    )
    metrics_for_all: bool = Field(False, description="whether other machines may read /metrics")
    max_body_bytes: int = Field(10 * 2**20, ge=1, description="largest request body")
    max_headers: int = Field(100, ge=1, description="most header lines of a request")
    max_header_bytes: int = Field(32 * 2**10, ge=1, description="largest header of a request, all lines together")
    max_parts: int = Field(1000, ge=1, description="most parts of a multipart body")
    solve_memory_bytes: int = Field(6 * 2**30, ge=2**28, description="resident memory at which a solve is ended")
    solve_grace_seconds: float = Field(10, ge=0, description="how long a solve may overrun its seconds")
    solve_attempts: int = Field(3, ge=1, description="how often a solve that dies is begun again before it is failed")

    solves_each: int = Field(2, ge=1, description="how many plans one dispatcher may have under way")
    solves_queued: int = Field(20, ge=1, description="how many plans may wait in all")
    worker_silent_seconds: float = Field(60, gt=0, description="a worker silent for so long loses its jobs to others")

    @field_validator("rounds")
    @classmethod
    def _times(cls, value: list[str]) -> list[str]:
        """Times of day as 08:15."""
        for text in value:
            time.fromisoformat(text)
        return value

    @field_validator("public_url")
    @classmethod
    def _whole(cls, value: str | None) -> str | None:
        """Scheme and host, nothing behind them."""
        parts = urlsplit(value or "http://localhost")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError(f"{value!r} is not like https://diandan.example.org")
        return value and f"{parts.scheme}://{parts.netloc}"

    @property
    def names(self) -> list[str]:
        """The names under which browsers may address the service."""
        return [*self.hosts, *([urlsplit(self.public_url).hostname or ""] if self.public_url else [])]

    @property
    def is_https(self) -> bool:
        return (self.public_url or "").startswith("https:")

    def environment(self) -> dict[str, str]:
        """These settings as another process of ours reads them."""
        values: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return {f"DIANDAN_{k.upper()}": v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
