# SPDX-License-Identifier: BSD-3-Clause
"""Certificates on disk are recomputed from their votes, by code of its own."""

import json
import re
import shutil
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from sksmooth import CertificateLog, SmoothedClassifier, write_field_tsv
from sksmooth.logs._line_format import COLUMNS
from sksmooth.verification import verify_log
from tests.logged_runs import ThreeStrips, forged, logged_rows, rows, smoothed

X, Y = rows(40)
TWO = ThreeStrips(labels=(0, 1), edges=(0.0,))
FIVE = ThreeStrips(labels=tuple("abcde"), edges=(-0.6, -0.2, 0.1, 0.5))
RADII = [0.0, 0.05, 0.1, 0.2, 0.4]
# Each kind of procedure, bound and weights.
RUNS = {
    "planned": ({}, {}),
    "fixed": ({}, {"tol": 0}),
    "binary": ({"bound": "binary"}, {}),
    "two classes": ({"base": TWO}, {}),
    "weighted": ({"vote_weights": [1.0, 2.5, 0.3]}, {}),
    "weighted binary": ({"vote_weights": [1.0, 2.5, 0.3], "bound": "binary"}, {}),
    "at radii": ({}, {"radii": RADII}),
    "at radii, binary": ({"bound": "binary"}, {"radii": RADII}),
    "at radii, two classes": ({"base": TWO}, {"radii": RADII}),
    "at radii, weighted": ({"vote_weights": [1.0, 2.5, 0.3]}, {"radii": RADII}),
    "at radii, five classes": ({"base": FIVE, "n_certify": 3000}, {"radii": RADII}),
    "five classes": ({"base": FIVE, "alpha": 0.2}, {}),
}


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The bytes of a log of each kind."""
    texts = {}
    for name, (params, asked) in RUNS.items():
        path = tmp_path_factory.mktemp("logs") / "log.tsv"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of radii that are out of reach
            clf = smoothed(**params, batch_size=2**14)  # no batch changes a log
            clf.certify(X, **asked, log=CertificateLog(path, y=Y))
        texts[name] = path.read_bytes()
    return texts


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.tsv"


def verdict(path, text):
    path.write_bytes(text)
    return verify_log(path)


@pytest.mark.parametrize("name", RUNS)
def test_every_log_stands_the_check(logs, path, name):
    found = verdict(path, logs[name])
    assert found.holds, found.text
    assert found.text == f"{path}: true: all 40 rows hold, recomputed from their votes"


@pytest.mark.parametrize("n_rows", [0, 1, 17])
def test_a_log_that_is_cut_off_is_checked_as_far_as_it_goes(logs, path, n_rows):
    lines = logs["planned"].splitlines(keepends=True)
    torn = lines[3 + n_rows][:-9]
    found = verdict(path, b"".join([*lines[: 3 + n_rows], torn]))
    assert found.holds
    assert f"{n_rows} of 40 rows hold" in found.text


@pytest.mark.parametrize("end", [b"", b"\r"])
def test_the_last_row_is_checked_without_an_end_of_line(logs, path, end):
    """As `read_certificates` reads it, a false one must not pass unseen."""
    found = verdict(path, logs["planned"].rstrip(b"\n") + end)
    assert found.text == f"{path}: true: all 40 rows hold, recomputed from their votes"


def raise_radius(rng, log, row):
    """The next larger radius that could be claimed."""
    settings, found = log
    larger = [radius for radius in settings["radii"] or [] if radius > found["radius"]]
    if settings["radii"] is None:
        larger = [found["radius"] * (1 + 1e-9) + 1e-9]
    if not larger:
        return None
    return {"radius": repr(larger[0]), "abstained": "0"}


def swap_label(rng, log, row):
    """Another class."""
    settings, found = log
    others = [label for label in settings["classes"] if label != found["label"]]
    return {"predict": json.dumps(others[rng.integers(len(others))])}


def change_count(rng, log, row):
    """One vote more or less, of one class."""
    _, found = log
    counts = list(found["counts"])
    at = rng.integers(len(counts))
    counts[at] += -1 if counts[at] and rng.random() < 0.5 else 1
    return {"counts": ",".join(map(str, counts))}


def change_label_count(rng, log, row):
    """One vote more for a class that the label was chosen from."""
    _, found = log
    counts = list(found["label_counts"])
    counts[rng.integers(len(counts))] += 1
    return {"label_counts": ",".join(map(str, counts))}


def move_a_vote(rng, log, row):
    """One vote moved to the label: as many votes as before, and a larger share."""
    settings, found = log
    counts, label = list(found["counts"]), settings["classes"].index(found["label"])
    others = [at for at, count in enumerate(counts) if count and at != label]
    if not others:
        return None
    counts[rng.choice(others)] -= 1
    counts[label] += 1
    return {"counts": ",".join(map(str, counts))}


def spend_less(rng, log, row):
    return {"n_evaluations": str(log[1]["n_evaluations"] - 1)}


FORGERIES = [
    raise_radius,
    swap_label,
    change_count,
    change_label_count,
    spend_less,
]


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_each_log_with_one_forged_row_is_found(logs, path, name, forgery):
    """60 logs for each forgery, with checks that fit, so that only the votes tell."""
    rng = np.random.default_rng(len(name))
    text = logs[name]
    settings = json.loads(text.decode().splitlines()[1].split("\t")[0][2:])
    found = 0
    while found < 5:
        row = int(rng.integers(40))
        cells = forgery(rng, (settings, logged_rows(text)[row].found), row)
        if cells is None:
            continue

        def change(line, cells=cells):
            line = dict(zip(COLUMNS, line, strict=False)) | cells
            return line.values()

        wrong = verdict(path, forged(text, row + 4, change))
        assert not wrong.holds, (row, cells)
        assert f"{path}: false: row {row} (line {row + 4}): " in wrong.text
        assert "\n" not in wrong.text
        found += 1


def test_votes_moved_to_the_label_are_found_where_they_were_fresh(logs, path):
    """Of a sequence that went on, the end does not show every vote in between."""
    rng = np.random.default_rng(0)
    settings = json.loads(logs["planned"].decode().splitlines()[1].split("\t")[0][2:])
    rows_found = logged_rows(logs["planned"])
    n_moved = 0
    for row, logged in enumerate(rows_found):
        cells = move_a_vote(rng, (settings, logged.found), row)
        if cells is not None and any(logged.found["counts"]):
            change = {"counts": cells["counts"]}
            wrong = verdict(
                path,
                forged(
                    logs["planned"],
                    row + 4,
                    lambda line, change=change: (
                        dict(zip(COLUMNS, line, strict=False)) | change
                    ).values(),
                ),
            )
            assert not wrong.holds
            n_moved += 1
    assert n_moved > 5


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 0.01},
        {"alpha": 1e-9},
        {"sigma": 0.5},
        {"slack": 0.0},
        {"n_max": 900},
        {"weights": [1, 1, 2]},
        {"bound": "binary"},
        {"radii": [0.1]},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["planned", "at radii"])
def test_settings_that_do_not_belong_to_the_votes_are_found(logs, path, name, settings):
    def change(text):
        return json.dumps(json.loads(text) | settings, sort_keys=True)

    assert not verdict(path, forged(logs[name], 2, change)).holds


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    """The bytes of a log in units of the features, one of which is held fixed."""
    path = tmp_path_factory.mktemp("logs") / "log.tsv"
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), np.arange(20) % 2
    clf = SmoothedClassifier(
        GaussianNB(),
        feature_scale=[1.0, 4.0, 0.0],
        method="monte_carlo",
        n_certify=100,
        random_state=0,
    )
    clf.fit(X, y).certify(X, log=CertificateLog(path, y=y))
    return path.read_bytes()


def with_settings(text, settings):
    """A log with other settings; those that are ... are left out."""

    def change(head):
        changed = json.loads(head) | settings
        return json.dumps({k: v for k, v in changed.items() if v is not ...})

    return forged(text, 2, change)


@pytest.mark.parametrize(
    "settings",
    [
        {"scale": [10.0, 40.0, 0.0]},
        {"scale": [1.0, 4.0, 1.0]},
        {"scale": [1.0, 4.0]},
        {"scale": None},
        {"noise_scale": [10.0, 40.0]},
        {"noise_scale": None},
        {"scale": [2.0, 8.0, 0.0], "noise_scale": [2.0, 8.0]},
        {"n_features": 3},
        {"row_shape": [2]},
        {"row_shape": [True, 3]},
        {"features": ["a", "b"]},
        {"law": {"n_features": 3}},
        {"law": {"whole": True}},
        {"grid": [0.0, 0.0]},
        {"grid": [2.0**-23, 2.0**-21]},
        {"grid": ...},
        {"row_shape": ...},
        {"weights": []},
    ],
    ids=str,
)
def test_settings_that_contradict_each_other_are_found(scaled, path, settings):
    """Units and numbers of features do not show in votes, and give radii a meaning."""
    assert verdict(path, scaled).holds
    found = verdict(path, with_settings(scaled, settings))
    assert f"{path}: cannot be checked: line 2: odd settings (" in found.text


@pytest.mark.parametrize("name", RUNS)
def test_a_true_label_that_was_changed_is_found(logs, path, name):
    """It changes an accuracy as a label that is claimed does."""

    def change(cells):
        return [*cells[:2], str(2 - int(cells[2])), *cells[3:]]

    line = next(at for at in range(4, 44) if Y[at - 4] != 1)
    found = verdict(path, forged(logs[name], line, change))
    assert not found.holds
    assert "the true labels are not those" in found.text


def test_rows_that_were_swapped_or_doubled_are_found(logs, path):
    lines = logs["planned"].decode().split("\n")
    cells = [line.split("\t") for line in lines[3:-1]]
    other = next(at for at in range(40) if Y[at] != Y[0])

    def rewritten(rows, n_rows):
        for at, row in enumerate(rows):
            row[0] = str(at)
        head = [*lines[:3], *map("\t".join, rows), ""]
        return with_settings("\n".join(head).encode(), {"n_rows": n_rows})

    swapped = [list(row) for row in cells]
    swapped[0], swapped[other] = swapped[other], swapped[0]
    doubled = [list(cells[0]), *map(list, cells)]
    for rows_now in (swapped, doubled, doubled[2:]):
        found = verdict(path, rewritten(rows_now, len(rows_now)))
        assert "false: the true labels are not those" in found.text


def test_labels_without_a_digest_are_found(logs, path):
    found = verdict(path, with_settings(logs["planned"], {"y": None}))
    assert "false: the true labels are not those" in found.text


def test_a_radius_may_be_smaller_by_rounding_and_by_no_more(logs, path):
    text = logs["planned"]
    row = next(
        at for at, one in enumerate(logged_rows(text)) if one.found["radius"] > 0
    )
    radius = logged_rows(text)[row].found["radius"]

    def claims(factor):
        def change(cells):
            return [*cells[:4], repr(radius * factor), *cells[5:]]

        return verdict(path, forged(text, row + 4, change)).holds

    assert claims(1 - 1e-15)
    assert claims(1 + 1e-15)
    assert not claims(1 - 1e-9)
    assert not claims(1 + 1e-9)


@pytest.mark.parametrize("radii", [None, [0.1, 0.3]])
def test_closed_forms_are_said_to_need_the_classifier(path, radii):
    X, y = load_iris(return_X_y=True)
    base = LogisticRegression(max_iter=500).fit(X, y)
    clf = SmoothedClassifier.from_fitted(base, method="exact", random_state=0)
    clf.certify(X, radii=radii, log=path)
    found = verify_log(path)
    assert found.holds
    assert "not recomputed: all 150 rows hold closed forms" in found.text
    text = forged(path.read_bytes(), 9, lambda cells: [*cells[:-2], "1,0,0", "0,0,0"])
    assert "row 5 (line 9): votes of a closed form" in verdict(path, text).text
    for settings in ({"alpha": 0.1}, {"slack": 0.1}):
        text = with_settings(path.read_bytes(), settings)
        assert "alpha and slack of a closed form" in verdict(path, text).text


def test_closed_forms_claim_the_radii_that_were_requested(path):
    X, y = load_iris(return_X_y=True)
    base = LogisticRegression(max_iter=500).fit(X, y)
    clf = SmoothedClassifier.from_fitted(base, method="exact", random_state=0)
    clf.certify(X[:5], radii=[0.1, 0.3], log=path)
    text = with_settings(path.read_bytes(), {"radii": [0.1, 0.4]})
    assert "0.3 is none of the requested radii" in verdict(path, text).text


@pytest.mark.parametrize("name", ["planned", "at radii"])
def test_a_damaged_line_cannot_be_checked(logs, path, name):
    lines = logs[name].splitlines(keepends=True)
    lines[10] = lines[10].replace(b"\t0.", b"\t1.", 1)
    found = verdict(path, b"".join(lines))
    assert not found.holds
    assert found.text == f"{path}: cannot be checked: line 11: its check does not fit"


def test_what_is_no_log_cannot_be_checked(logs, path, tmp_path):
    certificates = smoothed().certify(X[:5])
    write_field_tsv(tmp_path / "field.tsv", certificates, Y[:5])
    for text in (b"", b"\n", b"no log\n", (tmp_path / "field.tsv").read_bytes()):
        found = verdict(path, text)
        assert not found.holds
        assert f"{path}: cannot be checked: line 1: no log of sksmooth" in found.text


ODD_CELLS = ["", "abc", "-1", "1e400", "nan", "1_0", "٣", str(2**80), "[" * 10_000]


@pytest.mark.parametrize("name", ["planned", "at radii"])
@pytest.mark.parametrize("column", range(len(COLUMNS) - 1))
def test_odd_cells_are_named_and_never_raise(logs, path, name, column):
    for odd in ODD_CELLS:

        def change(cells, odd=odd):
            return [*cells[:column], odd, *cells[column + 1 :]]

        found = verdict(path, forged(logs[name], 8, change))
        if COLUMNS[column] not in ("digest", "label"):
            assert not found.holds, odd
            assert re.search(r"line 8\b", found.text)
        assert "\n" not in found.text


def test_odd_settings_are_named_and_never_raise(logs, path):
    for name in ("weighted", "at radii, weighted"):
        # A single row: settings are read once, whatever follows.
        text = b"".join(logs[name].splitlines(keepends=True)[:4])
        settings = json.loads(text.decode().splitlines()[1].split("\t")[0][2:])
        for setting in settings:
            for odd in (None, [], {}, "abc", -1, float("nan"), 10**400, [[1]], True):

                def change(text, setting=setting, odd=odd):
                    return json.dumps(json.loads(text) | {setting: odd})

                found = verdict(path, forged(text, 2, change))
                assert "\n" not in found.text, (name, setting, odd)

            def without(text, setting=setting):
                left = json.loads(text)
                del left[setting]
                return json.dumps(left)

            verdict(path, forged(text, 2, without))
    for odd in ("[" * 100_000, "null", "3", '"', ""):
        found = verdict(path, forged(text, 2, lambda _, odd=odd: odd))
        assert "cannot be checked: line 2: " in found.text


def test_a_law_it_does_not_know_is_not_called_false(logs, path):
    text = forged(
        logs["planned"], 2, lambda text: text.replace('"gaussian"', '"student"')
    )
    told = verdict(path, text).text
    assert told.startswith(f"{path}: cannot be checked: line 2: odd settings (")
    assert "noise='student' is not known here" in told


def test_it_shares_no_code_with_what_it_checks():
    """The linter holds the rule; here that it is the rule that is meant."""
    import sksmooth.verification._evidence as evidence
    import sksmooth.verification._log_text as log_text
    import sksmooth.verification._verify as verify

    for module in (evidence, log_text, verify):
        homes = {
            getattr(value, "__module__", None) or getattr(value, "__name__", "")
            for value in vars(module).values()
        }
        assert not {
            home
            for home in homes
            if str(home).startswith("sksmooth")
            and not str(home).startswith("sksmooth.verification")
        }


def test_a_copy_elsewhere_stands_the_check_too(logs, path, tmp_path):
    path.write_bytes(logs["weighted"])
    shutil.copy(path, tmp_path / "copy.tsv")
    assert verify_log(str(tmp_path / "copy.tsv")).holds
    text = logs["weighted"].replace(b"\n", b"\r\n")
    assert verdict(path, text).holds  # as it reads on Windows
