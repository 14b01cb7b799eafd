"""The event stream as bytes: what goes in comes out, and no bytes that come in do harm."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.coded_stream import Definition, Records, Stream
from tests.examples import examples

OTHER, PARTIAL, CONTINUED = 0x8000_0000, 0x4000_0000, 0x2000_0000


def stream(draw: random.Random, records: int) -> tuple[list[Definition], Records]:
    """Definitions and records over them: loops with strides and jumps, and everything rare."""
    definitions = [
        (
            draw.randrange(0, 1 << 30) * 2,
            draw.randbytes(draw.randint(1, 40) * 2),
            draw.choice((0, 9)),
        )
        for _ in range(draw.randint(1, 6))
    ]
    bases = [[draw.getrandbits(32) for _ in range(draw.randint(0, 9))] for _ in definitions]
    found: Records = []
    for _ in range(records):
        if draw.random() < 0.05:
            payload = [draw.getrandbits(32) for _ in range(draw.randint(0, 2))]
            found.append([OTHER | draw.randint(1, 5) << 16 | len(payload), *payload])
            continue
        index = draw.randrange(len(definitions)) if draw.random() < 0.3 else 0
        base = bases[index]
        for place in range(len(base)):
            jump = draw.getrandbits(32) if draw.random() < 0.1 else 4 * place
            base[place] = (base[place] + jump) & 0xFFFF_FFFF
        addresses = base[: draw.choice((len(base), len(base), draw.randint(0, len(base))))]
        size = len(definitions[index][1])
        notes = [draw.randrange(size // 2) << 16 | 1] * (draw.random() < 0.2)
        flags, ran = 0, []
        if draw.random() < 0.1:
            flags, ran = PARTIAL, [draw.choice((0xFFFF_FFFF, 0xFFFF_FFFE, 2, size))]
        elif draw.random() < 0.1:
            flags = CONTINUED
        head = [index | flags, len(addresses) | len(notes) << 16]
        found.append([*head, *ran, *addresses, *notes])
    return definitions, found


@given(st.integers(0, 2**32), st.integers(1, 300))
@examples(100)
def test_what_is_encoded_in_pieces_is_decoded_again(seed: int, count: int) -> None:
    definitions, records = stream(random.Random(seed), count)
    encoder, decoder = Stream(definitions), Stream()
    for start in range(0, count, 70):
        assert decoder.decode(encoder.encode(records[start : start + 70])) == 0
    assert decoder.words == [word for record in records for word in record]
    assert decoder.definitions() == definitions[: len(decoder.definitions())]
    used = {record[0] & 0xFFF_FFFF for record in records if not record[0] & OTHER}
    assert len(decoder.definitions()) == max(used, default=-1) + 1


def test_a_loop_over_strides_costs_a_byte_a_record() -> None:
    records = [[0, 2, 0x2000_0000 + 4 * i, 0x0800_0000 + 32 * i] for i in range(1000)]
    piece = Stream([(0x100, bytes(8), 0)]).encode(records)
    assert len(piece) < 1000 + 60
    assert piece[4 + 10 : 4 + 1000] == bytes(990)


@given(st.integers(0, 2**32))
@examples(300)
def test_damaged_bytes_are_refused_or_decoded_and_nothing_worse(seed: int) -> None:
    draw = random.Random(seed)
    definitions, records = stream(draw, draw.randint(1, 120))
    piece = bytearray(Stream(definitions).encode(records))
    for _ in range(draw.choice((1, 1, 2, 10))):
        match draw.randrange(4):
            case 0:
                del piece[draw.randrange(len(piece)) :]
            case 1:
                piece[draw.randrange(len(piece))] = draw.randrange(256)
            case 2:
                piece[draw.randrange(len(piece))] ^= 1 << draw.randrange(8)
            case _:
                at = draw.randrange(len(piece))
                piece[at:at] = draw.randbytes(draw.randint(1, 8))
        if not piece:
            break
    decoder = Stream()
    status = decoder.decode(bytes(piece))
    assert status in (0, decoder.lib.CORE_ERR_CAPTURE)
    check_words(decoder)


@given(st.binary(max_size=400))
@examples(300)
def test_any_bytes_are_refused_or_decoded_and_nothing_worse(piece: bytes) -> None:
    decoder = Stream()
    assert decoder.decode(piece) in (0, decoder.lib.CORE_ERR_CAPTURE)
    check_words(decoder)


def check_words(decoder: Stream) -> None:
    """What was decoded are whole records of known definitions."""
    at, words = 0, decoder.words
    while at < len(words):
        if words[at] & OTHER:
            at += 1 + (words[at] & 0xFFFF)
        else:
            assert words[at] & 0xFFF_FFFF < decoder.s.definitions
            partial = bool(words[at] & PARTIAL)
            at += 2 + partial + (words[at + 1] & 0xFFFF) + (words[at + 1] >> 16)
    assert at == len(words)


def test_a_piece_that_claims_more_control_bytes_than_it_has_is_refused() -> None:
    for piece in (b"", b"\0\0\0", b"\xff\xff\xff\xff", b"\x02\0\0\0\0"):
        decoder = Stream()
        assert decoder.decode(piece) == decoder.lib.CORE_ERR_CAPTURE
