"""Reading a page as a browser made it, and a picture of it, with what is at hand."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from lxml import html

# Whatever of these a browser would fetch by itself; a link that a reader follows is not among them.
FETCHED = (
    "//*[not(self::a)]/@href | //@src | //@srcset | //@poster | //@data | //@background"
    " | //@*[local-name() = 'xlink:href']"
)
REMOTE = re.compile(r"^\s*(?:https?:)?//|^\s*(?:ftp|wss?):", re.IGNORECASE)
REMOTE_IN_CSS = re.compile(
    r"(?:url\(\s*['\"]?|@import\s+['\"])\s*(?:https?:)?//[^)'\"]*", re.IGNORECASE
)


@dataclass(frozen=True)
class Page:
    """What a reader, seeing or not, finds on a page."""

    figures: list[str]  # their descriptions; an empty one is a figure that says nothing
    tables: list[int]  # their numbers of rows
    fetched: list[str]  # what is fetched from elsewhere
    text: str


def describe(figure: html.HtmlElement) -> str:
    """Find the words that stand for a figure: its own, or those of the figure around it."""
    for element in (figure, *figure.iterancestors("figure", "div")):
        named = " ".join(
            word
            for reference in element.get("aria-labelledby", "").split()
            for word in element.getroottree().xpath("//*[@id=$id]//text()", id=reference)
        )
        words = element.get("aria-label") or element.get("alt") or named
        if not words and element.tag in ("svg", "figure"):
            words = "".join(element.xpath("(./title | ./desc | ./figcaption)[1]//text()"))
        if words and words.strip():
            return words.strip()
        if element.tag == "figure":
            break
    return ""


def read_page(source: str) -> Page:
    """Read the HTML of a page."""
    tree = html.document_fromstring(source)
    figures = tree.xpath("//svg[not(ancestor::svg)] | //img | //canvas")
    figures = [figure for figure in figures if figure.get("aria-hidden") != "true"]
    fetched = [address for address in tree.xpath(FETCHED) if REMOTE.match(address)]
    styles = [*tree.xpath("//style/text()"), *tree.xpath("//@style")]
    for style in styles:
        fetched += REMOTE_IN_CSS.findall(style)
    for script in tree.xpath("//script[not(@type) or contains(@type, 'javascript')]/text()"):
        fetched += re.findall(r"(?:fetch|import|open)\s*\(\s*['\"](?:https?:)?//[^'\"]*", script)
    return Page(
        figures=[describe(figure) for figure in figures],
        tables=[len(table.xpath(".//tr[td]")) for table in tree.xpath("//table")],
        fetched=[str(address) for address in fetched],
        text=" ".join(tree.text_content().split()),
    )


def share_of_drawn_lines(png: bytes) -> float:
    """Return the share of distinct lines among the lines of a picture as they are stored.

    PNG stores each line as differences from its neighbours, so that on a blank picture all lines
    but the first are the same bytes: the share of distinct ones is then next to nothing.
    """
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    place, data, header = 8, b"", None
    while place < len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        body = png[place + 8 : place + 8 + size]
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        data += body if kind == b"IDAT" else b""
        place += size + 12
    if header is None or header[6]:
        raise ValueError("a PNG without a header, or interlaced")
    raw, height = zlib.decompress(data), header[1]
    width = len(raw) // height
    return len({raw[i * width : (i + 1) * width] for i in range(height)}) / height
