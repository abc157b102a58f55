"""What the browser tests share: Chromium, a Jupyter server of their own, and pictures of every
step.

They are run by `make test-browser` and need Chromium and its driver (Debian: apt install chromium
chromium-driver).
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pages import PATIENCE, Page
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots"
DRIVER = shutil.which("chromedriver")
# JupyterLab would ask, in a bubble over the page
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'


@pytest.fixture(scope="session")
def chromium():
    """Opens a browser of a width; all are closed at the end."""
    if DRIVER is None:
        pytest.skip("no Chromium here: apt install chromium chromium-driver")
    drivers = []

    def opened(width=1280, height=900):
        options = webdriver.ChromeOptions()
        for flag in (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-dev-shm-usage",
            "hide-scrollbars",
        ):
            options.add_argument(f"--{flag}")
        options.add_argument("--disable-background-networking")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        drivers.append(driver)
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        SHOTS.mkdir(parents=True, exist_ok=True)
        return Page(driver, SHOTS)

    yield opened
    for driver in drivers:
        driver.quit()


@contextmanager
def jupyter(folder, settings):
    """The address and token of a Jupyter server in a folder. Its kernels end with it."""
    news = settings / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text(NO_NEWS)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, address = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
    ]
    command += [f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0"]
    bin_first = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {
        **os.environ,
        "HOME": str(settings),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "PATH": bin_first,
        "PYTHONPATH": str(ROOT),
    }
    with open(
        settings / "log", "wb"
    ) as log:  # where pytest keeps its folders, to be read after a failure
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"{address}/api/status?token={token}", server)
        yield address, token
    finally:
        server.terminate()  # it shuts its kernels down first
        server.wait(timeout=PATIENCE)


def _wait(url, server):
    for _ in range(5 * PATIENCE):
        assert server.poll() is None, "the Jupyter server ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the Jupyter server does not answer")
