"""Write the JSON Schemas that are published beside the code: `python -m matcher.schemas`."""

from __future__ import annotations

import json
from pathlib import Path

from matcher.shapes import SCHEMAS, schema

FOLDER = Path(__file__).parent / "schema"


def published(name: str) -> str:
    """The text of the published file of this schema."""
    return json.dumps(schema(name), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Bring the published files up to date."""
    FOLDER.mkdir(exist_ok=True)
    for name in SCHEMAS:
        (FOLDER / f"{name}.json").write_text(published(name), encoding="utf-8")


if __name__ == "__main__":
    main()
