"""What nbgrader logs goes through our filter: it names files and folders of students as they are."""

import logging

from nbgrader import apps

from autograder.model.harmless import harmless

_LOGGERS = (
    "traitlets",
    "FormgradeExtension",
    *(name for name in apps.__all__ if name.endswith("App")),
)


class Harmless(logging.Filter):
    """Makes the text of each record harmless, for the terminal and every file alike."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception:  # its format and its arguments do not fit: logging itself will say so
            return True
        record.msg, record.args = harmless(message), None
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            record.exc_info, record.exc_text = None, harmless(trace)
        return True


_HARMLESS = Harmless()


def install() -> None:
    """Let no logger of nbgrader's commands write anything else."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_HARMLESS)  # once, however often it is asked for
