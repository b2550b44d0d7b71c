"""Characters, names and references of XML 1.0."""

from __future__ import annotations

import re

__all__ = ["NAME", "NOT_XML", "attribute_text", "element_text", "referenced"]

_START = (
    ":A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
NAME = rf"[{_START}][{_START}.0-9\u00b7\u0300-\u036f\u203f-\u2040-]*"
"""Pattern of a name: https://www.w3.org/TR/xml/#NT-Name."""

NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML has no form for, not even as a reference: https://www.w3.org/TR/xml/#charsets."""

_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_REFERENCE_OF = {char: f"&{name};" for name, char in _NAMED.items()}
_MAX_DIGITS = 8
# A line end that is not a line feed, and any in an attribute, is changed when XML is read.
_IN_TEXT = re.compile(r"[<>&\r]")
_IN_ATTRIBUTE = re.compile(r"[<>&\"\r\n\t]")


def referenced(name: str) -> str | None:
    """The character that `&name;` stands for: one of the five names of XML or a number; None where there is none."""
    if name in _NAMED:
        return _NAMED[name]
    number = re.fullmatch(r"#(?:x([0-9a-fA-F]+)|([0-9]+))", name)
    if number is None:
        return None
    digits = (number[1] or number[2]).lstrip("0")
    code = int(digits[: _MAX_DIGITS + 1] or "0", 16 if number[1] else 10)
    return None if len(digits) > _MAX_DIGITS or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code)


def element_text(text: str) -> str:
    """Text as it stands between tags; line feeds stay as they are."""
    return _IN_TEXT.sub(_reference, text)


def attribute_text(text: str) -> str:
    """Text as it stands in an attribute, within double quotes."""
    return _IN_ATTRIBUTE.sub(_reference, text)


def _reference(found: re.Match[str]) -> str:
    return _REFERENCE_OF.get(found[0]) or f"&#{ord(found[0])};"
