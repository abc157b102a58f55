"""Attacks on classmates, on the grader's own files and on its time: by what a system call leaves
behind, or by what it holds up. Each is a submission to the tiny topic of `attacks`.
"""

import os

# Every call that changes a file without writing to it, on whatever a worker can name. Each sets what
# is set already: where it got through, a file has another ctime, and that is all the harm.
TOUCH = """
import fcntl, os, sys
places = ['/', '/usr', '/usr/lib', '/dev', '/dev/null', '/lib64', os.__file__, np.__file__, sys.executable]
places += [os.path.dirname(os.__file__), sys.prefix]
places += [{course!r}, {course!r} + '/.autograder/seed', {course!r} + '/gradebook.db']
got = []
def tried(call, *args, **kwargs):
    try: call(*args, **kwargs)
    except Exception: return
    got.append((call.__name__, *args))
def touch():
    for place in places:
        try: now = os.stat(place)
        except OSError: continue
        mode, times = now.st_mode & 0o7777, (now.st_atime_ns, now.st_mtime_ns)
        tried(os.chmod, place, mode); tried(os.chown, place, now.st_uid, now.st_gid)
        tried(os.utime, place, ns=times); tried(os.truncate, place, now.st_size)
        tried(os.setxattr, place, 'user.attack', b'x'); tried(os.link, place, place + '.attack')
        tried(os.mkdir, place + '/.attack'); tried(os.symlink, '/', place + '/.attack-link')
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_DIRECTORY):
            try: file = os.open(place, flags)
            except OSError: continue
            tried(os.fchmod, file, mode); tried(os.fchown, file, now.st_uid, now.st_gid)
            tried(os.utime, file, ns=times)
            tried(fcntl.flock, file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            tried(fcntl.lockf, file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            tried(fcntl.fcntl, file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            tried(fcntl.fcntl, file, fcntl.F_SETLEASE, fcntl.F_UNLCK)  # or the next opening waits for it
            tried(fcntl.fcntl, file, fcntl.F_SETOWN, {grader}); tried(fcntl.fcntl, file, 10, 23)
            tried(fcntl.fcntl, file, fcntl.F_SETFL, os.O_ASYNC); tried(fcntl.fcntl, file, fcntl.F_NOTIFY, 1)
            # kept open: a lock would last as long as the worker
    return sorted(map(repr, got))
"""
FILL = TOUCH.format(course="/nowhere", grader=1)


def attacks(course):
    """The attacks by name, on a course that lies in this folder."""
    touch = TOUCH.format(course=str(course), grader=os.getpid())
    return {
        "1 modes, owners, times and locks of all that can be named": touch + "touch()",
        "1 the same while it is asked": touch + "def double(x):\n    touch()\n    return x",
        "2 ending at once": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "4 links and pipes in the scratch": """
import os
for i in range(2000):
    try: os.mkfifo(f'/tmp/{i}'); os.symlink('/', f'/tmp/s{i}'); open(f'/tmp/f{i}', 'w').write('x')
    except OSError: pass
""",
        "5 signals by a descriptor": """
import fcntl, os, signal
def double(x):
    for target in (GRADER, os.getppid(), -1):
        for command in (fcntl.F_SETOWN, 15, 10):
            try: fcntl.fcntl(3, command, target if command != 10 else 23)
            except OSError: pass
    try: fcntl.fcntl(3, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    except OSError: pass
    return x
""".replace("GRADER", str(os.getpid())),
        "6 threads by clone": """
import threading
threading.stack_size(1 << 15)
def double(x):
    wait = threading.Event()
    for _ in range(4000):
        try: threading.Thread(target=wait.wait, daemon=True).start()
        except RuntimeError: break
    return x
""",
        "7 a reply that drips": """
import os, struct, time
def double(x):
    for _ in range(100_000):
        try: os.write(4, b'd'); os.write(3, b'd')
        except OSError: pass
        time.sleep(0.001)
""",
        "7 a reply that drips after an honest header": """
import os, struct, time
def double(x):
    head = struct.pack('<4sIQ', b'dlw1', 1 << 19, 1 << 25)
    for byte in head + bytes(1 << 20):
        for channel in (3, 4):
            try: os.write(channel, bytes([byte]))
            except OSError: pass
        time.sleep(0.002)
""",
    }
