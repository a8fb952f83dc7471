# SPDX-License-Identifier: BSD-3-Clause
"""What the displays draw is what the numbers say."""

import dataclasses
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksmooth import Certificates, SmoothedClassifier
from sksmooth.inspection import (
    CertifiedAccuracyDisplay,
    ClasswiseAccuracyDisplay,
    DecisionRegionDisplay,
    ShrinkageDisplay,
)
from sksmooth.inspection._decision_region_display import _base_map, _shares
from sksmooth.inspection._drawing import spread_apart
from sksmooth.metrics import (
    average_certified_radius_score as mean_radius,
)
from sksmooth.metrics import (
    certified_accuracy_score,
    classwise_report,
)
from sksmooth.shrinkage import (
    ball_smoothed_radius,
    ball_vanishing_sigma,
    shrinkage_curve,
    vanishing_sigma,
)
from tests.known_regions import Inside

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.text import Text  # noqa: E402


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def make_certificates(n_rows=200, n_classes=3, radii=None, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.array([f"c{i}" for i in range(n_classes)])
    y = classes[rng.integers(n_classes, size=n_rows)]
    label = np.where(rng.random(n_rows) < 0.8, y, rng.choice(classes, n_rows))
    abstained = rng.random(n_rows) < 0.15
    radius = rng.choice(radii, n_rows) if radii else rng.exponential(size=n_rows)
    return y, Certificates(
        label=label,
        radius=np.where(abstained, 0.0, radius),
        abstained=abstained,
        p_lower=np.full(n_rows, 0.5),
        counts=np.zeros((n_rows, n_classes), dtype=int),
        n_evaluations=np.zeros(n_rows, dtype=int),
        classes=classes,
        sigma=0.5,
        noise="gaussian",
        norm=2,
        alpha=0.001,
        method="monte_carlo",
        radii=radii,
    )


def step_value(line, r):
    """The value at r of a line drawn with "steps-pre"."""
    assert line.get_drawstyle() == "steps-pre"
    x, y = line.get_data()
    return y[np.searchsorted(x, r, side="left")]


def overlapping(texts):
    # Of an annotation the text alone: not the line that leads to it.
    boxes = [Text.get_window_extent(t) for t in texts]
    return [
        (i, j)
        for i in range(len(boxes))
        for j in range(i)
        # A shared edge is not an overlap.
        if boxes[i].shrunk(0.98, 0.9).overlaps(boxes[j].shrunk(0.98, 0.9))
    ]


def outside(artist, ax):
    """Whether an artist leaves the inside of the axes to the data."""
    inner = ax.get_window_extent().shrunk(0.999, 0.999)
    return not artist.get_window_extent().overlaps(inner)


# ----------------------------------------------------- certified accuracy


def test_curves_are_the_certified_accuracy_at_every_radius():
    y, certificates = make_certificates()
    display = CertifiedAccuracyDisplay.from_certificates(y, certificates)
    on_a_step = certificates.radius[~certificates.abstained][:20]
    for r in [0.0, 1e-9, 0.3, 1.1, *on_a_step.tolist(), *(on_a_step + 1e-9).tolist()]:
        ask = {"radius": r}
        if r > display.radii[-1]:
            continue
        overall = certified_accuracy_score(y, certificates, **ask)
        assert step_value(display.line_, r) == pytest.approx(overall, abs=1e-12)
        by_class = certified_accuracy_score(y, certificates, average=None, **ask)
        drawn = [step_value(line, r) for line in display.class_lines_]
        np.testing.assert_allclose(drawn, by_class, atol=1e-12)
    assert display.line_.get_ydata()[-1] == 0


@pytest.mark.parametrize(
    ("changed", "units"),
    [
        ({}, "in the units of X"),
        ({"scale": (2.0, 0.0)}, "in the units of feature_scale"),
        ({"norm": 0, "noise": "token_deletion"}, "in words"),
        ({"norm": 0, "noise": "resample"}, "in categories"),
    ],
)
def test_the_axis_says_what_radii_are_measured_in(changed, units):
    y, certificates = make_certificates(n_rows=20)
    certificates = dataclasses.replace(certificates, **changed)
    display = CertifiedAccuracyDisplay.from_certificates(y, certificates)
    assert display.ax_.get_xlabel() == f"certified radius r, {units}"


def test_bands_are_the_intervals_of_the_report():
    y, certificates = make_certificates()
    display = CertifiedAccuracyDisplay.from_certificates(y, certificates)
    r = display.radii[50]
    report = classwise_report(y, certificates, radii=(r,), output="dict")
    rows = [*report["by_class"].values(), report["overall"]]
    intervals = [*display.class_interval[:, :, 50].T, display.accuracy_interval[:, 50]]
    for row, interval in zip(rows, intervals, strict=True):
        expected = row["certified_accuracy_low"], row["certified_accuracy_high"]
        np.testing.assert_allclose(interval, expected, atol=1e-12)
    assert len(display.bands_) == 4


def test_certificates_asked_at_radii_are_points_there_only():
    radii = (0.5, 0.25, 1.0)
    y, certificates = make_certificates(radii=radii)
    display = CertifiedAccuracyDisplay.from_certificates(y, certificates)
    assert display.restricted
    for line in (display.line_, *display.class_lines_):
        assert line.get_linestyle() == "None"
        np.testing.assert_array_equal(line.get_xdata(), sorted(radii))
    expected = [
        certified_accuracy_score(y, certificates, radius=r) for r in sorted(radii)
    ]
    np.testing.assert_allclose(display.line_.get_ydata(), expected)
    # The thin steps are lower bounds, and none goes beyond the last radius requested.
    steps = [x for x in display.ax_.lines if x.get_drawstyle() == "steps-pre"]
    assert steps and max(x.get_xdata().max() for x in steps) == 1.0


def test_legend_runs_from_the_most_to_the_least_certified_class():
    y, certificates = make_certificates(n_rows=400, n_classes=10)
    display = CertifiedAccuracyDisplay.from_certificates(
        y, certificates, classes=certificates.classes[:4]
    )
    names = [text.get_text() for text in display.legend_.get_texts()]
    radius = dict(
        zip(
            certificates.classes.tolist(), display.average_certified_radius, strict=True
        )
    )
    order = sorted(radius, key=radius.get, reverse=True)
    assert names == ["overall", *(c for c in order if c in ("c0", "c1", "c2", "c3"))]
    # Of more than five classes the best and the worst have a color and a name.
    display = CertifiedAccuracyDisplay.from_certificates(y, certificates)
    names = [text.get_text() for text in display.legend_.get_texts()]
    assert names == ["overall", order[0], "8 classes between", order[-1]]
    drawn = dict(zip(certificates.classes.tolist(), display.class_lines_, strict=True))
    greys = [c for c in order if drawn[c].get_color() == "0.72"]
    assert greys == order[1:-1]
    shown = [matplotlib.colors.to_rgb(drawn[c].get_color()) for c in order[::9]]
    assert all(np.ptp(rgb) > 0.5 for rgb in shown)  # far from grey
    # Of ten classes only the last gets a band, beside the overall one.
    assert len(display.bands_) == 2
    assert len(display.plot(bands="all").bands_) == 11
    assert display.plot(bands="none").bands_ == []
    with pytest.raises(ValueError, match="bands must be one of"):
        display.plot(bands="some")


def test_a_class_without_rows_has_no_curve():
    y, certificates = make_certificates()
    some = y != "c1"
    display = CertifiedAccuracyDisplay.from_certificates(y[some], certificates[some])
    assert display.class_lines_[1] is None
    assert len(display.legend_.get_texts()) == 3


def test_nothing_certified_is_a_curve_at_zero():
    _, certificates = make_certificates(n_rows=6)
    wrong = np.where(certificates.label == "c0", "c1", "c0")
    display = CertifiedAccuracyDisplay.from_certificates(wrong, certificates)
    np.testing.assert_array_equal(display.line_.get_ydata(), 0)


def test_from_estimator_asks_the_smoothed_classifier_inside_a_pipeline():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(
        StandardScaler(),
        SmoothedClassifier(DecisionTreeClassifier(random_state=0), sigma=0.3),
    ).fit(X, y)
    display = CertifiedAccuracyDisplay.from_estimator(model, X, y)
    certificates = model[-1].certify(model[:-1].transform(X))
    expected = CertifiedAccuracyDisplay.from_certificates(y, certificates)
    np.testing.assert_array_equal(display.accuracy, expected.accuracy)
    assert "DecisionTreeClassifier" in display.ax_.get_title()
    with pytest.raises(TypeError, match="holds no SmoothedClassifier"):
        CertifiedAccuracyDisplay.from_estimator(model[-1].estimator_, X, y)


# ------------------------------------------------------ classwise accuracy


def test_parts_of_a_bar_and_the_wrong_rows_are_all_rows():
    y, certificates = make_certificates()
    y_base = np.where(np.arange(len(y)) % 9, y, "c0")
    display = ClasswiseAccuracyDisplay.from_certificates(
        y, certificates, y_base=y_base, radius=0.4
    )
    wrong = (certificates.label != y) & ~certificates.abstained
    for bar, c in enumerate([*display.order_.tolist(), None]):
        rows = np.full(len(y), True) if c is None else y == certificates.classes[c]
        parts = [display.bars_[key][bar].get_width() for key in display.bars_]
        right = certified_accuracy_score(y[rows], certificates[rows], radius=0.4)
        assert parts[0] == pytest.approx(right)
        assert parts[2] == pytest.approx(certificates.abstained[rows].mean())
        assert sum(parts) + wrong[rows].mean() == pytest.approx(1.0)
        # Each part begins where the one before ends.
        starts = [display.bars_[key][bar].get_x() for key in display.bars_]
        np.testing.assert_allclose(starts, [0, *np.cumsum(parts)[:-1]])
        tick = display.base_.get_segments()[bar]
        assert tick[0][0] == pytest.approx((y_base == y)[rows].mean())


def test_bars_are_sorted_by_loss_and_say_it():
    y, certificates = make_certificates(n_rows=400, n_classes=10)
    display = ClasswiseAccuracyDisplay.from_certificates(y, certificates, y_base=y)
    loss = (display.base_accuracy - display.accuracy)[display.order_]
    assert (np.diff(loss) <= 0).all() and loss[0] > loss[-1]
    said = [float(t.get_text().replace("−", "-")) for t in display.text_[: len(loss)]]
    np.testing.assert_allclose(said, -100 * loss, atol=0.05 + 1e-9)


def test_from_predictions_knows_no_abstention():
    display = ClasswiseAccuracyDisplay.from_predictions(
        [0, 0, 1, 1], [0, 2, 1, 1], y_base=[0, 0, 0, 1]
    )
    np.testing.assert_array_equal(display.accuracy, [0.5, 1.0])
    np.testing.assert_array_equal(display.base_accuracy, [1.0, 0.5])
    assert [t.get_text() for t in display.legend_.get_texts()] == [
        "base classifier: right",
        "smoothed: right",
        "95 % interval",
    ]
    with pytest.raises(ValueError, match="y_pred has 1 samples and y_true 2"):
        ClasswiseAccuracyDisplay.from_predictions([0, 1], [0])


def test_from_estimator_compares_with_the_base_classifier():
    X, y = load_iris(return_X_y=True)
    clf = SmoothedClassifier(DecisionTreeClassifier(random_state=0), sigma=0.6)
    clf.fit(X[::2], y[::2])
    display = ClasswiseAccuracyDisplay.from_estimator(clf, X, y, radius=0.2)
    expected = list(clf.classwise_score(X, y, radius=0.2).values())
    np.testing.assert_allclose(display.accuracy, expected)
    base = clf.estimator_.predict(X) == y
    np.testing.assert_allclose(
        display.base_accuracy, [base[y == c].mean() for c in range(3)]
    )


# --------------------------------------------------------------- shrinkage


@pytest.fixture(scope="module")
def ball_curve():
    clf = Inside().fit()
    X = np.random.default_rng(0).uniform(-1.2, 1.2, (150, 2))
    y = clf.predict(X)
    params = {"n_predict": 200, "n_certify": 200, "random_state": 0}
    curve = shrinkage_curve(clf, X, y, [0.6, 0.3, 1.1], acr=False, **params)
    return curve, vanishing_sigma(clf, X, y, sigma_range=(0.1, 1.1), **params)


def test_curves_marks_and_theory_are_what_was_given(ball_curve):
    curve, gone = ball_curve
    theory = {1: lambda sigma: ball_smoothed_radius(1, sigma, 2) ** 2}
    display = ShrinkageDisplay.from_curve(curve, vanishing=gone, theory=theory)
    for c in (0, 1):
        x, values = display.class_lines_[c].get_data()
        np.testing.assert_array_equal(x, [0.3, 0.6, 1.1])
        np.testing.assert_array_equal(values, curve.accuracy[[1, 0, 2], c])
    overall = curve.summary()["overall"][[1, 0, 2]]
    np.testing.assert_allclose(display.line_.get_ydata(), overall)

    assert set(display.vanishing_marks_) == {1}  # the outside never vanishes
    assert display.vanishing_marks_[1].get_xdata() == gone.sigma[1]
    x, known = display.theory_lines_[1].get_data()
    assert (known[x > ball_vanishing_sigma(1, 2)] == 0).all() and known[0] > 0.8
    names = [t.get_text() for t in display.text_]
    assert names == ["0", f"1  (gone at {gone.sigma[1]:.3g})", "overall"]


@pytest.mark.parametrize(
    "score", ["certified_accuracy", "abstention_rate", "predicted_share"]
)
def test_every_score_can_be_drawn(ball_curve, score):
    curve, _ = ball_curve
    display = ShrinkageDisplay.from_curve(curve, score=score)
    values = display.class_lines_[1].get_ydata()
    np.testing.assert_array_equal(values, getattr(curve, score)[[1, 0, 2], 1])
    assert (display.line_ is None) == (score == "predicted_share")


def test_shrinkage_refuses_what_it_cannot_draw(ball_curve):
    curve, _ = ball_curve
    with pytest.raises(ValueError, match="acr=True"):
        ShrinkageDisplay.from_curve(curve, score="average_certified_radius")
    with pytest.raises(ValueError, match="score must be one of"):
        ShrinkageDisplay.from_curve(curve, score="acuracy")
    with pytest.raises(ValueError, match=r"theory has the classes \['in'\]"):
        ShrinkageDisplay.from_curve(curve, theory={"in": [1, 1, 1]})
    with pytest.raises(TypeError, match="curve must be what shrinkage_curve returns"):
        ShrinkageDisplay.from_curve([1, 2])


def test_shrinkage_from_estimator_measures_acr_if_it_is_drawn():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(X[::2], y[::2])
    display = ShrinkageDisplay.from_estimator(
        tree, X, y, [0.5, 1.0], score="average_certified_radius", method="exact"
    )
    low, high = display.ax_.get_ylim()
    assert low < 0 and high > display.curve.average_certified_radius.max()
    assert display.vanishing is not None


# -------------------------------------------------------- decision regions


def linear_votes(sigma, xx0, xx1):
    """Shares of the votes of the half-plane x0 + x1 > 0 against the other."""
    from scipy.special import ndtr

    margin = (xx0[None, :] + xx1[:, None]) / np.sqrt(2)
    return np.stack([ndtr(-margin / sigma), ndtr(margin / sigma)])


def half_plane():
    X = np.array([[-1.0, -1.0], [1.0, 1.0]])
    return LogisticRegression().fit(X, [0, 1]), X


@pytest.mark.parametrize("source", ["exact", "blur"])
@pytest.mark.parametrize("sigma", [0.2, 0.6, 5.0])
def test_pictures_show_the_votes_of_a_half_plane(source, sigma):
    clf, _ = half_plane()
    smoothed = SmoothedClassifier.from_fitted(clf, sigma=sigma)
    xx = np.linspace(-1.99, 1.99, 200)
    shares, found = _shares(smoothed, xx, xx, source)
    assert found == source
    # What cells do to a straight edge: under half a cell's width in the margin.
    atol = 1e-9 if source == "exact" else 0.4 * max(0.02, sigma / 12) / sigma
    np.testing.assert_allclose(shares, linear_votes(sigma, xx, xx), atol=atol)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-12)


def test_the_blur_agrees_with_the_boxes_of_a_tree():
    X, y = make_moons(150, noise=0.2, random_state=0)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    smoothed = SmoothedClassifier.from_fitted(tree, sigma=0.3)
    xx0, xx1 = np.linspace(-1.5, 2.5, 120), np.linspace(-1, 1.5, 75)
    exact, kind = _shares(smoothed, xx0, xx1, "auto")
    blur, _ = _shares(smoothed, xx0, xx1, "blur")
    assert kind == "exact" and smoothed.method == "auto"
    # Measured for trees at this sigma: 0.044 at 100 pixels, 0.015 at 200.
    assert np.abs(exact - blur).max() < 0.05


@pytest.mark.parametrize("noise", ["laplace", "uniform"])
def test_the_blur_has_the_noise_of_the_votes(noise):
    X, y = make_moons(150, noise=0.2, random_state=0)
    smoothed = SmoothedClassifier(
        DecisionTreeClassifier(max_depth=4, random_state=0),
        sigma=0.3,
        noise=noise,
        method="monte_carlo",
        n_predict=4000,
        random_state=0,
    ).fit(X, y)
    xx = np.linspace(-1.5, 2.5, 100)
    blur, kind = _shares(smoothed, xx, xx, "blur")
    assert kind == "blur"
    of = np.arange(100)
    drawn = smoothed.predict_proba(np.column_stack([xx, xx]))
    # 4 standard errors of the votes, and 0.05 for the cells, as above.
    most = 0.05 + 4 * np.sqrt(0.25 / 4000)
    assert np.abs(blur[:, of, of].T - drawn).max() < most


def test_noise_that_is_not_added_has_no_picture():
    X, y = make_moons(50, random_state=0)
    clf = SmoothedClassifier(LogisticRegression(), noise="splitting").fit(X, y)
    with pytest.raises(
        ValueError, match=r"noise='splitting' has no picture.*'laplace'"
    ):
        DecisionRegionDisplay.from_estimator(clf, X)


def test_regions_are_the_answers_of_both_classifiers():
    X, y = make_moons(150, noise=0.2, random_state=0)
    X = X * [1.0, 3.0]  # not square, so that mixed axes show
    clf = SmoothedClassifier(KNeighborsClassifier(), sigma=0.4, random_state=0)
    clf.fit(X, np.array(["low", "up"])[y])
    display = DecisionRegionDisplay.from_estimator(clf, X, grid_resolution=60)
    assert display.sources == ["blur"]
    base, smoothed = (s.get_array() for s in display.surfaces_)
    lines, columns = np.indices(base.shape)[:, ::7, ::5].reshape(2, -1)
    rows = np.column_stack([display.xx0[columns], display.xx1[lines]])
    answers = clf.classes_[base[lines, columns]]
    assert (answers == clf.estimator_.predict(rows)).all()
    lead = clf.predict_proba(rows)
    clear = np.abs(lead[:, 0] - lead[:, 1]) > 0.2
    answers = clf.classes_[smoothed[lines, columns]]
    assert clear.mean() > 0.5
    assert (answers[clear] == clf.predict(rows)[clear]).all()
    extent = display.surfaces_[0].get_extent()
    assert extent[0] < X[:, 0].min() and extent[3] > X[:, 1].max()


def test_balls_are_the_certificates_to_scale():
    clf, X = half_plane()
    points = np.array([[1.0, 0.5], [-0.3, -0.4], [2.0, 2.0]])
    display = DecisionRegionDisplay.from_estimator(
        clf, X, [0, 1], sigmas=[0.3, 0.7], points=points, grid_resolution=40
    )
    # A linear model's radius is the distance to its boundary, at every sigma.
    distance = np.abs(points.sum(axis=1)) / np.sqrt(2)
    radii = [ball.get_radius() for ball in display.balls_]
    np.testing.assert_allclose(radii, [*distance, *distance], rtol=1e-6)
    np.testing.assert_array_equal([b.center for b in display.balls_[:3]], points)
    assert [ball.axes for ball in display.balls_[::3]] == list(display.axes_[1:])
    display.figure_.canvas.draw()
    for ball in display.balls_:
        box = ball.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-6)


def test_an_abstained_point_has_no_ball():
    X, y = make_moons(60, random_state=0)
    clf = SmoothedClassifier(KNeighborsClassifier(), n_certify=100, random_state=0)
    points = [[5.0, -5.0], [0.5, 0.25]]
    display = DecisionRegionDisplay.from_estimator(
        clf.fit(X, y), X, y, points=points, kind="contours", grid_resolution=40
    )
    abstained = display.certificates[0].abstained
    assert abstained.tolist() == [False, True]
    assert len(display.balls_) == 1 and len(display.axes_) == 1
    assert "abstains" in [t.get_text() for t in display.legend_.get_texts()]


def test_vote_weights_move_the_picture():
    clf, X = half_plane()
    plain, heavy = (
        DecisionRegionDisplay.from_estimator(
            clf, X, vote_weights=w, sigmas=0.5, grid_resolution=50
        )
        .surfaces_[1]
        .get_array()
        .mean()
        for w in (None, {1: 3.0})
    )
    assert heavy > plain + 0.05


def test_behind_a_scaler_the_picture_is_in_scaled_units():
    X, y = make_moons(100, noise=0.2, random_state=0)
    clf = SmoothedClassifier(DecisionTreeClassifier(random_state=0), sigma=0.3)
    model = make_pipeline(StandardScaler(), clf).fit(100 * X, y)
    display = DecisionRegionDisplay.from_estimator(
        model, 100 * X, points=100 * X[:2], grid_resolution=40
    )
    assert np.abs(display.xx0).max() < 5
    np.testing.assert_allclose(display.points, model[0].transform(100 * X[:2]))
    assert model[-1].sigma == 0.3


@pytest.mark.parametrize(
    "bounds", [((-1.5, 1.5), (-1.5, 1.5)), ((-1.75, 2.65), (-1.25, 1.75))]
)
@pytest.mark.parametrize(
    ("n_sigmas", "lines", "columns"), [(1, 1, 2), (2, 1, 3), (3, 2, 2), (4, 2, 3)]
)
def test_panels_stand_in_lines_and_nothing_is_cut_off(n_sigmas, lines, columns, bounds):
    clf, X = half_plane()
    X = np.clip(X, -1.25, 1.5)
    display = DecisionRegionDisplay.from_estimator(
        clf,
        X,
        sigmas=np.linspace(0.2, 1.0, n_sigmas),
        bounds=bounds,
        grid_resolution=30,
    )
    display.figure_.canvas.draw()
    boxes = [ax.get_window_extent() for ax in display.axes_]
    assert len({round(box.x0) for box in boxes}) == columns
    assert len({round(box.y0) for box in boxes}) == lines
    assert len(display.figure_.axes) == len(display.axes_) == 1 + n_sigmas
    # One name of the first feature for each column, of the second for each line.
    assert sum(bool(ax.get_xlabel()) for ax in display.axes_) == columns
    assert sum(bool(ax.get_ylabel()) for ax in display.axes_) == lines
    page = display.figure_.bbox
    for ax in display.axes_:
        box = ax.get_tightbbox()
        assert page.x0 <= box.x0 and box.x1 <= page.x1
        assert page.y0 <= box.y0 and box.y1 <= page.y1
        assert outside(display.legend_, ax)
    numbers = [
        tick.label1
        for ax in display.axes_
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis.get_major_ticks()
        if tick.label1.get_visible()
        # Beyond these, ticks are there and not drawn.
        and np.clip(tick.get_loc(), *axis.get_view_interval()) == tick.get_loc()
    ]
    assert len(numbers) >= 5
    assert overlapping(numbers) == []


def test_a_sigma_without_a_boundary_says_which_class_is_left():
    rows = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]
    clf = KNeighborsClassifier(1).fit(rows, ["in", "out", "out", "out", "out"])
    display = DecisionRegionDisplay.from_estimator(
        clf, rows, sigmas=[0.2, 2.0], kind="contours", grid_resolution=40
    )
    names = [text.get_text() for text in display.legend_.get_texts()]
    assert names[-2:] == ["σ = 0.2", "σ = 2: out everywhere"]
    display.figure_.canvas.draw()
    assert display.ax_.get_tightbbox().x1 <= display.figure_.bbox.x1


def test_names_of_features_reach_the_axes_and_the_classifier():
    pd = pytest.importorskip("pandas")
    X, y = make_moons(60, random_state=0)
    X = pd.DataFrame(X, columns=["width", "height"])
    clf = KNeighborsClassifier().fit(X, y)
    # A classifier that misses its names warns, and warnings are errors here.
    display = DecisionRegionDisplay.from_estimator(
        clf, X, sigmas=0.2, points=X[:2], grid_resolution=30, n_certify=100
    )
    assert display.axes_[0].get_xlabel() == "width"
    assert display.axes_[0].get_ylabel() == "height"


def test_decision_regions_refuse_bad_input():
    clf, X = half_plane()
    draw = DecisionRegionDisplay.from_estimator
    with pytest.raises(ValueError, match="must have two features"):
        iris = load_iris(return_X_y=True)
        draw(KNeighborsClassifier().fit(*iris), iris[0])
    with pytest.raises(ValueError, match="sigmas must be finite numbers > 0"):
        draw(clf, X, sigmas=[0.5, -1])
    with pytest.raises(ValueError, match="bounds must be"):
        draw(clf, X, bounds=((1, 0), (0, 1)))
    with pytest.raises(ValueError, match="grid_resolution=1 "):
        draw(clf, X, grid_resolution=1)
    with pytest.raises(ValueError, match="no closed form"):
        moons = make_moons(60, random_state=0)
        draw(KNeighborsClassifier().fit(*moons), moons[0], source="exact")
    with pytest.raises(ValueError, match="ax holds 1 axes; here 2"):
        draw(clf, X, ax=plt.subplots()[1], grid_resolution=10)


def test_the_base_map_is_the_same_in_batches(monkeypatch):
    clf, _ = half_plane()
    smoothed = SmoothedClassifier.from_fitted(clf)
    xx0, xx1 = np.linspace(-1, 1, 23), np.linspace(-1, 1, 11)
    whole = _base_map(smoothed, xx0, xx1)
    monkeypatch.setattr("sksmooth.inspection._decision_region_display._BATCH", 7)
    np.testing.assert_array_equal(_base_map(smoothed, xx0, xx1), whole)
    assert whole.shape == (11, 23)


# -------------------------------------------------------------- all of them


def ten_classes():
    """Every display of ten classes that differ little, the worst case for labels."""
    y, certificates = make_certificates(n_rows=300, n_classes=10)
    yield CertifiedAccuracyDisplay.from_certificates(y, certificates)
    yield ClasswiseAccuracyDisplay.from_certificates(y, certificates, y_base=y)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), np.arange(200) % 10
    tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X, y)
    yield ShrinkageDisplay.from_estimator(tree, X, y, [0.1, 3.0], method="exact")
    yield DecisionRegionDisplay.from_estimator(tree, X, y, grid_resolution=40)


def test_with_ten_classes_no_label_hides_data_or_another_label():
    for display in ten_classes():
        display.figure_.canvas.draw()
        texts = [
            *display.ax_.get_xticklabels(),
            *display.ax_.get_yticklabels(),
            *getattr(display, "text_", []),
            *(display.legend_.get_texts() if display.legend_ else []),
        ]
        texts = [t for t in texts if t.get_text() and t.get_visible()]
        assert len(texts) > 10
        assert overlapping(texts) == [], type(display).__name__
        assert outside(display.legend_, display.ax_), type(display).__name__


def test_displays_draw_in_the_axes_they_are_given():
    y, certificates = make_certificates()
    for cls in (CertifiedAccuracyDisplay, ClasswiseAccuracyDisplay):
        figure, ax = plt.subplots()
        display = cls.from_certificates(y, certificates, ax=ax, despine=True)
        assert display.ax_ is ax and display.figure_ is figure
        assert not ax.spines["top"].get_visible()
        assert display.plot(name="mine") is display  # again, in a figure of its own
        assert display.ax_ is not ax
        assert display.ax_.get_title() == "mine, σ = 0.5"


def drawn_in(axes):
    """Every display, each in one of four axes that a user has made."""
    y, certificates = make_certificates(n_rows=300, n_classes=10)
    yield CertifiedAccuracyDisplay.from_certificates(
        y, certificates, ax=axes[0], classes=certificates.classes[:5]
    )
    yield ClasswiseAccuracyDisplay.from_certificates(
        y, certificates, y_base=y, ax=axes[1]
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 2)), np.arange(100) % 4
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    yield ShrinkageDisplay.from_estimator(
        tree, X, y, [0.1, 3.0], method="exact", ax=axes[2]
    )
    yield DecisionRegionDisplay.from_estimator(
        tree, X, y, grid_resolution=40, kind="contours", ax=axes[3]
    )


@pytest.mark.parametrize("shape", [(2, 2), (1, 4), (4, 1)])
def test_in_given_axes_nothing_covers_the_data_nor_leaves_the_figure(shape):
    figure, axes = plt.subplots(*shape, figsize=(5 * shape[1], 4 * shape[0]))
    slots = [ax.get_window_extent().frozen() for ax in axes.flat]
    displays = list(drawn_in(axes.ravel()))
    figure.canvas.draw()
    for slot, display in zip(slots, displays, strict=True):
        for artist in (display.legend_, *getattr(display, "text_", [])):
            box = Text.get_window_extent(artist) if isinstance(artist, Text) else None
            box = artist.get_window_extent() if box is None else box
            assert box.x1 <= slot.x1 + 1 and slot.y0 - 1 <= box.y0
            assert figure.bbox.x0 <= box.x0 and box.y1 <= figure.bbox.y1
        for ax in axes.flat:
            assert outside(display.legend_, ax)


def test_axes_drawn_in_again_and_again_keep_their_size():
    y, certificates = make_certificates()
    _, ax = plt.subplots()
    draw = CertifiedAccuracyDisplay.from_certificates
    sizes = []
    for _ in range(3):
        ax.clear()
        draw(y, certificates, ax=ax)
        sizes.append(ax.get_position().bounds)
    np.testing.assert_allclose(sizes, [sizes[0]] * 3)
    assert sizes[0][2] > 0.3


def test_models_are_compared_in_the_same_axes():
    _, ax = plt.subplots()
    displays = []
    for seed, name in enumerate(["svc", "knn", "tree"]):
        y, certificates = make_certificates(seed=seed)
        display = CertifiedAccuracyDisplay.from_certificates(
            y, certificates, name=name, classes="worst", ax=ax
        )
        displays.append(display)
        worst = np.nanargmin(display.average_certified_radius)
        drawn = [line is not None for line in display.class_lines_]
        assert np.flatnonzero(drawn).tolist() == [worst]
        assert display.class_lines_[worst].get_color() == display.line_.get_color()
    colors = {display.line_.get_color() for display in displays}
    assert len(colors) == 3
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:3] == [f"{name}, σ = 0.5" for name in ("svc", "knn", "tree")]
    assert all(name.startswith("worst class: c") for name in names[3:])
    assert ax.get_xlim()[1] == max(display.radii[-1] for display in displays)


def test_classes_choose_the_curves():
    y, certificates = make_certificates()
    draw = CertifiedAccuracyDisplay.from_certificates
    only = draw(y, certificates, classes=[])
    assert only.class_lines_ == [None] * 3
    two = draw(y, certificates, classes=["c2", "c0"], legend=False)
    assert [line is None for line in two.class_lines_] == [False, True, False]
    assert two.legend_ is None and two.ax_.get_legend() is None
    with pytest.raises(ValueError, match=r"classes holds the classes \['c7'\]"):
        draw(y, certificates, classes=["c7"])
    with pytest.raises(ValueError, match="classes must be one of 'worst'"):
        draw(y, certificates, classes="best")


def test_from_predictions_takes_certificates():
    y, certificates = make_certificates()
    for cls in (CertifiedAccuracyDisplay, ClasswiseAccuracyDisplay):
        one = cls.from_predictions(y, certificates)
        other = cls.from_certificates(y, certificates)
        np.testing.assert_array_equal(one.accuracy, other.accuracy)
    with pytest.raises(TypeError, match="certify returns, got ndarray"):
        CertifiedAccuracyDisplay.from_predictions(y, y)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    y, certificates = make_certificates()
    with pytest.raises(ImportError, match=r'pip install "sksmooth\[plot\]"'):
        CertifiedAccuracyDisplay.from_certificates(y, certificates)


def test_spread_apart_keeps_order_and_distance_and_moves_no_more_than_it_must():
    rng = np.random.default_rng(0)
    for n in (1, 2, 10, 30):
        values = rng.random(n) ** 3
        moved = spread_apart(values, 0.05, 0.0, 1.0)
        order = np.argsort(values)
        gap = min(0.05, 1 / max(n - 1, 1))
        assert (np.diff(moved[order]) >= gap - 1e-12).all()
        assert moved.min() >= -1e-12 and moved.max() <= 1 + 1e-12
    apart = np.array([0.9, 0.1, 0.5])
    np.testing.assert_allclose(spread_apart(apart, 0.1, 0, 1), apart)
    # Labels of one height go up and down by the same.
    np.testing.assert_allclose(spread_apart([0.5, 0.5], 0.1, 0, 1), [0.45, 0.55])


@pytest.mark.parametrize(
    ("classes", "radii"),
    [
        (None, None),
        ([], None),
        (["c0", "c2"], None),
        (["c1"], [0.0, 0.5]),
        ("worst", [1.0]),
    ],
)
def test_each_model_of_several_has_one_color(classes, radii):
    _, ax = plt.subplots()
    models = [make_certificates(seed=seed, radii=radii) for seed in range(3)]
    shown = [
        CertifiedAccuracyDisplay.from_certificates(
            y, certificates, name=f"model {i}", classes=classes, ax=ax
        )
        for i, (y, certificates) in enumerate(models)
    ]
    n_drawn = {None: 0, "worst": 1}.get(classes if classes is None else str(classes))
    n_drawn = len(classes) if n_drawn is None else n_drawn
    for display in shown:
        lines = [line for line in display.class_lines_ if line is not None]
        assert len(lines) == n_drawn
        assert all(line.axes is ax for line in (*lines, display.line_))
        assert {line.get_color() for line in lines} <= {display.line_.get_color()}
    assert len({display.line_.get_color() for display in shown}) == 3
    texts = [text.get_text() for text in shown[-1].legend_.get_texts()]
    assert texts[:3] == [f"model {i}, σ = 0.5" for i in range(3)]
    assert len(texts) == 3 * (1 + n_drawn)
    assert ax.get_title() == ""
    # What was drawn first, in the colors of the classes, is gone.
    assert not {"black", "0.72"} & {line.get_color() for line in ax.lines}
    ax.figure.canvas.draw()
    assert outside(shown[-1].legend_, ax)
    assert ax.get_xlim()[1] >= max(display.radii[-1] for display in shown)


def test_axes_that_were_cleared_begin_again():
    y, certificates = make_certificates()
    _, ax = plt.subplots()
    CertifiedAccuracyDisplay.from_certificates(y, certificates, ax=ax)
    ax.clear()
    display = CertifiedAccuracyDisplay.from_certificates(y, certificates, ax=ax)
    assert all(line is not None for line in display.class_lines_)


def test_models_of_one_name_are_told_apart():
    y, certificates = make_certificates()
    _, ax = plt.subplots()
    for _ in range(2):
        display = CertifiedAccuracyDisplay.from_certificates(y, certificates, ax=ax)
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["σ = 0.5", "σ = 0.5 (2)"]


def test_classes_choose_the_bars():
    y, certificates = make_certificates(n_classes=6)
    display = ClasswiseAccuracyDisplay.from_predictions(
        y, certificates, radius=0.5, classes=["c4", "c1"], legend=False
    )
    assert sorted(display.classes[display.order_]) == ["c1", "c4"]
    assert display.legend_ is None
    for wrong in ("c9", ["c1", "nobody"]):
        with pytest.raises(ValueError, match="classes"):
            display.plot(classes=np.atleast_1d(wrong))
    with pytest.raises(ValueError, match=r"radius=0\.5 needs y_pred to be the Certif"):
        ClasswiseAccuracyDisplay.from_predictions(y, certificates.label, radius=0.5)


def test_many_classes_over_sigma_are_grey_but_the_best_and_the_worst():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 2)), np.arange(80) % 8
    clf = KNeighborsClassifier(1).fit(X, y)
    curve = shrinkage_curve(clf, X, y, [0.2, 0.5], n_predict=50, n_certify=50)
    display = ShrinkageDisplay.from_curve(curve)
    order = np.argsort(curve.accuracy[-1])
    seen = [line.get_color() for line in display.class_lines_]
    assert sum(color == "0.72" for color in seen) == 6
    best, worst = (c for c in range(8) if seen[c] != "0.72")
    ends = curve.accuracy[-1]
    assert {ends[best], ends[worst]} == {ends[order[0]], ends[order[-1]]}
    display.plot(classes=[3, 5])
    assert [c for c in range(8) if display.class_lines_[c] is not None] == [3, 5]


def test_certificates_at_several_sigmas_are_a_curve():
    y, first = make_certificates(n_classes=4)
    found = [
        dataclasses.replace(first, sigma=sigma, radius=first.radius * scale)
        for sigma, scale in ((1.0, 0.3), (0.25, 1.0), (0.5, 0.5))
    ]
    display = ShrinkageDisplay.from_certificates(y, found, radius=0.4, y_base=y)
    at = {"radius": 0.4, "average": None}
    for position, sigma in enumerate((0.25, 0.5, 1.0)):
        (one,) = (c for c in found if c.sigma == sigma)
        shown = [line.get_ydata()[position] for line in display.class_lines_]
        np.testing.assert_allclose(shown, certified_accuracy_score(y, one, **at))
        assert display.line_.get_xdata()[position] == sigma
    curve = display.curve
    assert "accuracy" not in curve.to_frame() and (curve.base_accuracy == 1).all()
    acr = ShrinkageDisplay.from_curve(curve, score="average_certified_radius")
    np.testing.assert_allclose(acr.line_.get_ydata()[0], mean_radius(y, found[1]))
    with pytest.raises(ValueError, match="accuracy was not measured"):
        _ = curve.accuracy
    for wrong, message in (
        ([], "is empty"),
        ([first, first], "distinct sigmas"),
        ([first, make_certificates(n_classes=5)[1]], "different classes"),
    ):
        with pytest.raises(ValueError, match=message):
            ShrinkageDisplay.from_certificates(y, wrong)
    with pytest.raises(ValueError, match="score='accuracy' was not measured"):
        ShrinkageDisplay.from_certificates(y, found, score="accuracy")
    with pytest.raises(TypeError, match="certify returns"):
        ShrinkageDisplay.from_certificates(y, [y])
