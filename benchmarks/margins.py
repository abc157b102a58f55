"""The distance of the reference from each threshold over many seeds, for the tables in docs/topics.

    python -m benchmarks.margins TOPIC... [--seeds 50]

A seed draws the data, the splits and the starts. `margin` is the distance to the threshold on the
good side, `room` its mean in standard deviations over the seeds. Exercises that measure nothing run
only once.
"""

import argparse
import math
import os
import statistics
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from autograder.course import course_file, record
from autograder.grading.plugin import Outcome
from autograder.grading.run import run_suite
from autograder.grading.suite import suite_digest
from autograder.model.answer_key import Answers

FIRST_SEED = 1000


class Measuring(record.Recording):
    """The reference as the student of its own suite. It keeps the margins of the checks."""

    margins: dict[str, float]

    def add(self, outcome: Outcome) -> None:
        super().add(outcome)
        if outcome.margin is not None:
            self.margins[outcome.key] = outcome.margin


def measure(
    topic_id: str, seed: int, exercises: list[str] | None
) -> tuple[dict[str, float], float]:
    """Margins by check, and the CPU seconds that the suite took."""
    course = course_file.find(Path(__file__))
    topic = course.topic(topic_id)
    job = Measuring(record.load_reference(course, topic), Answers(topic, seed, suite_digest(topic)))
    job.margins, started = {}, time.process_time()
    run_suite(topic, [job], exercises)
    return job.margins, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topics", nargs="+", metavar="TOPIC")
    parser.add_argument("--seeds", type=int, default=50)
    options = parser.parse_args()
    for topic_id in options.topics:
        table(topic_id, range(FIRST_SEED, FIRST_SEED + options.seeds))


def table(topic_id: str, seeds: range) -> None:
    """Print a row for each measured check of a topic."""
    first, seconds = measure(topic_id, seeds[0], None)
    exercises = sorted({key.partition("::")[0] for key in first})
    found = defaultdict(list, {key: [margin] for key, margin in first.items()})
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        others = seeds[1:]
        for margins, _ in pool.map(
            measure, [topic_id] * len(others), others, [exercises] * len(others)
        ):
            for key, margin in margins.items():
                found[key].append(margin)
    print(
        f"{topic_id}: {len(seeds)} seeds from {seeds[0]}, the whole suite once: {seconds:.1f} s of "
        "CPU time"
    )
    print("| check | margin | sd | least | room |\n|---|---|---|---|---|")
    for key, margins in found.items():
        if math.inf in margins:
            print(f"| {key} | infinite in {margins.count(math.inf)} of {len(margins)} | | | |")
            continue
        spread = statistics.stdev(margins)
        room = f"{statistics.mean(margins) / spread:.1f}" if spread else "no chance in it"
        print(
            f"| {key} | {statistics.mean(margins):.3g} | {spread:.2g} | {min(margins):.3g} | "
            f"{room} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
