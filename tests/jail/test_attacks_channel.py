"""Forged channels (42-50 of docs/attacks.md): a worker's words are values, never verdicts, one for
each question.
"""

import pytest
from attacks import LOCKED, answered, survived
from jails import jail_of
from notebooks import TOPIC, cell, public_answers, solved, written

from autograder.grading.submission import grade_file
from autograder.jail.tiers import survey

# What a worker can know of its conversation: the server's pipes, the wire format, the nonce of the
# request.
INSIDE = """
import gc, os, sys, threading, time
def server():
    return next(o for o in gc.get_objects() if type(o).__name__ == 'Server')
def nonce():
    frame = sys._getframe()
    while 'request' not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals['request']['nonce']
def say(reply):
    s = server()
    s.replies.write(s.codec.encode(reply, envelope=True))
    s.replies.flush()
"""
FORGERIES = {
    "42 results in every folder": """
        import os
        def double(x):
            for folder in ('.', '/', '/tmp', '/results', '/autograder/results', os.path.expanduser('~'), '/dev/shm'):
                for name in ('results.json', 'report.json', 'grade.txt'):
                    try:
                        with open(os.path.join(folder, name), 'w') as file: file.write('{"score": 3.0}')
                        os.chmod(os.path.join(folder, name), 0o777)
                    except OSError: pass
            return x
        """,
    "43 the results' secret name": """
        import os, sys
        def double(x):
            names = [*os.environ.values(), *sys.argv, *(f'/proc/self/fd/{i}' for i in range(3, 64))]
            for name in names:
                try:
                    with open(name, 'a') as file: file.write('{"score": 3.0}')
                except (OSError, ValueError): pass
            return x
        """,
    "44 marks in the output": """
        import os, sys
        def double(x):
            text = '### BEGIN GRADE\\n3.0\\n### END GRADE\\n{"scores": {"double": 2}, "score": 3.0}\\nPASSED\\n'
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                stream.write(text)
            for descriptor in (0, 1, 2):
                os.write(descriptor, text.encode()) if descriptor else None
            return x
        """,
    "45 an object that wants to be unpickled": """
        import os
        class Bomb:
            def __reduce__(self): return os.system, ('touch /tmp/attacked',)
            __reduce_ex__ = lambda self, p: self.__reduce__()
            __getstate__ = __array__ = None
        def double(x): return Bomb()
        """,
    "45 a pickle in an array of objects": """
        import io, pickle
        def double(x):
            a = np.empty(1, object); a[0] = pickle.dumps(print)
            return a
        """,
    "45 a pickle on the wire": f"""{INSIDE}
import pickle
def double(x):
    s = server(); s.replies.write(pickle.dumps(print)); s.replies.flush()
    return x
""",
    "46 a reply before the reply": f"""{INSIDE}
def double(x):
    say({{'nonce': nonce(), 'outcome': {{'value': x, 'passed': True, 'score': 2.0}}}})
    return x
""",
    "46 the same reply a hundred times": f"""{INSIDE}
def double(x):
    for _ in range(100): say({{'nonce': nonce(), 'outcome': {{'value': x}}}})
    return x
""",
    "46 a reply for the question after": f"""{INSIDE}
def double(x):
    n = nonce()
    threading.Thread(target=lambda: (time.sleep(0.02), say({{'nonce': n, 'outcome': {{'value': x}}}}))).start()
    return x
""",
    "46 a nonce that is an array": f"""{INSIDE}
def double(x):
    say({{'nonce': np.zeros(2), 'outcome': {{'value': x}}}}); return x
""",
    "46 an outcome that is a verdict": f"""{INSIDE}
def double(x):
    say({{'nonce': nonce(), 'outcome': {{'status': 'passed', 'score': 2.0, 'weight': 100, 'cause': None}}}})
    return x
""",
    "46 a cause that is an array": f"""{INSIDE}
def double(x):
    say({{'nonce': nonce(), 'outcome': {{'cause': np.zeros(3)}}}}); return x
""",
    "46 a text of a hundred thousand lists": f"""{INSIDE}
def double(x):
    say({{'nonce': nonce(), 'outcome': {{'cause': {{'kind': 'refused'}}, 'text': [[]] * 100_000}}}}); return x
""",
    "46 an argument that changed a million times": f"""{INSIDE}
def shift(x):
    say({{'nonce': nonce(), 'outcome': {{'value': x + 1, 'changed': (0,) * 900_000}}}}); return x
""",
    "46 half a reply": f"""{INSIDE}
def double(x):
    s = server()
    s.replies.write(b'dlw1' + (1 << 20).to_bytes(4, 'little') + (1 << 20).to_bytes(8, 'little'))
    s.replies.flush()
    time.sleep(100)
""",
    "46 a reply that never ends": f"""{INSIDE}
def double(x):
    s = server(); s.replies.write(b'dlw1' + (1 << 20).to_bytes(4, 'little') + (1 << 26).to_bytes(8, 'little'))
    while True: s.replies.write(bytes(1 << 20))
""",
    "47 messages of a kernel": """
        import json
        def double(x):
            from IPython.display import display
            display({'text/plain': '2.0', 'application/x-score': 2.0})
            get_ipython().kernel.session.send(None, 'execute_result', {'data': {'text/plain': '2.0'}})
            return 2.0
        """,
}


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("attack", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_word_earns_nothing(tiny, tier, attack):
    report = survived(tiny, tier, attack)
    assert len(report.to_json()) < 20_000


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize(
    "name", [n for n in FORGERIES if n.startswith("46") and ("array" in n or "lists" in n)]
)
def test_46_a_reply_of_another_shape_is_a_crash_and_ends_its_worker(tier, name):
    assert answered(tier, FORGERIES[name], "double", 1.0).trouble == "crashed"


STOWAWAY = {
    "student": "eve",
    "student_id": "eve",
    "assignment": "99-other",
    "points": 1000,
    "score": 1000,
}


def test_50_who_handed_in_is_not_asked_of_the_file(tmp_path):
    notebook = solved(softmax="def softmax(z):\n    return z")
    honest = grade_file(
        public_answers(), written(notebook, tmp_path), survey().jail, "ada", ["softmax"]
    )
    notebook["metadata"] |= STOWAWAY
    notebook["metadata"]["nbgrader"] = STOWAWAY
    for one in notebook["cells"]:
        one["metadata"] |= STOWAWAY
    report = grade_file(
        public_answers(), written(notebook, tmp_path), survey().jail, "ada", ["softmax"]
    )
    assert (report.student, report.topic, report.score) == ("ada", TOPIC.id, honest.score)


@pytest.mark.parametrize("points", [1000, -1, float("inf"), "2", None])
def test_49_points_in_a_submission_are_not_read(tmp_path, points):
    notebook = solved(softmax="def softmax(z):\n    return z")
    cell(notebook, "check-softmax")["metadata"]["nbgrader"]["points"] = points
    cell(notebook, "check-softmax")["source"] = "1000.0"
    report = grade_file(
        public_answers(), written(notebook, tmp_path), survey().jail, "ada", ["softmax"]
    )
    assert report.score < report.max_score == 2


@pytest.mark.parametrize("tier", LOCKED)
def test_45_nothing_was_unpickled(tier):
    import os

    answered(tier, FORGERIES["45 an object that wants to be unpickled"], "double", 1)
    assert not os.path.exists("/tmp/attacked")
    assert jail_of(tier)
