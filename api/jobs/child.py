"""The process that solves: it knows files and the matcher, no web and no database, and dies with its worker."""

import dataclasses
import json
import os
import sys
import time

BORN = time.monotonic()

NICE = 10
"""Where processors are few, people who wait for an answer come before the next better plan."""


def main(instance_file: str, plan_file: str, seconds: str, gap: str, seed: str) -> None:
    """Read the instance, tell progress line by line, write the plan."""
    from api.jobs import lifeline

    os.nice(NICE)
    lifeline.hold(lambda: os._exit(1))
    from matcher import Progress, read_instance, solve, write_plan

    def tell(progress: Progress) -> None:
        print(json.dumps(dataclasses.asdict(progress)), flush=True)

    instance = read_instance(instance_file)
    os.unlink(instance_file)  # names and homes stay on no disk, even if a kill leaves the folder behind
    spent = time.monotonic() - BORN
    plan = solve(instance, float(seconds), float(gap), int(seed), progress=tell, spent=spent)
    write_plan(plan, instance, plan_file)


if __name__ == "__main__":
    main(*sys.argv[1:])
