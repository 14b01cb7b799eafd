"""A stream of the C core whose sink keeps what comes, and the codec of captures on it."""

from __future__ import annotations

from typing import Any

from tests import native

Definition = tuple[int, bytes, int]  # address, code, ITSTATE
Records = list[list[int]]


class Stream:
    """A stream whose sink keeps what comes, and a codec on it."""

    def __init__(self, definitions: list[Definition] | None = None) -> None:
        self.ffi, self.lib = native.load()
        self.words: list[int] = []
        self._consume = self.ffi.callback(
            "int(void *, const uint32_t *, size_t)",
            self._keep,
        )
        self._sink = self.ffi.new("struct sink *", {"consume": self._consume})
        self.s = self.ffi.gc(self.ffi.new("struct stream *"), self.lib.stream_free)
        self.lib.stream_init(self.s, self._sink[0])
        self.codec = self.ffi.gc(self.ffi.new("struct codec *"), self.lib.codec_free)
        self.lib.codec_init(self.codec)
        for address, code, it_state in definitions or ():
            assert self.lib.stream_define(self.s, address, code, len(code), it_state) < 1 << 28
        self.lib.stream_flush(self.s)  # the codec may look at them from now on

    def _keep(self, _: Any, words: Any, count: int) -> int:
        self.words.extend(words[0:count])
        return 0

    def encode(self, records: Records) -> bytes:
        """One piece that holds the records."""
        words = [word for record in records for word in record]
        told = self.ffi.new("uint32_t[]", words)
        assert self.lib.codec_encode(self.codec, self.s, told, len(words)) == 0
        piece = bytearray()

        @self.ffi.callback("int(void *, const uint8_t *, size_t)")  # type: ignore[untyped-decorator]
        def write(_: Any, found: Any, size: int) -> int:
            piece.extend(self.ffi.buffer(found, size))
            return 0

        assert self.lib.codec_piece(self.codec, self.ffi.NULL, write) == 0
        return bytes(piece)

    def decode(self, piece: bytes) -> int:
        """The status; what was decoded is in `words`."""
        # A copy of its own size, so that a tool for memory errors sees a byte too far.
        status = int(self.lib.codec_decode(self.codec, self.s, bytes(piece), len(piece)))
        flushed = int(self.lib.stream_flush(self.s))
        return status or flushed

    def definitions(self) -> list[Definition]:
        found = []
        for index in range(self.s.definitions):
            d = self.s.definition[index]
            code = bytes(self.ffi.buffer(self.s.code + d.code, d.size))
            found.append((d.address, code, d.it_state))
        return found
