"""HTML and SVG as text: whatever is not markup already is escaped."""

from __future__ import annotations

from html import escape

VOID = {"br", "col", "hr", "img", "link", "meta", "circle", "image", "line", "path", "polyline",
        "polygon", "rect"}  # fmt: skip


class Markup(str):
    """Text that is markup and is not escaped again."""

    __slots__ = ()


EMPTY = Markup("")


def element(tag: str, *content: str, **attributes: object) -> Markup:
    """Return an element; a trailing underscore of an attribute goes, others become hyphens.

    An attribute of None or False is left out, one of True stands without a value. Numbers
    are written with at most two decimals.

    >>> element("p", "a < b", class_="note", data_tip=1.23456)
    '<p class="note" data-tip="1.23">a &lt; b</p>'
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    inner = join(*content)
    if tag in VOID and not inner:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{inner}</{tag}>")


def join(*content: str) -> Markup:
    """Return the contents one after another, escaped where they are plain text."""
    return Markup("".join(c if isinstance(c, Markup) else escape(c, quote=False) for c in content))


def number(value: float) -> str:
    """Return a coordinate as short as two decimals allow.

    >>> [number(x) for x in (3, 2.50, -0.001)]
    ['3', '2.5', '0']
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    key = name.rstrip("_").replace("_", "-")
    key = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}.get(key, key)
    if value is True:
        return f" {key}"
    text = number(value) if isinstance(value, float) else str(value)
    return f' {key}="{escape(text)}"'
