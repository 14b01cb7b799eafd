"""What a run of the suite tells of its cost is work, however fast the processor is meanwhile."""

from dataclasses import dataclass

import pytest

from tests import doors


@dataclass
class Processor:
    """A processor whose time we set: `s` of CPU time went by, a unit of work takes `unit_s`."""

    s: float = 0.0
    unit_s: float = 0.01


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Processor:
    processor = Processor()
    monkeypatch.setattr(doors, "cpu_seconds", lambda: processor.s)
    monkeypatch.setattr(doors, "standard_seconds", lambda: processor.unit_s)
    return processor


def run(accounts: doors.Accounts) -> None:
    """The hook around one test, which does nothing itself."""
    hook = accounts.pytest_runtest_protocol()
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(None)


def test_the_unit_is_that_of_the_work_that_was_done(
    processor: Processor, pytestconfig: pytest.Config
) -> None:
    """Half of the time on a processor that is half as fast: a quarter less work, not half."""
    accounts = doors.Accounts(pytestconfig)
    for unit_s in (0.01, 0.02):
        processor.unit_s = unit_s
        for _ in range(10):
            run(accounts)
            processor.s += doors.SAMPLE_S + 1e-6
    work = 10 * doors.SAMPLE_S / 0.01 + 10 * doors.SAMPLE_S / 0.02
    assert processor.s / accounts.reference() == pytest.approx(work, rel=1e-4)


def test_the_unit_is_measured_once_in_a_while_and_not_for_each_test(
    processor: Processor, pytestconfig: pytest.Config
) -> None:
    accounts = doors.Accounts(pytestconfig)
    for _ in range(100):
        run(accounts)
        processor.s += doors.SAMPLE_S / 25
    assert len(accounts.references) == 4
