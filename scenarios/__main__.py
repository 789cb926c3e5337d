"""`python -m scenarios NAME -o FILE` writes a preset as an instance file; without a name it lists the presets."""

import argparse
import sys

from matcher import write_instance
from scenarios.presets import PRESETS, preset


def main(arguments: list[str] | None = None) -> int:
    """Write one preset or list them all; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scenarios", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*PRESETS], metavar="NAME", help=", ".join(PRESETS))
    parser.add_argument("-o", "--output", metavar="FILE", help="default: NAME.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, help="how many, where the preset lets you choose")
    chosen = parser.parse_args(arguments)
    if chosen.name is None:
        print(listing())
        return 0
    options = {} if chosen.requests is None else {"requests": chosen.requests}
    try:
        instance = preset(chosen.name, chosen.seed, **options)
    except ValueError as error:
        parser.error(str(error))
    path = chosen.output or f"{chosen.name}.json"
    write_instance(instance, path)
    print(f"{path}: {len(instance.requests)} requests, {len(instance.volunteers)} volunteers")
    return 0


def listing() -> str:
    """Every preset with its options and its numbers, reported ones apart from assumed ones."""
    lines = []
    for name, shown in PRESETS.items():
        lines += [
            f"{name}  {shown.title} ({', '.join(shown.rows)}, {shown.day})",
            f"  {shown.description}",
            "  options",
        ]
        lines += [f"    {option}: {meaning}" for option, meaning in shown.options.items()]
        lines += ["  reported"]
        lines += [f"    {key} = {n['value']}  ({n['row']}: {n['says']})" for key, n in shown.reported.items()]
        lines += ["  assumed"]
        lines += [f"    {key} = {n['value']}  ({n['because']})" for key, n in shown.assumed.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
