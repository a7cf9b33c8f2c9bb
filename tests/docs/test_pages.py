"""README and every page under docs run as they are written, and lead where they say."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

import pages

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md")])
KINDS = ("feature", "fix", "change", "removal", "doc")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """Return the anchors that headings make, by the rule of the usual Markdown viewers."""
    headings = re.findall(
        r"^#+ +(.+?) *$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_runs_as_it_is_written(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    pages.run(page.read_text(encoding="utf-8"), name=name_of(page), folder=tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_leads_where_it_says(page: Path):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [
        unquote(link)
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if "://" not in link and not link.startswith("mailto:")
    ]
    targets = [(link, *link.partition("#")[::2]) for link in links]
    files = [(link, (page.parent / path).resolve() if path else page, anchor) for link, path, anchor in targets]

    broken = [link for link, file, _ in files if not file.exists()]
    lost = [
        link
        for link, file, anchor in files
        if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text())
    ]

    assert (broken, lost) == ([], [])


def test_the_index_of_docs_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    written = {str(page.relative_to(ROOT / "docs")) for page in PAGES if page.is_relative_to(ROOT / "docs")}

    missing = {
        page for page in written - {"README.md"} if f"({page})" not in index and not page.startswith("decisions/0")
    }

    assert missing == set()


def test_the_index_of_decisions_names_every_decision():
    index = (DECISIONS / "README.md").read_text()

    assert [page.name for page in sorted(DECISIONS.glob("0*.md")) if f"({page.name})" not in index] == []


@pytest.mark.parametrize("page", sorted(DECISIONS.glob("0*.md")), ids=lambda page: page.stem)
def test_a_decision_says_why_what_follows_and_what_was_refused(page: Path):
    headings = re.findall(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)

    assert headings == ["Context", "Decision", "Consequences", "Refused"]
    assert len(page.read_text().splitlines()) <= 80


def test_a_change_fragment_is_named_by_its_number_and_kind():
    fragments = [page.name for page in (ROOT / "changes").iterdir() if page.name != "README.md"]

    assert [name for name in fragments if not re.fullmatch(rf"\d{{4}}\.({'|'.join(KINDS)})\.md", name)] == []


# How pages are run, on pages that are wrong in one way each.

FENCE = "```"


@pytest.mark.parametrize(
    "text",
    [
        f"{FENCE}python\nassert 1 + 1 == 3\n{FENCE}\n",
        f"{FENCE}python\n>>> 1 + 1\n3\n{FENCE}\n",
        f"{FENCE}console\n$ echo hello\ngoodbye\n{FENCE}\n",
        f"{FENCE}console\n$ exit 2\n{FENCE}\n",
        f"{FENCE}bash\nfalse\ntrue\n{FENCE}\n",
        f"<!-- not run: -->\n{FENCE}bash\nfalse\n{FENCE}\n",
    ],
)
def test_a_page_that_shows_an_untruth_is_seen(text: str, tmp_path: Path):
    with pytest.raises(AssertionError):
        pages.run(text, name="page.md", folder=tmp_path)


PAGE = f"""
<!-- before:
hidden = 40
-->
{FENCE}python
x = hidden + 2
{FENCE}
{FENCE}python
>>> x
42
{FENCE}
<!-- file: words.txt -->
{FENCE}text
hello
{FENCE}
1. a list

   {FENCE}console
   $ cat words.txt
   hel...
   $ cat \\
     words.txt | wc -l
   1
   {FENCE}
"""


def test_a_page_shares_its_names_and_its_folder(tmp_path: Path):
    assert pages.run(PAGE, name="page.md", folder=tmp_path) == 4
