"""A notebook in Jupyter, as a person uses it: click into a cell, write, run it, look at
what comes.
"""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# One insertion, as from the clipboard: typed keys would be indented and given brackets by the
# editor.
PASTE = """
const data = new DataTransfer();
data.setData("text/plain", arguments[1]);
arguments[0].dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
"""


class Notebook:
    """An open notebook; a cell is known by a piece of its code."""

    def __init__(self, page, address, token, path, view="lab/tree"):
        self._page = page
        page.open(f"{address}/{view}/{path}?token={token}")
        page.one(".jp-Notebook h1", "Neurons")
        page.wait(
            lambda driver: not driver.find_elements(By.CSS_SELECTOR, ".jp-Spinner"),
            "the spinner to go",
        )

    def cell(self, code):
        """The cell with that code, scrolled to: JupyterLab draws only what is near the screen."""

        def found(driver):
            for cell in driver.find_elements(By.CSS_SELECTOR, ".jp-Notebook .jp-CodeCell"):
                if code in (cell.get_property("textContent") or ""):
                    return cell
            driver.execute_script(
                "document.querySelector('.jp-WindowedPanel-outer').scrollBy(0, 600)"
            )
            return None

        return self._page.wait(found, f"a cell with {code!r}")

    def write(self, code, text):
        """Put a text into the place of a cell's."""
        editor = self._editor(code)
        editor.send_keys(Keys.CONTROL, "a")
        self._page.driver.execute_script(PASTE, editor, text)

    def run(self, code, shows=None):
        """Run a cell; the element of its output that is waited for, if one is named."""
        cell = self.cell(code)
        before = self._counter(cell)
        self._editor(code).send_keys(Keys.CONTROL, Keys.ENTER)
        self._page.wait(
            lambda _: self._counter(self.cell(code)) not in (before, "[*]:", "[ ]:"),
            f"{code!r} to end",
        )
        return self._page.one(f".jp-Cell {shows}") if shows else None

    def _editor(self, code):
        cell = self.cell(code)
        self._page.show(cell)
        editor = cell.find_element(By.CSS_SELECTOR, ".cm-content")
        editor.click()
        return editor

    def _counter(self, cell):
        return cell.find_element(By.CSS_SELECTOR, ".jp-InputPrompt").text
