"""The style and the script, as files beside this one."""

from __future__ import annotations

from importlib.resources import files

from pipelines.report.markup import Markup

_SHARED = ("colours.css", "figures.css", "tables.css")


def asset(name: str) -> Markup:
    """Return the text of a file of this room."""
    return Markup(files("pipelines.report").joinpath(name).read_text(encoding="utf-8"))


def page_style() -> Markup:
    """Return the style of a whole page."""
    return Markup("".join(asset(name) for name in (*_SHARED, "page.css")))


def fragment_style(scope: str) -> Markup:
    """Return the style of a fragment within another page; it reaches nothing outside `scope`.

    Parameters
    ----------
    scope
        A selector of the fragment's own element. The rules are nested in it, and the colours,
        which a page keeps at its root, become its own.
    """
    rules = "".join(asset(name) for name in (*_SHARED, "fragment.css"))
    return Markup(f"{scope} {{\n{rules.replace(':root', '&')}}}\n")
