# SPDX-License-Identifier: BSD-3-Clause
"""The hidden cost of randomized smoothing, on the handwritten digits of scikit-learn.

Run it with ``make demo``. It prints three short blocks and saves one figure.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from tqdm import tqdm

from sksmooth import SmoothedClassifier
from sksmooth.metrics import ClasswiseScorer, classwise_report

SIGMAS = {
    "MLP": (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0),
    "RBF SVC": (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8),
}
REPORT_SIGMA = 0.3
TUNE_SIGMAS = (0.125, 0.15, 0.2, 0.25, 0.3)
RADIUS = 0.25
N_VOTES, N_CERTIFY = 500, 1000  # for each sample: less than the defaults, to be quick
FIGURE = Path(__file__).resolve().parents[1] / "demo_output" / "shrinkage.png"

# Colors of the palette by Okabe and Ito, which color-blind readers can tell apart.
OVERALL = {"color": "black", "lw": 4.5, "zorder": 5}
WORST = {"color": "#D55E00", "lw": 2.6, "marker": "o", "zorder": 4}
GAINING = {"color": "#0072B2", "lw": 2.6, "ls": "--", "zorder": 3}
OTHER = {"color": "#8C8C8C", "lw": 1.3, "zorder": 2}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where to save it")
    figure_path = parser.parse_args().figure
    start = time.perf_counter()

    X, y = load_digits(return_X_y=True)
    X = X / 16  # pixels in [0, 1]: sigma and radius are in these units
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=0
    )
    models = {
        "MLP": MLPClassifier((100,), max_iter=500, random_state=0),
        "RBF SVC": SVC(gamma=0.1),
    }
    for model in models.values():
        model.fit(X_train, y_train)
    print(
        f"{len(y)} images of handwritten digits, 8 x 8 pixels from 0 (white) to 1 "
        f"(black):\n{len(y_train)} to train on, {len(y_test)} held out to test on."
    )

    show_report(models["RBF SVC"], X_test, y_test)
    curves = show_shrinkage(models, X_test, y_test)
    tune_sigma(X_train, y_train, X_test, y_test)

    figure_path.parent.mkdir(parents=True, exist_ok=True)
    save_figure(curves, figure_path)
    print(f"\nFigure of block 2: {figure_path}")
    print(f"Done in {time.perf_counter() - start:.0f} s.")


def heading(number, title, text):
    print(f"\n\n{number}. {title}\n{'-' * (len(title) + 3)}\n{text}\n")


def show_report(model, X, y):
    """Compare each class before and after smoothing, at one sigma."""
    heading(
        1,
        f"One SVC before and after smoothing with sigma={REPORT_SIGMA}",
        'Each line is a digit; compare "base acc", the accuracy before smoothing, with'
        '\n"acc at r=0" after it: what smoothing costs is not spread evenly.',
    )
    smoothed = SmoothedClassifier.from_fitted(
        model, sigma=REPORT_SIGMA, n_certify=N_CERTIFY, random_state=0, verbose=1
    )
    certificates = smoothed.certify(X, radii=[0.0, RADIUS])
    report = classwise_report(
        y, certificates, radii=(0.0, RADIUS), y_base=model.predict(X)
    )
    print(report, end="")


def show_shrinkage(models, X, y):
    """Follow the accuracy of each class as sigma grows."""
    heading(
        2,
        "Classes lose ground as sigma grows",
        "Each line is one noise level: accuracy overall and of the worst class, how "
        "many of\nthe 10 digits are mostly misread, and which digit is predicted most "
        "often (its fair\nshare is 10%); sigma 0 is the classifier before smoothing.",
    )
    curves = {}
    n_steps = sum(map(len, SIGMAS.values()))
    with tqdm(total=n_steps, desc="smoothing", unit="sigma") as bar:
        for name, model in models.items():
            # One fitted classifier serves all sigmas: nothing is fitted again.
            smoothed = SmoothedClassifier.from_fitted(
                model, n_predict=N_VOTES, random_state=0
            )
            answers = {0.0: model.predict(X)}
            for sigma in SIGMAS[name]:
                answers[sigma] = smoothed.set_params(sigma=sigma).predict(X)
                bar.update()
            curves[name] = curve(answers, y)
    for name, found in curves.items():
        print(
            f"\n  {name}\n  sigma   overall   worst class        misread   most given"
        )
        for sigma, overall, by_class, shares in zip(*found.values(), strict=True):
            worst, most = np.flatnonzero(by_class == by_class.min()), shares.argmax()
            whose = (
                f"(digit {worst[0]})" if len(worst) == 1 else f"({len(worst)} digits)"
            )
            print(
                f"  {sigma:5.2f}   {overall:6.0%}   {by_class.min():4.0%} {whose:10}"
                f"{(by_class < 0.5).sum():9d}   {most} ({shares[most]:.0%})"
            )
    return curves


def curve(answers, y):
    """Accuracy overall and by class, and share of each prediction, over sigma."""
    labels = np.unique(y)
    return {
        "sigmas": np.array(list(answers)),
        "overall": np.array([np.mean(a == y) for a in answers.values()]),
        # The accuracy of a class is its recall.
        "by_class": np.array(
            [recall_score(y, a, labels=labels, average=None) for a in answers.values()]
        ),
        "shares": np.array(
            [[np.mean(a == label) for label in labels] for a in answers.values()]
        ),
    }


def tune_sigma(X_train, y_train, X_test, y_test):
    """Choose sigma by the certified accuracy of the worst class."""
    heading(
        3,
        "Choose sigma for the worst class",
        "GridSearchCV tries each sigma on the training samples and scores how many "
        "predictions are\nright and certified against any perturbation of the image of "
        f"length up to {RADIUS}.",
    )
    scorer = ClasswiseScorer(radii=(RADIUS,))
    n_folds = 3
    with tqdm(total=n_folds * len(TUNE_SIGMAS), desc="tuning", unit="fold") as bar:

        def scorer_with_progress(estimator, X, y):
            scores = scorer(estimator, X, y)
            bar.update()
            return scores

        search = GridSearchCV(
            SmoothedClassifier(SVC(gamma=0.1), n_certify=N_CERTIFY, random_state=0),
            {"sigma": TUNE_SIGMAS},
            scoring=scorer_with_progress,
            refit="certified_accuracy_worst",
            cv=n_folds,
        ).fit(X_train, y_train)

    overall = search.cv_results_["mean_test_certified_accuracy"]
    worst = search.cv_results_["mean_test_certified_accuracy_worst"]
    print("\n  sigma   overall   worst class")
    for i, sigma in enumerate(TUNE_SIGMAS):
        chosen = "   <- chosen" if i == search.best_index_ else ""
        print(f"  {sigma:5.3f}   {overall[i]:6.0%}    {worst[i]:6.0%}{chosen}")
    best = search.best_index_
    sigma, last = TUNE_SIGMAS[best], TUNE_SIGMAS[-1]
    print(
        f"\n  From sigma={sigma} to {last} the worst class loses "
        f"{100 * (worst[best] - worst[-1]):.0f} points and the overall score only\n"
        f"  {100 * (overall[best] - overall[-1]):.0f}: the average hides what a class "
        "loses."
    )
    score = scorer(search.best_estimator_, X_test, y_test)
    print(
        f"\n  On the test samples, sigma={sigma} certifies "
        f"{score['certified_accuracy']:.0%} overall and "
        f"{score['certified_accuracy_worst']:.0%} of the worst class."
    )


def save_figure(curves, path):
    """Draw the accuracy of each class over sigma, a panel per model."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    kinds = {
        "all samples": OVERALL,
        "worst class": WORST,
        "class that gains": GAINING,
        "other classes": OTHER,
    }
    style = {"font.size": 14, "axes.spines.right": False, "axes.spines.top": False}
    with plt.rc_context(style):
        fig, axes = plt.subplots(
            1, len(curves), figsize=(11, 5.2), sharey=True, layout="constrained"
        )
        for ax, (name, found) in zip(axes, curves.items(), strict=True):
            draw_panel(ax, name, **found)
        axes[0].set_ylabel("accuracy on test samples")
        fig.legend(
            handles=[Line2D([], [], label=k, **kind) for k, kind in kinds.items()],
            loc="outside lower center",
            ncols=len(kinds),
            frameon=False,
        )
        fig.savefig(path, dpi=100)
        plt.close(fig)


def draw_panel(ax, name, sigmas, overall, by_class, shares):
    worst = by_class.mean(axis=0).argmin()  # on average over the sigmas
    gaining = shares[-1].argmax()
    styles = [OTHER] * by_class.shape[1]
    styles[gaining], styles[worst] = GAINING, WORST
    for values, style in zip(by_class.T, styles, strict=True):
        ax.plot(sigmas, values, clip_on=False, **style)
    ax.plot(sigmas, overall, clip_on=False, **OVERALL)

    values = [*by_class[-1], overall[-1]]
    names = [*map(str, range(len(styles))), "all samples"]
    label_ends(ax, zip(values, names, [*styles, OVERALL], strict=True))
    ax.set_title(
        f"{name}: digit {worst} is worst,\n{gaining} takes over",
        loc="left",
        fontsize=15,
        pad=14,
    )
    ax.set(xlabel="noise sigma", xlim=(0, sigmas[-1]), ylim=(0, 1))
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def label_ends(ax, ends, gap=0.06):
    """Write the name of each line at its end; names that would collide share a line."""
    groups = []
    for value, text, style in sorted(ends, key=lambda end: end[0]):
        if not groups or value - groups[-1][0] >= gap:
            groups.append((value, []))
        groups[-1][1].append((text, style))
    for value, names in groups:
        if len(names) > 5:
            marked = [name for name in names if name[1] is not OTHER]
            names = [*marked, ("and all others", OTHER)]
        # Each name starts where the one before it ends.
        left, at = ax.get_yaxis_transform(), (1, value)
        for text, style in names:
            left = ax.annotate(
                text,
                at,
                xycoords=left,
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                color="#666666" if style is OTHER else style["color"],
                fontweight="normal" if style is OTHER else "bold",
                annotation_clip=False,
            )
            at = (1, 0.5)


if __name__ == "__main__":
    main()
