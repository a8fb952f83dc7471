# SPDX-License-Identifier: BSD-3-Clause
"""Open the built site in a headless Chromium and look for what is broken.

`make docs-test` runs it after `make docs`. Over all pages: each internal link, anchor
and image leads somewhere; as wide as a desktop and as narrow as a phone, there are no
errors in the console and no requests to other servers, figures are visible, and nothing
sticks out of the window. Besides, the search finds what people look for, the copy
button copies code that runs, and the interactive figure follows the keyboard and shows
what the package computes.
"""

import argparse
import ast
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
from urllib.parse import quote, unquote, urldefrag, urlsplit

SITE = Path(__file__).parent / "_build/html"
WIDTHS = {"desktop": 1280, "phone": 400}
FRAME = 720  # of the interactive figure in a page of the guide, on a desktop
PACKAGES = {"chromium": "chromium", "chromedriver": "chromium-driver"}
BROWSERS = "chromium", "google-chrome"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
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
    """All pages, as paths below the site."""
    made_by_tools = {SITE / "genindex.html", SITE / "py-modindex.html"}
    found = set(SITE.rglob("*.html")) - set(SITE.rglob("_static/**/*.html"))
    return sorted(path.relative_to(SITE).as_posix() for path in found - made_by_tools)


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and do not tell of each."""

    def log_message(self, *args):
        """Say nothing."""


def open_page(driver, address, *, width=WIDTHS["desktop"]):
    """Open a page in a window of some width, and wait until it is there."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(address)
    wait_for(driver, "return document.readyState === 'complete'")


def wait_for(driver, script, seconds=20):
    """Wait until a script returns something true, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, seconds).until(lambda d: d.execute_script(script))


def console_errors(driver):
    """Errors that the console shows since it was looked at."""
    logged = driver.get_log("browser")
    return [entry["message"] for entry in logged if entry["level"] == "SEVERE"]


def wrong_pages(driver, address, screenshots):
    """List what is wrong with pages as a browser shows them."""
    wrong = []
    for page in pages_to_open():
        for name, width in WIDTHS.items():
            open_page(driver, f"{address}/{page}", width=width)
            found = driver.execute_script(BROKEN) + console_errors(driver)
            wrong += [f"{page} ({name}): {what}" for what in found]
            if screenshots:
                file = f"{page.removesuffix('.html').replace('/', '-')}-{name}.png"
                driver.save_screenshot(str(screenshots / file))
    print(f"{len(pages_to_open())} pages opened at {list(WIDTHS.values())} pixels")
    return wrong


# What people search for, and where one of the first results should lead.
FOR_NEWCOMERS = {"index.html", "quick_start.html", "guide/smoothed_classifier.html"}
SEARCHES = {
    "adversarial robustness": FOR_NEWCOMERS,
    "randomized smoothing tutorial": FOR_NEWCOMERS,
    "certified radius": FOR_NEWCOMERS,
    "class-wise accuracy": FOR_NEWCOMERS | {"guide/classwise_metrics.html"},
    "categorical features": FOR_NEWCOMERS | {"guide/data.html"},
}
N_RESULTS = 5
RESULTS = """
const list = document.querySelectorAll("#search-results li a");
const done = document.querySelector("#search-results p.search-summary");
return done && !/Searching|Preparing/.test(done.textContent + (
    document.querySelector("#search-results h2")?.textContent ?? "")) &&
    [...list].map((link) => new URL(link.href).pathname.slice(1));
"""


def wrong_searches(driver, address):
    """List what the search does not find."""
    wrong = []
    for query, wanted in SEARCHES.items():
        open_page(driver, f"{address}/search.html?q={quote(query)}")
        found = wait_for(driver, RESULTS)
        first = [result for result in found if "generated/" not in result][:N_RESULTS]
        if not wanted & set(first):
            wrong.append(f"the search for {query!r} finds first {first}")
        wrong += [f"search: {what}" for what in console_errors(driver)]
    print(f"{len(SEARCHES)} searches")
    return wrong


BUTTONS = "div[class*=highlight-] button.copybtn"
CLIPBOARD = """
const done = arguments[arguments.length - 1];
setTimeout(() => navigator.clipboard.readText().then(done, (e) => done(String(e))), 50);
"""


def wrong_copies(driver, address):
    """List the blocks of Python on the quick start that are copied with prompts."""
    from selenium.webdriver import ActionChains

    driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    open_page(driver, f"{address}/quick_start.html")
    wait_for(driver, f"return document.querySelector('{BUTTONS}') !== null")
    wrong, n_copied = [], 0
    for position, button in enumerate(driver.find_elements("css selector", BUTTONS)):
        kind = driver.execute_script(
            "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'});"
            "return arguments[0].closest('div[class*=highlight-]').className",
            button,
        )
        if "python" not in kind and "default" not in kind:
            continue
        # As a person does: the button is shown when the pointer is there.
        ActionChains(driver).move_to_element(button).click().perform()
        copied = driver.execute_async_script(CLIPBOARD)
        n_copied += 1
        try:
            body = ast.parse(copied).body
        except SyntaxError:
            body = []
        if not body:
            wrong.append(f"the copy button of block {position} copies {copied!r}")
    print(f"{n_copied} blocks of code copied")
    return wrong if n_copied else ["no block of code has a copy button"]


def wrong_figure(driver, address):
    """List what is wrong with the interactive figure when it is used by keyboard."""
    from selenium.webdriver.common.keys import Keys

    wrong = []

    def element(selector):
        return driver.find_element("css selector", selector)

    def expect(what, holds):
        if not holds:
            wrong.append(f"interactive figure ({width} pixels): {what}")

    for width in (*WIDTHS.values(), FRAME):
        open_page(driver, f"{address}/interactive_figure.html", width=width)
        wrong += [
            f"interactive figure: {what}" for what in driver.execute_script(BROKEN)
        ]
        apart = driver.execute_script("return largestDifference()")
        expect(f"{apart} sigma apart from the package", apart < 1e-3)
        picture = "return document.getElementById('regions').toDataURL()"
        table, before = element("#accuracy").text, driver.execute_script(picture)
        # Only with keys: sigma, the law, and the radius.
        element("#sigma").send_keys(Keys.END)
        expect(
            "sigma does not follow the End key", "2.00" in element("#sigma-value").text
        )
        expect("accuracy does not follow sigma", element("#accuracy").text != table)
        expect("class C has not vanished at sigma 2", "Class C" in element("main").text)
        after = driver.execute_script(picture)
        expect("the regions do not follow sigma", after != before)
        element("[name=law]:checked").send_keys(Keys.ARROW_RIGHT)
        expect(
            "the law does not follow the arrow key",
            element("[name=law]:checked").get_attribute("value") == "laplace 1",
        )
        expect("the law changes nothing", driver.execute_script(picture) != after)
        element("#sigma").send_keys(Keys.HOME)
        table = element("#accuracy").text
        element("#radius").send_keys(Keys.END)
        expect("certified accuracy ignores r", element("#accuracy").text != table)
        element("#norm").send_keys(Keys.HOME)
        expect(
            "no perturbation is certified", "within" in element("#digit-summary").text
        )
        element("#norm").send_keys(Keys.END)
        expect("a large one is not", "beyond" in element("#digit-summary").text)
        wrong += [f"interactive figure: {what}" for what in console_errors(driver)]
    # In its frame it is shown whole.
    open_page(driver, f"{address}/guide/interactive.html")
    fits = """
        const frame = document.querySelector("iframe.interactive");
        const page = frame.contentDocument;
        return page && page.readyState === "complete" &&
            frame.clientHeight >= page.body.scrollHeight;
    """
    try:
        wait_for(driver, fits, seconds=10)
    except Exception:
        wrong.append("interactive figure: it is cut off in its frame")
    print("The interactive figure moved by keyboard")
    return wrong


def wrong_in_browser(driver, address, screenshots):
    """List all that is wrong in a browser."""
    return [
        *wrong_figure(driver, address),
        *wrong_copies(driver, address),
        *wrong_searches(driver, address),
        *wrong_pages(driver, address, screenshots),
    ]


def browser():
    """Path of Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def set_up_chromium():
    """Install Chromium and its driver where that is possible."""
    missing = [package for name, package in PACKAGES.items() if not shutil.which(name)]
    if not missing or (browser() and shutil.which("chromedriver")):
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
    options.binary_location = browser()
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
