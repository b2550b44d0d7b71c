"""One HTTP GET of the rest of a file: what the server answers, and which failures are worth another try.

The standard library's client does what is needed of one: it checks certificates, takes proxies from the environment,
follows redirects and waits no longer than it is told. Resuming, checking and trying again are ours in any case.
"""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import IO
from urllib.parse import urlsplit

import globalner
from globalner.errors import DownloadError

__all__ = ["Answer", "CutError", "NothingLeft", "open_rest"]

_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_NOTHING_LEFT = 416
_LONGEST_RETRY_AFTER_S = 120.0


class CutError(Exception):
    """The server did not answer, or stopped on the way; another try may help.

    Args:
        message: What happened.
        wait_s: How long the server asks to be left alone, in seconds.
        slow: Whether bytes came, but too few in their time.
    """

    def __init__(self, message: str, *, wait_s: float = 0.0, slow: bool = False) -> None:
        super().__init__(message)
        self.wait_s, self.slow = wait_s, slow


class NothingLeft(Exception):  # noqa: N818 - an answer, not an error
    """The server says that nothing lies behind the bytes that are here already.

    Args:
        total: Length of the whole file in bytes, if it says.
    """

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


@dataclass(frozen=True)
class Answer:
    """An open answer.

    Attributes:
        read: Reads at most so many bytes of the body; none at its end.
        close: Ends the connection.
        start: Where in the file the body starts, in bytes.
        body_bytes: Length of the body as it is sent, if the server says.
        gzipped: Whether the body is sent compressed although that was not asked for.
        validator: What names this version of the file for a later request of its rest; None if nothing does.
    """

    read: Callable[[int], bytes]
    close: Callable[[], None]
    start: int
    body_bytes: int | None
    gzipped: bool
    validator: str | None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to web addresses, and never from an encrypted one to a plain one."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request to make instead; see the base class."""
        allowed = ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            fp.close()
            raise DownloadError(f"{req.full_url}: the server sends us on to {newurl!r}, which is not a safe address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_rest(url: str, *, start: int, validator: str | None, timeout_s: float) -> Answer:
    """Asks for a file, or for its rest.

    Args:
        url: A web address.
        start: How many bytes are here already.
        validator: Which version of the file they are of; None if not known, then a server may give the rest of another.
        timeout_s: Longest wait for the connection and for each piece of the answer, in seconds.

    Raises:
        CutError: If another try may help.
        NothingLeft: If there is no rest.
        DownloadError: If the server refuses for good, or cannot be trusted.
    """
    request = urllib.request.Request(url, headers={"User-Agent": f"globalner/{globalner.__version__}"})
    request.add_header("Accept-Encoding", "identity")
    if start:
        request.add_header("Range", f"bytes={start}-")
        if validator is not None:
            request.add_header("If-Range", validator)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_trusted()), _Redirects())
    try:
        response = opener.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            raise _of_status(url, error) from error
    except (http.client.InvalidURL, ValueError) as error:
        raise DownloadError(f"{url}: is no address that can be asked: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _of_connection(url, error) from error
    return _answer(url, response)


@cache
def _trusted() -> ssl.SSLContext:
    """What servers are held against: reading all certificates takes its time."""
    return ssl.create_default_context()


def _answer(url: str, response: http.client.HTTPResponse) -> Answer:
    encoding = (response.headers.get("Content-Encoding") or "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        response.close()
        raise DownloadError(f"{url}: the server sends it encoded as {encoding!r}, which was not asked for")
    # Some servers call every .gz file "encoded"; there the packed bytes are the file.
    gzipped = encoding != "identity" and not urlsplit(url).path.endswith((".gz", ".tgz"))
    start = 0
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-\d*/(?:\d+|\*)", response.headers.get("Content-Range") or "")
        if match is None:
            response.close()
            raise CutError("the server sent a part and did not say which")
        start = int(match[1])
    length = response.headers.get("Content-Length") or ""
    validator = response.headers.get("ETag") or ""
    if not validator or validator.startswith("W/"):  # a weak tag says nothing about bytes
        validator = response.headers.get("Last-Modified") or ""
    return Answer(
        partial(_read, response),
        response.close,
        start,
        int(length) if length.isdecimal() else None,
        gzipped,
        validator or None,
    )


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    try:
        return response.read1(most)
    except TimeoutError as error:
        raise CutError("the server stopped sending") from error
    except (OSError, http.client.HTTPException) as error:
        raise CutError(f"the connection was cut ({_words(error)})") from error


def _of_status(url: str, error: urllib.error.HTTPError) -> Exception:
    if error.code == _NOTHING_LEFT:
        match = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
        return NothingLeft(int(match[1]) if match else None)
    said = f"the server answers {error.code} {error.reason}"
    if error.code in _PASSING:
        asked = error.headers.get("Retry-After") or ""
        return CutError(said, wait_s=min(float(asked), _LONGEST_RETRY_AFTER_S) if asked.isdecimal() else 0.0)
    return DownloadError(f"{url}: {said}")


def _of_connection(url: str, error: Exception) -> Exception:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            f"{url}: the server's certificate is not trusted ({reason.verify_message}); "
            "if your network has a certificate of its own, name its file in SSL_CERT_FILE"
        )
    if isinstance(reason, TimeoutError):
        return CutError("the server does not answer")
    return CutError(f"no connection ({_words(reason)})")


def _words(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
