"""The page's files, from memory. The document is asked for anew each time; what bears a hash in its name never is."""

from __future__ import annotations

import base64
import gzip
import mimetypes
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from holdfast.console.answers import Answer, Refused

FOLDER: Final = "holdfast_page"
"""The page's name in its layer, whose `python` folder is on the path like every layer's."""
DOCUMENT: Final = "index.html"
HASHED: Final = "assets"
"""The folder of the files with a hash of their content in their names."""
BROTLI: Final = ".br"
"""The ending of the file that the build puts beside a file, as Python cannot make it."""
IDENTITY: Final = "identity"
_TEXT: Final = ("text/", "application/json", "application/javascript", "image/svg+xml")


class _File(NamedTuple):
    """`forms` are its content by encoding, the smallest first; the last is the content itself."""

    type: str
    forms: Mapping[str, bytes]


def installed() -> Path:
    """Where the page's layer is. Raises LookupError where the function has none."""
    for entry in sys.path:
        if (Path(entry) / FOLDER / DOCUMENT).is_file():
            return Path(entry) / FOLDER
    raise LookupError(FOLDER)


class Page:
    def __init__(self, folder: Path) -> None:
        self._files: Mapping[str, _File] = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix != BROTLI
        }

    def answer(self, method: str, path: str, accepted: str) -> Answer:
        """`accepted` is the request's Accept-Encoding. Raises Refused."""
        name = path.strip("/") or DOCUMENT
        file = self._files.get(name)
        if file is None:
            raise Refused(404, "not_found", "There is no such page.")
        if method not in {"GET", "HEAD"}:
            raise Refused(405, "method_not_allowed", "A page can only be read.")
        accepts = {each.partition(";")[0].strip() for each in accepted.split(",")} | {IDENTITY}
        encoding, content = next((form, content) for form, content in file.forms.items() if form in accepts)
        hashed = name.startswith(f"{HASHED}/")
        headers = {
            "content-type": file.type,
            "cache-control": "public, max-age=31536000, immutable" if hashed else "no-cache",
            "vary": "accept-encoding",
            **({"content-encoding": encoding} if encoding != IDENTITY else {}),
        }
        body = "" if method == "HEAD" else base64.b64encode(content).decode()
        return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}


def _read(path: Path) -> _File:
    content = path.read_bytes()
    kind = "text/javascript" if path.suffix in {".js", ".mjs"} else mimetypes.guess_type(path.name)[0]
    kind = kind or "application/octet-stream"
    if not kind.startswith(_TEXT):
        return _File(kind, {IDENTITY: content})
    brotli = path.with_name(path.name + BROTLI)
    forms = {"br": brotli.read_bytes()} if brotli.is_file() else {}
    return _File(f"{kind}; charset=utf-8", {**forms, "gzip": gzip.compress(content, mtime=0), IDENTITY: content})
