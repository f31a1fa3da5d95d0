"""The documents hold together: links lead somewhere, the index is whole, both READMEs show the same."""

from __future__ import annotations

import re

import pytest
import yaml

from firesense.settings import load_settings
from tests.readme import READMES, ROOT, blocks, file_of, histories

PAGES = sorted([ROOT / name for name in READMES] + list((ROOT / "docs").glob("*.md")) + [ROOT / "CHANGELOG.md"])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_the_index_names_every_page():
    named = set(LINK.findall((ROOT / "docs/README.md").read_text(encoding="utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= named


def test_both_readmes_show_the_same_commands_and_files():
    english, chinese = (blocks(name) for name in READMES)
    assert english
    assert english == chinese


def test_both_readmes_have_the_same_sections_and_pictures():
    shapes = []
    for name in READMES:
        text = (ROOT / name).read_text(encoding="utf-8")
        shapes.append((text.count("\n## "), re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)))
    assert shapes[0] == shapes[1]


def readme_settings():
    return next(text for kind, text in blocks("README.md") if kind == "yaml" and "firesense.yaml" in file_of(text))


@pytest.mark.parametrize("line", histories(readme_settings()), ids=lambda line: yaml.safe_load(line)["history"]["kind"])
def test_every_history_the_readme_shows_can_be_configured(line, tmp_path, monkeypatch):
    monkeypatch.setenv("INFLUX_TOKEN", "made-up")
    shown = yaml.safe_load(readme_settings())
    shown |= yaml.safe_load(line)
    file = tmp_path / "firesense.yaml"
    file.write_text(yaml.safe_dump(shown), encoding="utf-8")
    assert load_settings(file).history.kind == shown["history"]["kind"]
