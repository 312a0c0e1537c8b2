# SPDX-License-Identifier: BSD-2-Clause
"""The rule of the reference pages: docs/reference/CALL.md says what abi/calls.tbl says."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import gen_calls

TABLE = "abi/calls.tbl"
FOLDER = "docs/reference/"
INDEX = FOLDER + "README.md"
OTHER_PAGES = ("README", "behaviour", "mapper")
HEADINGS = ["Synopsis", "Description", "Parameters", "Result", "Errors", "See also"]
ITEM = re.compile(r"- `(\w+)`: \S")
LINK = re.compile(r"\]\((\w+)\.md\)")


def sections(tree, page):
    """[(line, heading, its lines)] of a page's second level; what is in code fences heads none."""
    found, fenced = [], False
    for number, line in tree.lines(page):
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            found.append((number, line[3:], []))
        elif found:
            found[-1][2].append(line)
    return found


def check_items(page, section, wanted):
    """The section's items name exactly `wanted`, in the table's order."""
    number, heading, lines = section
    names = [match.group(1) for match in map(ITEM.match, lines) if match]
    if names != wanted:
        yield (f"{page}:{number}: {heading} names {' '.join(names) or 'none'}; "
               f"the table: {' '.join(wanted) or 'none'}")


def check_page(tree, page, call):
    title = tree.text(page).split("\n", 1)[0]
    if not re.match(rf"# {call['name']} \S", title):
        yield f"{page}:1: the title is not a sentence '# {call['name']} ...'"
    found = sections(tree, page)
    if [heading for _, heading, _ in found] != HEADINGS:
        yield f"{page}:1: the headings are not: {', '.join(HEADINGS)}"
        return
    parts = {section[1]: section for section in found}
    for number, heading, lines in found:
        if not any(line.strip() for line in lines):
            yield f"{page}:{number}: {heading} is empty"
    number, _, lines = parts["Synopsis"]
    if [line for line in lines if line.startswith("KnResult ")] != [gen_calls.declaration(call)]:
        yield f"{page}:{number}: the synopsis is not: {gen_calls.declaration(call)}"
    yield from check_items(page, parts["Parameters"], [name for _, name, _ in call["arguments"]])
    yield from check_items(page, parts["Errors"], call["errors"])


def reference(tree):
    """Every call has a page and every page a call; its parts are those of the table."""
    calls = {call["name"]: call for call in gen_calls.parse(tree.root / TABLE)}
    pages = {name[len(FOLDER):-len(".md")]: name for name in tree.files
             if name.startswith(FOLDER) and name.endswith(".md")}
    listed = set(LINK.findall(tree.text(INDEX))) if INDEX in tree.files else set()
    for name, call in calls.items():
        if name not in pages:
            yield f"{TABLE}:1: {name} has no page {FOLDER}{name}.md"
            continue
        if name not in listed:
            yield f"{INDEX}:1: does not list {name}"
        yield from check_page(tree, pages[name], call)
    for name, page in sorted(pages.items()):
        if name not in calls and name not in OTHER_PAGES:
            yield f"{page}:1: there is no call {name}"


RULES = {"reference": reference}
