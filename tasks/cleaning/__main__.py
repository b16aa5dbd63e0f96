"""Clean one file from standard input to standard output: a process of its own, bounded, without keys or a database.

The first line of the answer is JSON: what the file is, or why it is refused. The cleaned bytes follow.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict

import pikepdf

from tasks.cleaning.bounds import MAX_CLEANED_BYTES, MAX_FILE_BYTES, MAX_UNPACKED_BYTES, PDF, Cleaned, NotClean
from tasks.cleaning.documents import clean_document
from tasks.cleaning.images import clean_image
from tasks.cleaning.sniffing import media_type_of

MEMORY_BYTES = 2_000_000_000
CPU_SECONDS = 30


def clean(raw: bytes) -> Cleaned:
    """Return a file written anew, or raise NotClean."""
    media_type = media_type_of(raw)
    cleaned = clean_document(raw) if media_type == PDF else clean_image(raw, media_type)
    if len(cleaned.body) > MAX_CLEANED_BYTES:
        raise NotClean("too_large_cleaned", "Written anew, this file is too large. Make it smaller and try again.")
    return cleaned


def main() -> None:
    """Bind this process, then clean what comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The parser unpacks a document's tables by itself, before anything of it can be judged.
    pikepdf.settings.set_qpdf_limits(flate_max_memory=MAX_UNPACKED_BYTES, parser_max_container_size=2_000_000)
    body = b""
    try:
        cleaned = clean(sys.stdin.buffer.read(MAX_FILE_BYTES + 1))
        body = cleaned.body
        said = {name: value for name, value in asdict(cleaned).items() if name != "body"}
    except NotClean as refused:
        said = {"code": refused.code, "detail": refused.detail}
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + body)


if __name__ == "__main__":
    main()
