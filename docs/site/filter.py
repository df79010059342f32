#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Usage: filter.py FILE

Doxygen's input filter. Prints a page, or a header, as Doxygen wants to read it, so that the page can stay as hosts of
repositories show it, and the header as compilers and people do. Lines keep their numbers.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def page_id(page):
    """Of docs/api/norms.md: docs-api-norms, which is also the name of its file."""
    name = page.relative_to(ROOT).with_suffix("").as_posix()
    return "index" if name == "README" else name.lower().replace("/", "-").replace("-readme", "")


def anchor(page, heading):
    """Of one of the page's headings, or of the fragment of a link to it."""
    words = re.sub(r"[^\w\- ]", "", heading).strip().lower()
    return page_id(page) + "--" + words.replace(" ", "-")


class Page:
    def __init__(self, path):
        self.path = path
        self.children = set()
        self.headings = {}

    def is_parent_of(self, other):
        """A README is the parent of all pages beside it, and of the READMEs one folder further down."""
        folder = other.parent.parent if other.name == "README.md" else other.parent
        return self.path.name == "README.md" and self.path.parent == folder != ROOT and other != self.path

    def heading(self, match):
        level, text = match.groups()
        if level == "#":
            name = page_id(self.path)
            return match.group() if name == "index" else f"{level} {text} {{#{name}}}"
        name = anchor(self.path, text)
        before = self.headings[name] = self.headings.get(name, -1) + 1
        return f"{level} {text} {{#{name}-{before}}}" if before else f"{level} {text} {{#{name}}}"

    def link(self, match):
        text, target = match.groups()
        line_breaks = "\n" * text.count("\n")
        return self.reference(re.sub(r"\s+", " ", text), target) + line_breaks

    def reference(self, text, target):
        if re.match(r"\w+:", target):
            return f"[{text}]({target})"
        file, _, fragment = target.partition("#")
        other = (self.path.parent / file).resolve() if file else self.path
        if other.suffix != ".md" and other.exists():  # of the repository; the site does not have it
            return text
        text = text.replace("`", "")  # which Doxygen would show
        if fragment:
            return f"[{text}](@ref {anchor(other, fragment)})"
        if self.is_parent_of(other) and other not in self.children:
            self.children.add(other)
            return f'@subpage {page_id(other)} "{text}"'
        return f"[{text}](@ref {page_id(other)})"

    def prose(self, text):
        text = re.sub(r"^<!-- SPDX.* -->$", "", text, flags=re.MULTILINE)
        text = re.sub(r"^(#+) (.*)$", self.heading, text, flags=re.MULTILINE)
        return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", self.link, text)

    def filtered(self, text):
        code = r"(^```.*?^```$|(?<=\n\n)(?: {4}[^\n]*\n)+)"
        parts = re.split(code, text, flags=re.MULTILINE | re.DOTALL)
        parts[::2] = map(self.prose, parts[::2])
        parts[1::2] = [re.sub(r"^```(\w+).*", r"```\1", part) for part in parts[1::2]]  # ```cpp cuda
        return "".join(parts)


def header(text):
    """The first comment of a header is about the file, if there is code between it and the next."""
    if sys.argv[1].endswith(".h"):  # comments of C
        text = re.sub(r"^/\*(?! SPDX)", "/**", text, flags=re.MULTILINE)
        text = re.sub(r"(?<=\S)( +)/\* ", r"\1/**< ", text)
        return re.sub(r"/\*\*\n", "/** @file\n", text, count=1)
    return re.sub(r"(#define \w+_HPP\n)\n(?=(?:///.*\n)+\n#include)", r"\1/// @file\n", text, count=1)


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    text = path.read_text(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8")
    if path.suffix == ".md":
        print(Page(path).filtered(text), end="")
    else:
        print(header(text), end="")


main()
