"""nbgrader reads this when it is run in the course folder; everything is derived from course.yaml.

For a class on a shared machine set the exchange to a folder that all accounts can reach, and a
gradebook server if several people grade at once:

    c.Exchange.root = "/srv/nbgrader/exchange"
    c.CourseDirectory.db_url = "postgresql://..."
"""

from pathlib import Path

from autograder.nbgrader.config import configure

c = get_config()  # noqa: F821, given by nbgrader
configure(c, Path(__file__).resolve().parent)
