"""What tests with a real server and a real browser share; ``township`` is each file's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import CHROMIUM, FLAGS, Served


@pytest.fixture
def served(township):
    with Served(township.console()) as served:
        yield served


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM.exists():
        pytest.fail("no chromium: apt-get install -y chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
