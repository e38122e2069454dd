"""What people read in an answer: the words of a page block by block, with tags and blanks gone."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import openpyxl

# Words inside these belong to the sentence around them; every other element stands alone.
INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "small", "span", "strong", "time"}
VOID = {"br", "hr", "img", "input", "link", "meta", "circle", "line", "path", "rect", "use"}
UNREAD = {"script", "style"}
# Attributes that are read out; those whose name begins with `data-` hold what a script shows.
READ = {"alt", "aria-label", "placeholder", "title"}

SPACED = re.compile(r"\s+")


class Reader(HTMLParser):
    """Take a page apart into its texts: each block, each element in it, each attribute of words.

    `pieces` are what stands between two tags.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.pieces: list[str] = []
        self._open: list[tuple[str, list[str]]] = [("", [])]
        self.feed(page)
        self.close()
        while len(self._open) > 1:
            self._end()
        self._take(self._open[0][1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name, value in attrs:
            shown = name in READ or name.startswith("data-")
            typed = tag == "input" and name == "value" and given.get("type") != "hidden"
            if value and (shown or typed):
                self._take([value])
        if tag not in INLINE:
            self._take(self._open[-1][1])
        if tag not in VOID:
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        if tag in (name for name, _ in self._open):
            while self._open[-1][0] != tag:
                self._end()
            self._end()

    def handle_data(self, data: str) -> None:
        self._open[-1][1].append(data)
        self.pieces.append(SPACED.sub(" ", data))

    def _end(self) -> None:
        tag, words = self._open.pop()
        if tag in UNREAD:
            return
        whole = "".join(words)
        self._take(words)
        if tag in INLINE:
            self._open[-1][1].append(whole)

    def _take(self, words: list[str]) -> None:
        text = SPACED.sub(" ", "".join(words)).strip()
        words.clear()
        if text:
            self.texts.append(text)


class Tongues(HTMLParser):
    """Note what stands in Chinese where the nearest `lang` says that it is another language."""

    CHINESE = re.compile(r"[\u3400-\u9fff]")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.unmarked: list[str] = []
        self._open: list[tuple[str, str]] = [("", "")]
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("lang") or self._open[-1][1]))

    def handle_endtag(self, tag: str) -> None:
        if tag in (name for name, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        tag, language = self._open[-1]
        # What somebody has typed comes back in whatever language it was.
        if (
            tag not in {*UNREAD, "textarea"}
            and not language.startswith("zh")
            and self.CHINESE.search(data)
        ):
            self.unmarked.append(SPACED.sub(" ", data).strip())


def pieces_of(reply: Any) -> list[str]:
    """Return what stands between the tags of a page, each run of blanks as the one that is seen."""
    is_page = "html" in reply.headers.get("Content-Type", "")
    return Reader(reply.content.decode()).pieces if is_page else []


def texts_of(reply: Any) -> Iterator[str]:
    """Yield the texts of an answer: of a page, or the name, the header and the lines of a file."""
    if (named := reply.headers.get("Content-Disposition")) and "''" in named:
        yield unquote(named.rpartition("''")[2])
    kind = reply.headers.get("Content-Type", "")
    if "html" in kind:
        yield from Reader(reply.content.decode()).texts
    elif "csv" in kind:
        rows = list(csv.reader(io.StringIO(content_of(reply).decode("utf-8-sig"))))
        yield from ("|".join(row) for row in rows)
        yield from (cell for row in rows for cell in row)
        yield "|".join(row[0] for row in rows if row)
    elif "spreadsheet" in kind:
        sheet = openpyxl.load_workbook(io.BytesIO(content_of(reply))).active
        yield from ("|".join(str(cell) for cell in row) for row in sheet.values)


def unspaced(text: str) -> str:
    """Return `text` without spaces; a font may hold 人 under the code of the radical ⼈."""
    return "".join(unicodedata.normalize("NFKC", text).split()).replace("⺠", "民")


def content_of(reply: Any) -> bytes:
    return b"".join(reply) if reply.streaming else reply.content
