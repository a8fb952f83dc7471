# SPDX-License-Identifier: BSD-3-Clause
"""The figures of "Hidden Cost of Randomized Smoothing", exactly.

Each function draws one figure; `draw_all` writes them to a folder. Where votes are
involved, what n votes at the level alpha can prove stands beside the exact curve: not
more than ``sigma * z`` with z the normal quantile of ``alpha ** (1 / n)``.
"""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from published_logs import PAPER, accuracy, shipped_counts
from scipy.special import ndtri

from sksmooth.bounds import share_interval
from sksmooth.shrinkage import (
    ball_certified_radius,
    ball_shrinking_rate,
    ball_smoothed_radius,
    ball_vanishing_bound,
    ball_vanishing_sigma,
    cone_certified_radius,
    cone_rate_bound,
    cone_shrinking_rate,
    cone_vote_probability,
    line_mixture_accuracy,
    line_mixture_region,
    line_mixture_takeover_bound,
    line_mixture_takeover_sigma,
)

COLORS = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#a96b59", "#717581", "#e76300"]
CLASS_COLORS = ["#3f90da", "#ffa90e", "#94a4a2"]
N_VOTES, ALPHA = 100_000, 0.001
CAP = ndtri(ALPHA ** (1 / N_VOTES))


def new(n, width=3.6, height=3.2, **kwargs):
    return plt.subplots(
        1, n, figsize=(width * n, height), layout="constrained", **kwargs
    )


# -- Figure 1: regions and certified balls over sigma ----------------------------------


def show_regions(ax, votes, grid, points, sigma, title):
    """Regions by the class with most votes, and the certified balls of points.

    `votes` maps coordinates to the votes of each class.
    """
    x, y = np.meshgrid(grid, grid)
    shares = votes(x, y)
    for i, share in enumerate(shares):
        lead = share - np.delete(shares, i, axis=0).max(axis=0)
        ax.contourf(x, y, lead, [0, 99], colors=[CLASS_COLORS[i]], alpha=0.55)
    for name, (px, py) in points.items():
        shares = votes(np.array(px), np.array(py))
        ax.plot(px, py, "k.", ms=5)
        ax.annotate(name, (px, py), textcoords="offset points", xytext=(4, 3))
        if sigma:
            low, high = np.sort(shares)[-2:]
            for limit, style in ((1, "-"), (ALPHA ** (1 / N_VOTES), (0, (2, 2)))):
                p, q = min(high, limit), max(low, 1 - limit)
                radius = sigma / 2 * (ndtri(p) - ndtri(q))
                ax.add_patch(
                    plt.Circle((px, py), radius, fill=False, ls=style, ec="black")
                )
    ax.set(title=title, aspect="equal", xticks=[], yticks=[])
    ax.set(xlim=grid[[0, -1]], ylim=grid[[0, -1]])


RING_RADIUS = 4.0
WEDGES = np.radians([25.0, 77.5, 77.5])  # half-angles; they fill the plane


def shaded(*values):
    """Pair values in their order with colors from dark to light."""
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(values)))
    return zip(values, shades, strict=True)


def ring_votes(sigma):
    from sksmooth.shrinkage import ball_vote_probability

    def votes(x, y):
        distance = np.hypot(x, y)
        if not sigma:
            inside = 0.5 + (RING_RADIUS - distance) / 100  # 1/2 at the boundary
        else:
            inside = ball_vote_probability(distance, RING_RADIUS, sigma, 2)
        return np.stack([inside, 1 - inside])

    return votes


def wedge_votes(sigma):
    """Votes of three wedges with a common apex; the first opens to the right."""
    axes = np.cumsum([0, WEDGES[0] + WEDGES[1], WEDGES[1] + WEDGES[2]])

    def votes(x, y):
        result = []
        for axis, half_angle in zip(axes, WEDGES, strict=True):
            along = x * np.cos(axis) + y * np.sin(axis)
            across = np.abs(y * np.cos(axis) - x * np.sin(axis))
            if sigma:
                share = cone_vote_probability(along, across, half_angle, sigma, 2)
            else:
                # Highest in the wedge that holds the place.
                share = along * np.sin(half_angle) - across * np.cos(half_angle)
            result.append(share)
        return np.stack(result)

    return votes


def figure_1(folder):
    for name, make, half, sigmas, points in (
        ("bounded", ring_votes, 8.0, (0, 0.5, 2, 3.5), {"A": (0, 0), "B": (2.2, 1.2)}),
        (
            *("semi_bounded", wedge_votes, 9.0, (0, 1, 2.5, 6)),
            {"A": (2.6, 0), "B": (5.2, 0.4)},
        ),
    ):
        fig, axes = new(4, 2.6, 2.9)
        grid = np.linspace(-half, half, 121)
        for ax, sigma in zip(axes, sigmas, strict=True):
            show_regions(ax, make(sigma), grid, points, sigma, f"σ = {sigma}")
        fig.savefig(folder / f"figure_1_{name}.png", dpi=120)
        plt.close(fig)


# -- Figure 2: rate over sigma ---------------------------------------------------------


def figure_2(folder):
    fig, axes = new(2, 4.4, 3.4, sharey=True)
    for ax, c in zip(axes, (2, 10), strict=True):
        for d, color in shaded(3, 8, 20, 30, 40, 50):
            vanishing = ball_vanishing_sigma(1.0, d, c)
            sigma = vanishing * (1 - np.geomspace(1e-4, 0.999, 400))
            rate = ball_shrinking_rate(1.0, sigma, d, c)
            label = f"d = {d}: gone at {vanishing:.3f}"
            ax.plot(sigma, rate, color=color, label=label)
            ax.axvline(vanishing, color=color, lw=0.7, ls=":")
        right = 2 * ball_vanishing_sigma(1.0, 3, c)  # room for the legend
        ax.set(xlim=(0, right), ylim=(-2, 20), xlabel="σ", title=f"{c} classes")
        ax.legend(fontsize=8, frameon=False, loc="upper right")
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)
    axes[0].set_ylabel("shrinking rate of the ball of radius 1")
    fig.savefig(folder / "figure_2_rate.png", dpi=120)
    plt.close(fig)


def figure_theorems(folder):
    """Theorems 4 and 7 beside the exact values, over the number of features."""
    fig, axes = new(2, 4.4, 3.4)
    d = np.unique(np.geomspace(2, 3072, 60).astype(int))
    for c, color in zip((2, 10, 100), COLORS, strict=False):
        exact = ball_vanishing_sigma(1.0, d, c)
        axes[0].loglog(d, exact, color=color, label=f"{c} classes")
        axes[0].loglog(d, ball_vanishing_bound(1.0, d, c), "--", color=color)
        rate = cone_shrinking_rate(np.pi / 4, d, c)
        bound = cone_rate_bound(np.pi / 4, d, c)
        axes[1].loglog(d, np.where(rate > 0, rate, np.nan), color=color)
        axes[1].loglog(d, np.where(bound > 0, bound, np.nan), "--", color=color)
    axes[0].set(title="vanishing σ of the ball of radius 1", xlabel="features")
    axes[1].set(title="rate of the cone of 45 degrees", xlabel="features")
    handles, _ = axes[0].get_legend_handles_labels()
    handles += [
        Line2D([], [], color="k", label="exact"),
        Line2D([], [], color="k", ls="--", label="Theorem 4 or 7"),
    ]
    axes[0].legend(handles=handles, fontsize=8, frameon=False)
    fig.savefig(folder / "theorems.png", dpi=120)
    plt.close(fig)


# -- Figure 3: certified radius over sigma ---------------------------------------------


def figure_3(folder):
    fig, axes = new(2, 4.6, 3.6)
    for d, color in shaded(3, 8, 20, 30, 50):
        sigma = np.linspace(0, ball_vanishing_sigma(1.0, d), 600)[1:]
        radius = ball_certified_radius(0.0, 1.0, sigma, d, side="inside")
        axes[0].plot(sigma, radius, color=color, lw=1.2)
        capped = np.minimum(radius, CAP * sigma)
        axes[0].plot(sigma, capped, "--", color=color, lw=2, label=f"d = {d}")
    axes[0].set(title="center of a ball of radius 1", xlim=(0, 0.9), ylim=(0, 1.03))
    for degrees, color in shaded(10, 20, 45, 60, 80):
        angle = np.radians(degrees)
        sigma = np.geomspace(5e-3, 4, 600)
        radius = cone_certified_radius(1.0, 0.0, angle, sigma, 25, side="inside")
        axes[1].plot(sigma, radius / np.sin(angle), color=color, lw=1.2)
        capped = np.minimum(radius, CAP * sigma) / np.sin(angle)
        axes[1].plot(sigma, capped, "--", color=color, lw=2, label=f"{degrees}°")
    axes[1].set(title="axis of a cone, 25 features, 1 from the apex", ylim=(0, 1.03))
    axes[1].set_xscale("log")
    axes[1].set_xlim(5e-3, 60)  # room for the legend
    axes[0].set_ylabel("certified radius")
    axes[1].set_ylabel("certified radius / distance to the cone")
    for ax in axes:
        ax.set_xlabel("σ")
        handles, _ = ax.get_legend_handles_labels()
        handles.append(Line2D([], [], color="k", lw=1.2, label="exact"))
        handles.append(
            Line2D([], [], color="k", ls="--", lw=2, label="100,000 votes, α = 0.001")
        )
        ax.legend(handles=handles, fontsize=8, frameon=False, loc="upper right")
    fig.savefig(folder / "figure_3_radius.png", dpi=120)
    plt.close(fig)


# -- Theorems 1 and 2: the line --------------------------------------------------------


def figure_line(folder):
    fig, axes = new(3, 3.7, 3.3)
    sigma = np.linspace(0, 0.9, 500)[1:]
    points = [-1, 0, 1], [1, 1, 1]
    for label, train, smooth, color, dash in (
        ("trained with noise", sigma, 0 * sigma, COLORS[0], "-"),
        ("trained with noise, smoothed", sigma, sigma, COLORS[2], "--"),
        ("trained without, smoothed", 0 * sigma, sigma, COLORS[1], "-."),
    ):
        low, high = line_mixture_region(*points, train, smooth).T
        axes[0].plot(sigma, high - low, dash, color=color, label=label)
    axes[0].set(
        title="a class between two points", xlabel="σ", ylabel="width of its region"
    )
    axes[0].legend(fontsize=8, frameon=False, loc="lower left")
    rare, k = 0.05, 148
    line = [-1, 0, k], [0.5 - rare, 0.5, rare]
    sigma = np.geomspace(0.2, 300, 500)
    low, high = line_mixture_region(*line, sigma, sigma).T
    axes[1].fill_between(sigma, low, high, color=CLASS_COLORS[0], alpha=0.5)
    for x in line[0]:
        axes[1].axhline(x, color="k", lw=0.8, ls=":")
    axes[1].set_xscale("log")
    axes[1].set_yscale("symlog", linthresh=1)
    axes[1].set(
        title="Theorem 1: it takes its neighbor",
        xlabel="training σ = smoothing σ, in units of a",
        ylabel="region of the class at 0",
        ylim=(-1e4, 1e3),
    )
    gap = -np.diff(line_mixture_accuracy(*line, sigma, sigma))[:, 0]
    axes[2].plot(sigma, gap, color="k")
    for value, text, color in (
        (line_mixture_takeover_sigma(*line)[0], "exact", COLORS[0]),
        (
            line_mixture_takeover_bound(1, k, rare, as_printed=True),
            "printed",
            COLORS[1],
        ),
        (line_mixture_takeover_bound(1, k, rare), "corrected", COLORS[2]),
    ):
        axes[2].axvline(value, color=color, label=f"{text}: {value:.3g} a")
    axes[2].set_xscale("log")
    axes[2].set(
        title="Theorem 2: gap of the accuracies",
        xlabel="training σ = smoothing σ, in units of a",
        ylim=(-0.02, 1.02),
    )
    axes[2].axhline(1 - 2 * rare, color="0.6", lw=0.8, ls="--")
    # Between the lines of the first and the second.
    axes[2].legend(fontsize=8, frameon=False, loc="center", bbox_to_anchor=(0.56, 0.45))
    fig.savefig(folder / "line.png", dpi=120)
    plt.close(fig)


# -- Table 2 ---------------------------------------------------------------------------


def figure_table_2(folder):
    fig, ax = new(1, 6.0, 3.6)
    counts = shipped_counts()
    for name, color in (("max accuracy", COLORS[0]), ("min accuracy", COLORS[2])):
        sigmas = list(PAPER[name])
        mean, std = np.array(list(PAPER[name].values())).T
        ax.errorbar(
            sigmas, mean, 2 * std, fmt="s-", color=color, ms=4, capsize=3, mfc="none",
            label=f"paper: {name[:3]} ± 2 std",
        )  # fmt: skip
    for name, only, style in (
        ("all samples", False, "o"),
        ("not abstained", True, "x"),
    ):
        for pick, color in ((np.max, COLORS[0]), (np.min, COLORS[2])):
            values = [pick(accuracy(t, decided_only=only)) for t in counts.values()]
            label = f"logs, {name}" if pick is np.max else None
            ax.plot(list(counts), values, style, color=color, ms=7, label=label)
    ax.set(xlabel="σ", ylabel="certified accuracy of a class, %", ylim=(0, 100))
    ax.legend(fontsize=8, frameon=False)
    fig.savefig(folder / "table_2.png", dpi=120)
    plt.close(fig)


def figure_sections(folder):
    """Supplement of Figure 1: what is left of the disc, over sigma."""
    fig, axes = new(2, 4.4, 3.2)
    part = np.linspace(0, 1, 400)
    for d, color in shaded(2, 3, 8, 50, 3072):
        vanishing = ball_vanishing_sigma(1.0, d)
        left = ball_smoothed_radius(1.0, part * vanishing, d)
        axes[0].plot(part, left, color=color, label=f"d = {d}")
        axes[1].semilogy(part, np.maximum(left, 1e-12) ** d, color=color)
    axes[0].set(title="radius", xlabel="σ / vanishing σ")
    axes[1].set(title="volume", xlabel="σ / vanishing σ", ylim=(1e-12, 2))
    axes[0].legend(fontsize=8, frameon=False)
    fig.savefig(folder / "ball_left.png", dpi=120)
    plt.close(fig)


# -- Tables 2 to 4 on a small network --------------------------------------------------


def cifar10_counts():
    """Images of each class, and those certified and right, as `cifar10.py` wrote them.

    The keys are (training sigma, copies, smoothing sigma), the values have one row for
    each seed.
    """
    path = Path(__file__).parent / "data/cifar10_three_seeds.tsv"
    head, images, *rows = [
        line.split("\t") for line in path.read_text("utf-8").splitlines()
    ]
    counts = {}
    for _, trained, copies, smoothed, kind, *right in rows:
        if kind == "certified":
            counts.setdefault((trained, int(copies), smoothed), []).append(right)
    counts = {key: np.array(right, dtype=int) for key, right in counts.items()}
    return head[5:], np.array(images[5:], dtype=int), counts


def figure_cifar10(folder):
    """Certified and correct at radius 0 by class, of `cifar10.py`, three seeds."""
    names, n_images, counts = cifar10_counts()
    one_copy = {key: right for key, right in counts.items() if key[1] == 1}
    hits = np.rint([right.mean(axis=0) for right in one_copy.values()]).astype(int)
    values = 100 * np.array([r.mean(axis=0) / n_images for r in one_copy.values()])
    # The seeds share their images, so the interval is that of one set of images.
    low, high = 100 * np.array(share_interval(hits, np.tile(n_images, (len(hits), 1))))
    draw_classes(folder, names, list(one_copy), values, low, high)
    draw_range(folder, list(one_copy), values, low, high)
    draw_copies(folder, n_images, counts)


def draw_classes(folder, names, runs, values, low, high):
    fig, ax = new(1, 8.4, 4.6)
    ax.imshow(values, cmap="Blues", vmin=0, vmax=130, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        worst = value == values[i].min()
        ax.text(
            *(j, i, f"{value:.0f}"), ha="center", va="bottom", fontsize=10,
            color=COLORS[2] if worst else "black", weight="bold" if worst else "normal",
        )  # fmt: skip
        interval = f"{low[i, j]:.0f}–{high[i, j]:.0f}"
        ax.text(j, i + 0.08, interval, ha="center", va="top", fontsize=7.5)
    ax.set_xticks(range(10), ["plane", "car", *names[2:]])
    ax.set_yticks(
        range(len(values)),
        [f"{trained} → {smoothed}" for trained, _, smoothed in runs],
    )
    ax.axhline(3.5, color="k", lw=1)
    ax.set_ylabel("training σ → smoothing σ")
    fig.savefig(folder / "cifar10_classes.png", dpi=120)
    plt.close(fig)


def draw_range(folder, runs, values, low, high):
    fig, ax = new(1, 6.0, 3.4)
    for label, rows, color in (
        ("trained without noise", slice(0, 4), COLORS[2]),
        ("trained with noise", slice(4, 8), COLORS[0]),
    ):
        part, worst = values[rows], values[rows].argmin(axis=1)
        x = np.arange(4) + (0.08 if color == COLORS[0] else -0.08)
        ax.vlines(x, part.min(1), part.max(1), color=color, lw=1)
        ax.plot(np.repeat(x, 10), part.ravel(), ".", color=color, ms=4, alpha=0.6)
        at = np.arange(4), worst
        ends = np.abs([low[rows][at], high[rows][at]] - part[at])
        ax.errorbar(
            x, part[at], ends, fmt="s", color=color, ms=5, capsize=3, label=label
        )
    ax.set_xticks(range(4), [smoothed for _, _, smoothed in runs][:4])
    ax.set(xlabel="smoothing σ", ylabel="certified accuracy of a class, %")
    ax.legend(title="worst class, 95 % interval", fontsize=8, frameon=False)
    ax.set_xlim(-0.5, 4.6)
    fig.savefig(folder / "cifar10_range.png", dpi=120)
    plt.close(fig)


def draw_copies(folder, n_images, counts):
    """Spread over classes by number of copies; crosses are the worst of each seed."""
    fig, axes = new(2, 4.0, 3.3, sharey=True)
    for ax, sigma in zip(axes, ("0.5", "1"), strict=True):
        cells = {
            key[1]: 100 * right / n_images
            for key, right in counts.items()
            if key[0] == key[2] == sigma
        }
        for i, copies in enumerate(sorted(cells)):
            shares = cells[copies].mean(axis=0)
            ax.vlines(i, shares.min(), shares.max(), color=COLORS[0], lw=1)
            ax.plot(np.full(10, i), shares, ".", color=COLORS[0], ms=5, alpha=0.6)
            worst = cells[copies].min(axis=1)
            ax.plot(np.full(len(worst), i), worst, "x", color=COLORS[2], ms=6)
        ax.set_xticks(range(len(cells)), sorted(cells))
        ax.set(title=f"σ = {sigma}", xlabel="noisy copies of an image in a batch")
    axes[0].set(ylabel="certified accuracy of a class, %", ylim=(0, 90))
    fig.savefig(folder / "cifar10_copies.png", dpi=120)
    plt.close(fig)


def draw_all(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for figure in (
        *(figure_1, figure_2, figure_3, figure_theorems),
        *(figure_line, figure_table_2, figure_sections, figure_cifar10),
    ):
        figure(folder)
    return sorted(path.name for path in folder.glob("*.png"))


if __name__ == "__main__":
    import sys

    print(*draw_all(sys.argv[1]), sep="\n")
