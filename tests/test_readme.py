"""The READMEs tell what is so: their example runs, and every rule stands in their tables."""

import re
from pathlib import Path

import pytest

from matcher import RULES

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_example_runs(readme, capsys):
    example = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert len(example.strip().splitlines()) <= 12
    exec(compile(example.replace("seconds=30", "seconds=1"), readme.name, "exec"), {})
    assert "→" in capsys.readouterr().out


@pytest.mark.parametrize(("readme", "language"), [(READMES[0], 0), (READMES[1], 1)])
def test_every_rule_has_its_line(readme, language):
    text = readme.read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert f"| `{name}` | {rule[language]} |" in text


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_what_it_links_to_is_there(readme):
    for link in re.findall(r"\]\(([^)]+)\)", readme.read_text(encoding="utf-8")):
        assert (ROOT / link).exists(), link
