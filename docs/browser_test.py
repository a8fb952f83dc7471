# SPDX-License-Identifier: BSD-3-Clause
"""Open the built site in a headless Chromium and look for what is broken.

`make docs-test` runs it after `make docs`. Over all pages: each internal link, anchor
and image leads somewhere. On some pages of each kind, as wide as a desktop and as
narrow as a phone: no errors in the console, nothing asked from the network, figures are
seen, and nothing sticks out of the window.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

SITE = Path(__file__).parent / "_build/html"
WIDTHS = {"desktop": 1280, "phone": 400}
PACKAGES = {"chromium": "chromium", "chromedriver": "chromium-driver"}
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The site must not need the network.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]

# Images that are not seen though they are not hidden on purpose, and what sticks out of
# the window; an element in a box that scrolls by itself does not. The article is such a
# box, but should not have to scroll.
BROKEN = """
const wrong = [];
for (const image of document.querySelectorAll("main img")) {
    const box = image.getBoundingClientRect();
    const hidden = getComputedStyle(image).display === "none";
    if (!image.complete || image.naturalWidth === 0) {
        wrong.push(`image ${image.src} is broken`);
    } else if (!hidden && (box.width < 8 || box.height < 8)) {
        wrong.push(`image ${image.src} is not seen`);
    }
}
const page = document.documentElement, width = page.clientWidth;
const inBox = (e) => !e.matches("html, body") && (
    (!e.matches(".bd-article-container") &&
        getComputedStyle(e).overflowX !== "visible") || inBox(e.parentElement));
const out = [...document.querySelectorAll("body *")].filter(
    (e) => e.getBoundingClientRect().right > width + 1 && !inBox(e));
if (page.scrollWidth > width || out.length) {
    const names = out.slice(0, 3).map((e) => `${e.tagName}.${e.className}`);
    wrong.push(`sticks out of a window of ${width} pixels: ${names}`);
}
return wrong;
"""


class Page(HTMLParser):
    """The ids of a page, and what it links to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = set(), set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        """Collect from one tag."""
        attrs = dict(attrs)
        self.ids.update(filter(None, (attrs.get("id"), attrs.get("name"))))
        self.targets.update(filter(None, (attrs.get("href"), attrs.get("src"))))
        for source in (attrs.get("srcset") or "").split(","):
            self.targets.update(source.split()[:1])


def broken_links():
    """List internal links, anchors and files that lead nowhere, over all pages."""
    paths = sorted(set(SITE.rglob("*.html")) - set(SITE.rglob("_static/**/*.html")))
    pages = {path: Page(path) for path in paths}
    wrong, n_checked = [], 0
    for path, page in pages.items():
        for target in sorted(page.targets):
            address, anchor = urldefrag(target)
            if urlsplit(address).scheme or address.startswith("//"):
                continue
            n_checked += 1
            local = unquote(urlsplit(address).path)
            file = (path.parent / local).resolve() if local else path.resolve()
            where = f"{path.relative_to(SITE)}: {target}"
            if not file.is_file():
                wrong.append(f"{where} does not exist")
            elif anchor and file in pages and unquote(anchor) not in pages[file].ids:
                wrong.append(f"{where} has no such anchor")
    print(f"{n_checked} internal links on {len(pages)} pages")
    return wrong


def pages_to_open():
    """Some pages of each kind, as paths below the site."""
    gallery = sorted(SITE.glob("auto_examples/*/plot_*.html"))
    first = {path.parent: path for path in reversed(gallery)}  # of each topic
    found = [
        *(SITE / f"{name}.html" for name in ("index", "quick_start", "comparison")),
        *(SITE / f"{name}.html" for name in ("install", "references", "user_guide")),
        *sorted(SITE.glob("guide/*.html")),
        SITE / "reference/index.html",
        *sorted(SITE.glob("reference/generated/*.html")),
        SITE / "auto_examples/index.html",
        *first.values(),
    ]
    return [path.relative_to(SITE).as_posix() for path in found]


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and do not tell of each."""

    def log_message(self, *args):
        """Say nothing."""


def wrong_in_browser(driver, address, screenshots):
    """List what is wrong with pages as a browser shows them."""
    from selenium.webdriver.support.ui import WebDriverWait

    wrong = []
    for page in pages_to_open():
        for name, width in WIDTHS.items():
            size = {"width": width, "height": 900, "deviceScaleFactor": 1}
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride", size | {"mobile": False}
            )
            driver.get(f"{address}/{page}")
            WebDriverWait(driver, 20).until(
                lambda d: d.execute_script("return document.readyState") == "complete"
            )
            found = driver.execute_script(BROKEN)
            logged = driver.get_log("browser")
            found += [m["message"] for m in logged if m["level"] == "SEVERE"]
            wrong += [f"{page} ({name}): {what}" for what in found]
            if screenshots:
                file = f"{page.removesuffix('.html').replace('/', '-')}-{name}.png"
                driver.save_screenshot(str(screenshots / file))
    print(f"{len(pages_to_open())} pages opened at {list(WIDTHS.values())} pixels")
    return wrong


def set_up_chromium():
    """Install Chromium and its driver where that is possible."""
    missing = [package for name, package in PACKAGES.items() if not shutil.which(name)]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        sys.exit(f"The test needs chromium and chromedriver: {' '.join(install)}")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(
        install, check=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    )


def test_in_browser(screenshots):
    """Serve the site to a fresh Chromium."""
    from selenium import webdriver

    set_up_chromium()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        driver = webdriver.Chrome(options, service)
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            return wrong_in_browser(driver, address, screenshots)
        finally:
            driver.quit()
            server.shutdown()


def main():
    """Print all that is wrong; the exit status is 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--screenshots", type=Path, metavar="FOLDER", help="keep pictures of the pages"
    )
    screenshots = parser.parse_args().screenshots
    if screenshots:
        screenshots.mkdir(parents=True, exist_ok=True)
    if not (SITE / "index.html").is_file():
        sys.exit(f"There is no site in {SITE}: run make docs first.")
    wrong = broken_links() + test_in_browser(screenshots)
    for what in wrong:
        print(what)
    if wrong:
        sys.exit(f"{len(wrong)} things are wrong.")
    print("Nothing is wrong.")


if __name__ == "__main__":
    main()
