"""What an installation may set, each by an environment variable `DIANDAN_…`."""

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    executor_id: str = Field("worker-1", description="name of this worker, its own on every machine, never changed")
    max_body_bytes: int = Field(10 * 2**20, ge=1, description="largest request body")
    max_headers: int = Field(100, ge=1, description="most header lines of a request")
    max_header_bytes: int = Field(32 * 2**10, ge=1, description="largest header of a request, all lines together")
    max_parts: int = Field(1000, ge=1, description="most parts of a multipart body")
    solve_memory_bytes: int = Field(6 * 2**30, ge=2**28, description="resident memory at which a solve is ended")
    solve_grace_seconds: float = Field(10, ge=0, description="how long a solve may overrun its seconds")
    solve_attempts: int = Field(3, ge=1, description="how often a solve that dies is begun again before it is failed")

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
