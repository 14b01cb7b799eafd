"""What --uart says: ports that print and receive, paths in files, the key of what is received."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.run.spec import RunSpec, given
from simcore.run.uarts import Uarts, input_key, parse_uarts
from simcore.run.written import SettingsTable

SAID = {
    (): Uarts(None, ()),
    ("off",): Uarts("off", ()),
    ("USART1=in",): Uarts(None, (("USART1", "in"),)),
    ("uart4=-", "USART1", "USART2=a=b"): Uarts("USART1", (("uart4", "-"), ("USART2", "a=b"))),
}


@pytest.mark.parametrize("texts", SAID)
def test_texts_say_what_prints_and_what_receives(texts: tuple[str, ...]) -> None:
    assert parse_uarts(texts) == SAID[texts]


def test_one_text_is_a_sequence_of_it() -> None:
    assert given(RunSpec, {"uart": "off"}).uart == ("off",)


def test_a_file_has_its_paths_from_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = {"uart": ["USART1", "USART3=in.txt", "UART4=-", "UART5="]}
    options = SettingsTable(tmp_path / "below" / "mcusim.toml", told).options(RunSpec)
    assert options["uart"] == ("USART1", "USART3=below/in.txt", "UART4=-", "UART5=")
    one = SettingsTable(tmp_path / "below" / "mcusim.toml", {"uart": "off"}).options(RunSpec)
    assert one["uart"] == ("off",)


def test_the_key_is_of_the_bytes_and_not_of_their_file(tmp_path: Path) -> None:
    for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (input_key([f"usart1={tmp_path / name}"]) for name in "abc")
    assert a == b != c
    assert input_key(["USART1"]) != input_key([]) != a
    with pytest.raises(ConfigError, match="there is no standard input here"):
        input_key(["USART1=-"])
