"""A page's tags for its tests."""

from __future__ import annotations

from html.parser import HTMLParser

#: Tags that are never closed (of HTML, and of drawings where they are written without a slash).
VOID = ("meta", "br", "line", "rect")


class Tags(HTMLParser):
    """Checks that tags close as they open, and keeps their names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag
