"""The bucket for catalogs' files: files are read piece by piece, and reports are put beside them."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.aws.retry import ATTEMPTS, attempts
from holdfast.core.catalog.csv_lines import MAX_LINE, LineTooLong

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REPORTS = "reports/"
PIECE = 4 * 1024 * 1024
"""Bytes of a file that are in memory at once, and as much again while they are split into lines."""


class Gone(LookupError):
    """The file does not exist, or no longer exists."""


class Dropped(NamedTuple):
    """One version of a file. A file that is put under the same key while this one is read is another version. `at` is
    when it came.
    """

    key: str
    version: str
    etag: str
    at: int
    size: int


class DropBucket:
    def __init__(self, s3: S3Client, bucket: str, piece: int = PIECE) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._piece = piece

    def find(self, key: str, version: str = "") -> Dropped:
        """The file: by default its latest version. Raises Gone."""
        try:
            if version:
                found = self._s3.head_object(Bucket=self._bucket, Key=key, VersionId=version)
            else:
                found = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            raise _meant(error, key) from error
        at = int(found["LastModified"].timestamp() * 1000)
        return Dropped(key, found["VersionId"], found["ETag"].strip('"'), at, found["ContentLength"])

    def lines(self, file: Dropped, begin: int = 0) -> Iterator[bytes]:
        """The lines from a byte on, which must be the beginning of a line. Raises Gone, and LineTooLong if a line has
        no end.
        """
        rest = b""
        for start in range(begin, file.size, self._piece):
            *whole, rest = (rest + self._read(file, start)).split(b"\n")
            for line in whole:
                yield line + b"\n"
            if len(rest) > MAX_LINE:
                raise LineTooLong(MAX_LINE)
        if rest:
            yield rest

    def _read(self, file: Dropped, start: int) -> bytes:
        end = min(start + self._piece, file.size)
        for attempt in attempts():
            try:
                answer = self._s3.get_object(
                    Bucket=self._bucket, Key=file.key, VersionId=file.version, Range=f"bytes={start}-{end - 1}"
                )
                body = answer["Body"].read()
                # The emulator answers with the whole, where a version is named.
                return body if "ContentRange" in answer else body[start:end]
            except ClientError as error:
                raise _meant(error, file.key) from error
            except BotoCoreError:  # the connection broke while the body came, which the SDK does not try again
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError

    def report(self, key: str, lines: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=lines, ContentType="application/x-ndjson")


def _meant(error: ClientError, key: str) -> Exception:
    gone = error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND
    return Gone(key) if gone else error
