"""One submission cannot touch another, nor the grader's own files, in any tier (docs/attacks.md)."""

import os
import sys
import time

import attacks_apart
import pytest
import seven
from attacks import LOCKED, answered, cells, course, survived, topic
from jails import jail_of
from notebooks import ROOT
from seven import files_of
from test_ordinary_user import as_user, python

from autograder.grading.in_worker import InWorker
from autograder.jail import bubblewrap, tiers
from autograder.jail.forked import ForkServer, NotReady
from autograder.jail.workers import Budget, Timeout
from autograder.model.errors import KitError

# What the next worker can see of a machine: what each path is, who may do what, and what is locked.
SEEN = """
import fcntl, os, sys
def seen():
    found = [os.getcwd(), sorted(os.environ.items()), os.umask(0o22), os.sched_getaffinity(0) and 0]
    places = ['/', '/usr', '/usr/lib', '/dev', '/dev/null', '/dev/shm', '/tmp', os.__file__, np.__file__]
    for place in [*places, os.path.dirname(os.__file__), sys.executable, sys.prefix]:
        try:
            s = os.stat(place)
            times = (s.st_mtime_ns, s.st_ctime_ns) if place != '/tmp' else ()  # in tier A it is new for each
            found.append((place, s.st_mode, s.st_uid, s.st_nlink, s.st_size, *times))
        except OSError as error: found.append((place, error.errno))
        try: found.append(sorted(os.listdir(place))[:1000] if place != '/dev' else sorted(os.listdir(place)))
        except OSError as error: found.append(error.errno)
        try: found.append((place, sorted(os.listxattr(place))))
        except OSError as error: found.append(error.errno)
    return repr(found)
"""


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("name", attacks_apart.attacks("/x"))
def test_an_attack_costs_nobody_else_a_point_and_changes_no_file(tiny, tier, name):
    before = files_of(course())
    survived(tiny, tier, attacks_apart.attacks(course())[name])
    assert files_of(course()) == before


@pytest.mark.parametrize("tier", LOCKED)
def test_no_call_that_changes_a_file_without_writing_to_it_gets_through(tier):
    attack = attacks_apart.attacks(course())[
        "1 modes, owners, times and locks of all that can be named"
    ]
    assert answered(tier, attack, "touch", seconds=9.0).value == []


def test_where_there_is_no_jail_the_same_attack_gets_through():
    """On a folder of its own: the attack is known to be able to succeed."""
    before = files_of(course())
    attack = attacks_apart.TOUCH.format(course=str(course()), grader=os.getpid())
    attack = attack.replace("got = []", "places = places[-3:]; got = []")
    got = answered("C", attack, "touch", seconds=9.0).value
    assert any("chmod" in call for call in got)
    assert any("F_SETLEASE" in call or "1024" in call for call in got)
    assert files_of(course()) != before


@pytest.mark.parametrize("tier", LOCKED)
def test_in_a_class_of_seven_the_six_honest_get_their_grades(tier):
    jail_of(tier)
    number = 20 if os.environ.get("SECURITY") == "all" else 2
    assert [wrong for wrong in seven.rounds(tier, number) if wrong] == []


@pytest.mark.parametrize("tier", LOCKED)
def test_as_an_ordinary_user_likewise(tier):
    number = "20" if os.environ.get("SECURITY") == "all" else "2"
    script = str(ROOT / "tests/jail/seven.py")
    done = as_user(python(), "-B", script, tier, number)
    if "uid map" in done.stderr or "not permitted" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])  # users get no namespaces here
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("held") == int(number)


@pytest.mark.parametrize("tier", LOCKED)
def test_what_one_worker_does_the_next_one_does_not_see(tier):
    """It tries every call that leaves something behind, and stays alive while the next one looks."""

    def look():
        return answered(tier, SEEN, "seen").value

    first = look()
    assert "/usr" in first
    backend = InWorker(topic(9.0), cells(attacks_apart.FILL), "", jail_of(tier))
    backend.begin(topic(9.0).exercises[0])
    try:
        assert backend.call("touch", (), {}).cause is None
        assert look() == first
    finally:
        backend.close()
    assert look() == first


def opened(tier, **changes):
    """The server of a tier's best way that starts here, with some of its plan changed."""
    for way in bubblewrap.ways(tier):
        try:
            server = ForkServer(way.command, way.plan | changes)
        except KitError:
            continue
        return tiers.Locked(tier, lambda server=server: server)
    return pytest.skip(f"no tier {tier} here")


@pytest.mark.parametrize("version", range(1, 8))
@pytest.mark.parametrize("tier", LOCKED)
def test_an_older_landlock_lets_nothing_through_either(tier, version):
    jail_of(tier)
    jail = opened(tier, landlock=version)
    try:
        assert tiers.self_test(jail) == []
    finally:
        jail.close()


def test_without_landlock_there_is_no_tier_b():
    jail_of("B")
    jail = opened("B", landlock=0)
    try:
        assert "listing the course's folder" in tiers.self_test(jail)
    finally:
        jail.close()


@pytest.mark.parametrize("tier", LOCKED)
def test_a_dripping_reply_is_cut_off_by_the_wall(tier):
    attack = attacks_apart.attacks("/x")["7 a reply that drips after an honest header"]
    started = time.monotonic()
    reply = answered(tier, attack, "double", 1, seconds=0.5)
    assert reply.trouble in ("timeout", "crashed")
    assert time.monotonic() - started < 0.5 * 6 + 5


class Dripping:
    """A process that always has another byte to send, and uses CPU while it does."""

    def __init__(self):
        self.used = 0.0

    def send(self, frame):
        """Take it and say nothing."""

    def receive(self, seconds):
        self.used += seconds

    def cpu_seconds(self):
        return self.used

    def end(self):
        """Nothing to end."""


def test_a_budget_is_looked_at_while_bytes_keep_coming():
    from autograder.jail.workers import Worker

    process = Dripping()
    with pytest.raises(Timeout):
        Worker(process).ask({"do": "call"}, Budget(1.0))
    assert process.used < 1.5


# --- a worker that is gone before it is locked in is our fault ---

SERVER = """
import os, socket
control = socket.socket(fileno=os.dup(0))
control.send({ready!r})
while True:
    request, channels, _, _ = socket.recv_fds(control, 64, 1)
    if not request: break
"""
DYING = """
    pid = os.fork()
    if pid == 0:
        LAST
        os._exit(1)
    os.close(channels[0])
    handle = os.pidfd_open(pid)
    socket.send_fds(control, [b'1'], [handle])
"""
FULL = """
    os.close(channels[0])
    control.send({no_room!r} + b'Resource temporarily unavailable')
"""


def program(answer):
    """A fork server of no use, by what it does at each request."""
    from autograder.worker import fork_server

    names = {"ready": fork_server.READY, "no_room": fork_server.NO_ROOM}
    return [sys.executable, "-c", (SERVER + answer).format(**names)]


def dying(last):
    return program(DYING.replace("LAST", last))


@pytest.mark.parametrize("last", ["pass", "os.write(channels[0], b'no such file')"])
def test_a_worker_that_ends_before_it_is_locked_in_is_told_as_such(last):
    server = ForkServer(dying(last), {})
    with pytest.raises(NotReady, match="could not be locked in"):
        server.spawn(512)
    server.close()


@pytest.mark.parametrize("tier", LOCKED)
def test_a_server_whose_workers_die_is_replaced_and_the_student_notices_nothing(tiny, tier):
    jail_of(tier)
    way = next(w for w in bubblewrap.ways(tier) if _starts(w))
    servers = [ForkServer(dying("pass"), {}), ForkServer(way.command, way.plan)]
    jail = tiers.Locked(tier, lambda: servers.pop(0))
    try:
        from attacks import RIGHT, SHIFT, STOLEN

        from autograder.grading.run import grade_cells
        from autograder.model.notebook import Cell

        report = grade_cells(tiny, [Cell(1, "code", RIGHT), Cell(2, "code", SHIFT)], jail)
        assert report.score == STOLEN
    finally:
        jail.close()


def _starts(way):
    try:
        ForkServer(way.command, way.plan).close()
    except KitError:
        return False
    return True


def test_where_no_worker_ever_comes_to_be_the_fault_is_ours(tiny, monkeypatch):
    from attacks import RIGHT

    from autograder.grading.run import grade_each
    from autograder.model.notebook import Cell

    monkeypatch.setattr(tiers, "_PATIENCE", 0.2)
    jail = tiers.Locked("A", lambda: ForkServer(dying("pass"), {}))
    (report,) = grade_each(tiny, [[Cell(1, "code", RIGHT)]], jail)
    jail.close()
    assert (report.status, report.score) == ("grader_error", None)
    assert "could not be locked in" in report.reason


def test_a_machine_without_room_is_asked_again_and_then_told(monkeypatch):
    monkeypatch.setattr(tiers, "_PATIENCE", 0.3)
    jail = tiers.Locked("A", lambda: ForkServer(program(FULL), {}))
    with pytest.raises(KitError, match="no process could be started"):
        jail.spawn(512)
    assert jail._server.alive  # a failed fork does not end the server
    jail.close()


def test_a_server_outlives_a_fork_that_fails(tmp_path):
    """With a limit on processes that leaves no room, then some."""
    jail_of("B")
    way = bubblewrap.ways("B")[-1]
    server = ForkServer(way.command, way.plan)
    try:
        import resource

        pid = server._process.pid
        if os.getuid() == 0:
            pytest.skip("no limit on processes binds root")
        limit = resource.prlimit(pid, resource.RLIMIT_NPROC, (1, resource.RLIM_INFINITY))
        with pytest.raises(KitError, match="no process could be started"):
            server.spawn(512)
        resource.prlimit(pid, resource.RLIMIT_NPROC, limit)
        server.spawn(512).end()
    finally:
        server.close()
