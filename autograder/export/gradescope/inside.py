"""In Gradescope's container: grade the submission and write results.json.

`run_autograder` starts it. For any submission and any error it writes a valid results.json and
exits with code 0.
"""

import json
from pathlib import Path

import click

from autograder.export.gradescope import results
from autograder.grading.report_cache import write_whole
from autograder.grading.submission import grade_notebook
from autograder.grading.suite import require_suite
from autograder.jail import tiers
from autograder.model import answer_key, notebook, opened
from autograder.model.answer_key import NAME
from autograder.model.errors import KitError, UserError
from autograder.model.find_notebook import require_notebook
from autograder.model.harmless import harmless
from autograder.model.no_verdict import grader_error, unreadable
from autograder.model.notebook import Unreadable
from autograder.model.report import Report


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--unsafe-no-jail", "unsafe", is_flag=True)
def main(root: Path, unsafe: bool) -> None:
    """Grade ROOT/submission with ROOT/source into ROOT/results/results.json."""
    report, tier = graded(root, unsafe)
    text = json.dumps(results.document(report, tier), ensure_ascii=False, allow_nan=False, indent=1)
    folder = root / "results"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "results.json", text.encode("utf-8", "replace"), 0o644)
    told = f"{report.status}: {report.score} of {report.max_score}, jail tier {tier or 'none'}"
    click.echo(harmless(told))


def graded(root: Path, unsafe: bool) -> tuple[Report, str]:
    """The Report of the submission, and the tier of the jail it ran in; "" if it did not run."""
    try:
        answers = answer_key.load(root / "source" / NAME)
        require_suite(answers, root / "source" / NAME)
    except UserError as error:
        return Report("?", "grader_error", None, 0.0, 0.0, reason=str(error)), ""
    topic = answers.topic
    try:
        with opened.folder(root / "submission") as folder:
            name, content = require_notebook(folder, topic)
        path = Path(name)
        submitted = notebook.of(path, notebook.decode(path, content))
        jail = tiers.best(unsafe)
        report = grade_notebook(answers, submitted, jail, pictures=False)  # it shows text only
        return report, jail.tier
    except Unreadable as error:
        return unreadable(topic, None, str(error)), ""
    except (KitError, UserError, OSError) as error:
        return grader_error(topic, str(error)), ""
    except Exception as error:  # our own fault: the result must say so
        return grader_error(topic, type(error).__name__), ""


if __name__ == "__main__":
    main()
