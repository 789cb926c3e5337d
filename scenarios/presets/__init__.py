"""The districts of the reports, each generated from a seed on its real ground."""

from typing import Any

from matcher import Instance
from scenarios.presets import lianhu, yaoshun
from scenarios.presets.data import Preset, load

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        load("yaoshun-team6", "yaoshun.toml", yaoshun.build),
        load("lianhu-day", "lianhu.toml", lianhu.build),
    )
}
"""Every preset by name, with its reported and its assumed numbers."""


def preset(name: str, seed: int = 1, **options: Any) -> Instance:
    """The instance of a preset; `options` are those it lists, `requests` or `day` for example."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    chosen = PRESETS[name]
    for option in options:
        if option not in chosen.options:
            raise ValueError(f"{name} has no option {option!r}; it has {', '.join(chosen.options)}")
    return chosen.build(chosen, seed, **options)
