"""What-ifs: generated instances and the districts of the reports as presets."""

from scenarios.generator import EVERYTHING, FULL_COST, TEAMS, Features, generate
from scenarios.hidden import generate_hidden
from scenarios.presets import PRESETS, preset

__all__ = ["EVERYTHING", "FULL_COST", "PRESETS", "TEAMS", "Features", "generate", "generate_hidden", "preset"]
