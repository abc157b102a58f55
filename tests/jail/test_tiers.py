"""The jail is chosen by trying to break out of it, and what does not hold is not used."""

import subprocess
import sys

import pytest
from click.testing import CliRunner
from jails import jail_of
from notebooks import ROOT, public_answers, solved, written

from autograder.cli.main import main
from autograder.jail import bubblewrap, tiers, unconfined, workers
from autograder.jail.escape_attempts import ATTEMPTS, READ_FILE
from autograder.model.errors import KitError, UserError


class Open:
    """A jail that is none: plain workers under the name of a better one."""

    tier = "A"

    def __init__(self, wrap=lambda worker: worker):
        self._wrap = wrap
        self.closed = False

    def spawn(self, memory_mb):
        return self._wrap(unconfined.spawn(memory_mb))

    def close(self):
        self.closed = True


class Silent:
    """Workers that run nothing and answer as told."""

    tier = "A"

    def __init__(self, answer):
        self._answer = answer

    def spawn(self, memory_mb):
        return self

    def ask(self, request, budget):
        if isinstance(self._answer, type):
            raise self._answer
        return self._answer

    def end(self):
        """Nothing to end."""


@pytest.fixture
def survey(monkeypatch):
    """Puts made-up findings in the place of this machine's."""

    def find(jail, **passed_over):
        monkeypatch.setattr(tiers, "survey", lambda: tiers.Survey(jail, passed_over))

    return find


def test_a_jail_that_is_none_is_found_out():
    escapes = tiers.self_test(Open())
    assert READ_FILE in escapes
    assert {
        "seeing the grader's environment",
        "starting a process",
        "opening a network connection",
    } <= set(escapes)


@pytest.mark.parametrize("tier", ["A", "B"])
def test_nothing_gets_through_a_jail_that_holds(tier):
    assert tiers.self_test(jail_of(tier)) == []


@pytest.mark.parametrize(
    "answer",
    [{}, {"value": None}, {"cause": {"kind": "refused"}}, workers.Crashed, workers.Timeout],
)
def test_a_worker_that_says_nothing_has_not_held(answer):
    with pytest.raises((KitError, workers.Crashed, workers.Timeout)):
        assert tiers.self_test(Silent(answer)) == []


def test_a_worker_that_runs_nothing_is_of_no_use():
    with pytest.raises(KitError, match="an ordinary program does not run in it"):
        tiers.self_test(Silent({"value": False}))


@pytest.mark.parametrize("tier", ["A", "B"])
def test_a_tier_whose_confinement_is_broken_is_refused_and_closed(tier, monkeypatch):
    jail = Open()
    monkeypatch.setattr(tiers, "Locked", lambda *_: jail)
    with pytest.raises(KitError, match=f"got out of it by {READ_FILE}"):
        tiers.open_tier(tier)
    assert jail.closed


def test_what_is_broken_is_passed_over_and_at_the_end_there_is_no_jail(monkeypatch):
    monkeypatch.setattr(tiers, "Locked", lambda *_: Open())
    found = tiers.survey.__wrapped__()
    assert found.jail.tier == "C"
    assert list(found.passed_over) == ["A", "B"]
    assert all("the self-test got out of it" in reason for reason in found.passed_over.values())


def test_without_a_jail_strangers_code_is_not_run_and_what_to_do_is_said(survey):
    survey(tiers.Unsafe(), A="bubblewrap is missing", B="libseccomp is missing")
    with pytest.raises(tiers.NoJail) as caught:
        tiers.best()
    for word in (
        "tier A: bubblewrap is missing",
        "tier B: libseccomp",
        "`autograder jail`",
        "--unsafe-no-jail",
    ):
        assert word in str(caught.value)


def test_who_asks_for_no_jail_by_name_gets_none(survey):
    survey(tiers.Unsafe(), A="no", B="no")
    assert tiers.best(unsafe=True).tier == "C"


@pytest.mark.parametrize("unsafe", [False, True])
def test_asking_for_no_jail_makes_no_jail_worse(survey, unsafe):
    survey(Open())
    assert tiers.best(unsafe).tier == "A"


def test_the_command_refuses_without_a_jail_and_runs_when_asked_to(survey, tmp_path, monkeypatch):
    survey(tiers.Unsafe(), A="no user namespaces", B="no seccomp")
    monkeypatch.chdir(ROOT)
    path = str(written(solved(), tmp_path))
    refused = CliRunner().invoke(main, ["check", path, "--jailed", "--exercise", "relu"])
    assert refused.exit_code == 2
    assert "offers no jail" in refused.output
    assert "Traceback" not in refused.output
    done = CliRunner().invoke(
        main, ["check", path, "--jailed", "--exercise", "relu", "--unsafe-no-jail"]
    )
    assert done.exit_code == 0, done.output


def test_grading_a_class_refuses_without_a_jail(survey):
    from classes import Here

    from autograder.grading.batch import grade_batch
    from autograder.model.report import Report

    survey(tiers.Unsafe(), A="no", B="no")
    with pytest.raises(tiers.NoJail):
        Here().tier()
    report = Report.from_json(grade_batch(public_answers().to_bytes(), [b"[]"], False)[0])
    assert (report.status, report.score) == ("grader_error", None)
    assert "offers no jail" in report.reason


@pytest.mark.parametrize(
    ("jail", "reasons", "code", "said"),
    [
        (Open(), {}, 0, "tier A: isolated"),
        (
            tiers.Unsafe(),
            {"A": "bwrap: setting up uid map: Permission denied", "B": "libseccomp is missing"},
            2,
            "AppArmor profile",
        ),
        (tiers.Unsafe(), {"A": "Operation not permitted", "B": "x"}, 2, "seccomp=unconfined"),
    ],
)
def test_the_command_jail_names_the_tier_and_why_there_is_no_better_one(
    survey, jail, reasons, code, said
):
    survey(jail, **reasons)
    done = CliRunner().invoke(main, ["jail"])
    assert done.exit_code == code
    assert said in done.output
    for tier, reason in reasons.items():
        assert f"tier {tier} is not available: {reason}" in done.output


def test_the_commands_meaning_of_every_tier_is_told(survey):
    assert set(tiers.MEANING) == {"A", "B", "C"}
    survey(tiers.Unsafe(), A="x", B="y")
    assert "not a security boundary" in CliRunner().invoke(main, ["jail"]).output


def test_elsewhere_than_on_linux_there_is_no_tier_but_c(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UserError, match="it needs Linux"):
        tiers.open_tier("A")
    assert tiers.open_tier("C").tier == "C"


def test_a_server_that_does_not_start_is_told_with_its_last_words():
    from autograder.jail.forked import ForkServer

    with pytest.raises(KitError, match="did not start: oh no"):
        ForkServer([sys.executable, "-c", "import sys; sys.exit('oh no')"], {})


def test_a_server_whose_program_cannot_be_run_is_told_likewise():
    from autograder.jail.forked import ForkServer

    with pytest.raises(KitError, match=r"did not start: .*No such file"):
        ForkServer(["/nowhere/python"], {})


def test_every_attempt_of_the_self_test_is_python():
    for name, code in ATTEMPTS.items():
        filled = code.format(canary="/x", pid=1, memory_mb=1)
        compile("\n".join(line[8:] for line in filled.splitlines()), name, "exec")


def test_the_sandboxs_scratch_is_made_before_what_may_lie_below_it():
    """A kit that is unpacked below /tmp would else be hidden by its own sandbox."""
    if subprocess.run(["which", "bwrap"], capture_output=True, check=False).returncode:
        pytest.skip("no bubblewrap here")
    command = bubblewrap.bubblewrapped(namespace=True)
    scratch = next(
        i for i, word in enumerate(command) if word == "--tmpfs" and command[i + 1] == "/tmp"
    )
    assert scratch < command.index("--ro-bind")
