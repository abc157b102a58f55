"""A browser's page as the tests use it: wait for something, photograph it, and tell what went over
the wire.
"""

import json
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 300  # seconds: on a machine that is busy with something else, everything comes late
OWN = {"127.0.0.1", "localhost"}
INNOCENT = {"file", "data", "blob", "about", "chrome", "devtools", "chrome-extension"}


class Page:
    """One browser."""

    def __init__(self, driver, shots):
        self.driver, self._shots = driver, shots
        self._requests, self._errors = [], []

    def open(self, url):
        self.driver.get(str(url))

    def wait(self, found, what, seconds=PATIENCE):
        """The first thing that is true of `found(driver)`."""
        waiting = WebDriverWait(
            self.driver, seconds, 0.2, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(found, what)

    def one(self, selector, text="", seconds=PATIENCE):
        """The first visible element of a selector whose text contains `text`."""

        def found(driver):
            elements = driver.find_elements(By.CSS_SELECTOR, selector)
            return next((e for e in elements if e.is_displayed() and text in e.text), None)

        return self.wait(found, f"{selector} with {text!r}", seconds)

    def show(self, element):
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    def shot(self, name):
        self.driver.save_screenshot(str(self._shots / f"{name}.png"))

    def _read_logs(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._requests.append(message["params"]["request"]["url"])
        self._errors += [
            e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"
        ]

    @property
    def abroad(self):
        """Addresses on other machines that it asked for since it was opened."""
        self._read_logs()
        parts = [(urlsplit(url), url) for url in self._requests]
        return sorted(
            {url for p, url in parts if p.scheme not in INNOCENT and p.hostname not in OWN}
        )

    @property
    def errors(self):
        """What the console has as errors since it was opened."""
        self._read_logs()
        return self._errors
