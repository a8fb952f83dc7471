# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: E402
"""Networks trained with noise: each does what its paper says."""

import copy
import pickle
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EpochScoring
from torch import nn

import sksmooth.training
from sksmooth import SmoothedClassifier
from sksmooth.training import (
    ConsistencyNet,
    MACERNet,
    NoiseAugmentedNet,
    SmoothAdvNet,
)
from sksmooth.training._noisy_loss_net import NoisyLossNet

NETS = [NoiseAugmentedNet, SmoothAdvNet, MACERNet, ConsistencyNet]
MANY_COPIES = NETS[1:]

X, Y = load_digits(return_X_y=True)
X, Y = (X / 16).astype(np.float32), Y.astype(np.int64)
TEST = slice(1000, 1200)


class MLP(nn.Sequential):
    def __init__(self, hidden=64, dropout=0.0, proba=False):
        super().__init__(
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 10),
            nn.Softmax(-1) if proba else nn.Identity(),
        )


class FlatMLP(MLP):
    def forward(self, rows):
        return super().forward(rows.flatten(1))


def make(kind, **params):
    settings = {
        "module": MLP,
        "criterion": nn.CrossEntropyLoss,
        "optimizer": torch.optim.Adam,
        "lr": 3e-3,
        "max_epochs": 1,
        "batch_size": 100,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    if kind is not skorch.NeuralNetClassifier:
        settings["random_state"] = 0
    return kind(**settings | params)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.module_.parameters()])


class Fixed(nn.Module):
    """A linear network with weights that are given; keeps the rows that it sees."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float32))
        self.seen = []

    def forward(self, rows):
        self.seen.append((rows.detach().clone(), self.training))
        return rows.flatten(1) @ self.weight


def initialized(kind, weight, **params):
    params = {"module": Fixed(weight), "sigma": 1e-6} | params
    return make(kind, **params).initialize()


# Noise -------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_each_epoch_adds_fresh_noise_of_the_given_size(sigma):
    net = initialized(
        NoiseAugmentedNet,
        np.zeros((64, 10)),
        sigma=sigma,
        batch_size=500,
        iterator_train__shuffle=False,
    )
    net.partial_fit(X[:500], Y[:500]).partial_fit(X[:500], Y[:500])
    (first, training), (second, _) = net.module_.seen
    assert training
    noise = torch.stack([first, second]).numpy() - X[:500]
    n = noise[0].size
    for part in noise:
        assert abs(part.mean()) < 4 * sigma / np.sqrt(n)
        assert abs(part.std() / sigma - 1) < 4 / np.sqrt(2 * n)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 4 / np.sqrt(n)


@pytest.mark.parametrize("kind", NETS)
def test_validation_and_prediction_see_rows_as_they_are(kind):
    split = skorch.dataset.ValidSplit(5)
    net = initialized(
        kind, np.zeros((64, 10)), sigma=1.0, train_split=split, batch_size=500
    )
    net.partial_fit(X[:500], Y[:500])
    net.module_.eval()
    valid = net.module_.seen[-1][0].numpy()
    assert len(valid) == 100
    assert {row.tobytes() for row in valid} <= {row.tobytes() for row in X[:500]}
    net.predict(X[:7])
    assert_array_equal(net.module_.seen[-1][0], X[:7])


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("shape", [(64,), (4, 16), (1, 8, 8)])
def test_rows_of_any_shape(kind, shape):
    net = make(kind, module=FlatMLP).fit(X[:200].reshape(-1, *shape), Y[:200])
    flat = make(kind).fit(X[:200], Y[:200])
    assert_allclose(weights(net), weights(flat), atol=1e-5)


# Seeds -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NETS)
def test_random_state_determines_all_of_fit(kind):
    def fit(**params):
        return weights(make(kind, module__dropout=0.3, **params).fit(X[:200], Y[:200]))

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = fit()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(fit(), first)
    assert not torch.equal(fit(random_state=1), first)


def test_without_random_state_the_generator_of_torch_is_used():
    def fit(seed):
        torch.manual_seed(seed)
        return weights(make(NoiseAugmentedNet, random_state=None).fit(X[:200], Y[:200]))

    assert torch.equal(fit(1), fit(1))
    assert not torch.equal(fit(1), fit(2))


def test_a_random_state_object_moves_on_with_each_fit():
    rng = np.random.RandomState(0)
    net = make(NoiseAugmentedNet, random_state=rng)
    first = weights(net.fit(X[:200], Y[:200]))
    assert not torch.equal(weights(net.fit(X[:200], Y[:200])), first)
    again = make(NoiseAugmentedNet, random_state=np.random.RandomState(0))
    assert torch.equal(weights(again.fit(X[:200], Y[:200])), first)


def test_a_smoothed_classifier_seeds_its_net():
    def fit():
        clf = SmoothedClassifier(make(NoiseAugmentedNet, random_state=None))
        return weights(clf.set_params(random_state=3).fit(X[:200], Y[:200]).estimator_)

    assert torch.equal(fit(), fit())


# Manners of skorch and scikit-learn --------------------------------------------------


@pytest.mark.parametrize("kind", NETS)
def test_clone_params_and_pickle(kind):
    net = make(kind, sigma=0.7, module__hidden=8)
    copied = clone(net)
    assert copied.sigma == 0.7
    assert is_classifier(copied)
    assert {"sigma", "random_state", *kind._at_least} <= copied.get_params().keys()
    copied.set_params(sigma=0.1, max_epochs=2).fit(X[:200], Y[:200])
    assert len(copied.history) == 2
    again = pickle.loads(pickle.dumps(copied))
    assert torch.equal(weights(again), weights(copied))
    assert_array_equal(again.classes_, np.arange(10))
    again.partial_fit(X[:200], Y[:200])


def test_grid_search_over_sigma():
    # Labels by a ring that strong noise blurs: the smaller sigma must win.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 2)).astype(np.float32)
    labels = (np.linalg.norm(rows, axis=1) > 1.2).astype(np.int64)
    net = make(
        NoiseAugmentedNet,
        module=nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2)),
        lr=0.02,
        max_epochs=15,
    )
    search = GridSearchCV(net, {"sigma": [0.1, 5.0]}, cv=2).fit(rows, labels)
    assert search.best_params_ == {"sigma": 0.1}
    assert search.cv_results_["mean_test_score"][0] > 0.85


class Batches(Callback):
    """Keeps what it is told about training batches."""

    def __init__(self):
        self.begun, self.ended = [], []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        self.begun.append(batch[0].numpy().copy())

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        self.ended.append((batch[0].numpy().copy(), len(kwargs["y_pred"])))


@pytest.mark.parametrize("kind", NETS)
def test_callbacks_see_the_batches_that_were_loaded(kind):
    batches = Batches()
    scoring = EpochScoring("accuracy", name="train_acc", on_train=True)
    net = make(kind, callbacks=[("batches", batches), scoring])
    net.set_params(iterator_train__shuffle=False).fit(X[:150], Y[:150])
    seen = dict(net.callbacks_)["batches"]
    assert_array_equal(np.concatenate(seen.begun), X[:150])
    assert_array_equal(np.concatenate([rows for rows, _ in seen.ended]), X[:150])
    assert [n for _, n in seen.ended] == [100, 50]
    assert 0 <= net.history[-1, "train_acc"] <= 1


@pytest.mark.parametrize("kind", NETS)
def test_probabilities_and_logits_train_alike(kind):
    logits = make(kind).fit(X[:300], Y[:300])
    proba = make(kind, criterion=nn.NLLLoss, module__proba=True).fit(X[:300], Y[:300])
    assert_allclose(proba.history[-1, "train_loss"], logits.history[-1, "train_loss"],
                    rtol=1e-4)  # fmt: skip
    assert_allclose(weights(proba), weights(logits), atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        (NoiseAugmentedNet, {"sigma": 0}, "sigma=0 must be a finite number above 0"),
        (NoiseAugmentedNet, {"sigma": np.inf}, "sigma=inf must be a finite number"),
        (NoiseAugmentedNet, {"sigma": "big"}, "sigma='big' must be a finite number"),
        (SmoothAdvNet, {"epsilon": -1.0}, "epsilon=-1.0 must be a number, 0.0 or more"),
        (SmoothAdvNet, {"n_steps": 0}, "n_steps=0 must be a whole number from 1"),
        (SmoothAdvNet, {"n_noise": 2.5}, "n_noise=2.5 must be a whole number from 1"),
        (MACERNet, {"gamma": np.nan}, "gamma=nan must be a number, 0.0 or more"),
        (ConsistencyNet, {"n_noise": 1}, "n_noise=1 must be a whole number from 2"),
    ],
)
def test_a_parameter_out_of_range(kind, params, message):
    with pytest.raises(ValueError, match=message):
        make(kind, **params).fit(X[:100], Y[:100])


@pytest.mark.parametrize("kind", MANY_COPIES)
def test_a_criterion_that_has_no_probabilities(kind):
    with pytest.raises(ValueError, match="has to read outputs as probabilities"):
        make(kind, criterion=nn.MultiMarginLoss).fit(X[:100], Y[:100])
    make(NoiseAugmentedNet, criterion=nn.MultiMarginLoss).fit(X[:100], Y[:100])


@pytest.mark.parametrize("kind", NETS)
def test_rows_that_noise_can_not_be_added_to(kind):
    net = make(kind)
    with pytest.raises(TypeError, match=r"X holds torch.int64. Use X.astype"):
        net.fit((16 * X[:100]).astype(np.int64), Y[:100])
    with pytest.raises(TypeError, match="X holds dict"):
        net.fit({"rows": X[:100]}, Y[:100])


# SmoothAdv ---------------------------------------------------------------------------


def smoothed_loss(net, rows, labels, noise):
    """Minus the logarithm of the smoothed soft classifier."""
    with torch.no_grad():
        proba = net.infer((rows + noise).flatten(0, 1)).softmax(-1)
        mean = proba.unflatten(0, noise.shape[:2]).mean(0)
    return -mean[torch.arange(len(labels)), labels].log()


@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_the_attack_on_a_linear_network_goes_straight_to_the_boundary(n_steps):
    weight = np.array([[3.0, -1.0], [1.0, 2.0], [0.0, 1.0]])
    net = initialized(
        SmoothAdvNet, weight, epsilon=0.5, n_steps=n_steps, warmup_epochs=0
    )
    rows = torch.randn(20, 3, generator=torch.manual_seed(0))
    labels = torch.arange(20) % 2
    shift = net.attack(rows, labels, torch.zeros(2, 20, 3)) - rows
    away = weight[:, 1 - labels.numpy()] - weight[:, labels.numpy()]
    expected = 0.5 * away / np.linalg.norm(away, axis=0)
    assert_allclose(shift.numpy(), expected.T, atol=1e-4)


def test_the_attack_does_worse_than_noise_of_the_same_length():
    net = make(SmoothAdvNet, epsilon=0.5, n_steps=5, sigma=0.25, warmup_epochs=0)
    net.set_params(max_epochs=5).fit(X[:1000], Y[:1000])
    net.module_.eval()
    rows, labels = torch.tensor(X[TEST]), torch.tensor(Y[TEST])
    generator = torch.manual_seed(0)
    noise = 0.25 * torch.randn(8, *rows.shape, generator=generator)
    shift = net.attack(rows, labels, noise) - rows
    length = shift.norm(dim=1)
    assert (length <= 0.5 * (1 + 1e-5)).all()
    assert (length > 0.45).all()
    random = torch.randn(rows.shape, generator=generator)
    random *= (length / random.norm(dim=1))[:, None]
    clean = smoothed_loss(net, rows, labels, noise)
    attacked = smoothed_loss(net, rows + shift, labels, noise)
    moved = smoothed_loss(net, rows + random, labels, noise)
    assert (attacked > clean).float().mean() > 0.99
    assert (attacked > moved).float().mean() > 0.99


def test_epsilon_warms_up_with_the_epochs():
    lengths = []

    class Measured(SmoothAdvNet):
        def attack(self, X, y, noise, **fit_params):
            found = super().attack(X, y, noise, **fit_params)
            lengths.append(float((found - X).norm(dim=1).max()))
            return found

    net = make(Measured, epsilon=0.8, warmup_epochs=4, max_epochs=6)
    net.fit(X[:100], Y[:100])
    assert_allclose(lengths, 0.8 * np.array([0.25, 0.5, 0.75, 1, 1, 1]), rtol=0.1)
    net.set_params(epsilon=0.0)
    assert_array_equal(net.attack(torch.ones(2, 64), torch.tensor([0, 1]), 0), 1)


def test_the_attack_sees_the_network_as_it_predicts():
    net = initialized(SmoothAdvNet, np.eye(64)[:, :10], n_steps=3, n_noise=4)
    net.train_step_single((torch.tensor(X[:5]), torch.tensor(Y[:5])))
    assert [training for _, training in net.module_.seen] == [False] * 3 + [True]
    assert all(len(rows) == 4 * 5 for rows, _ in net.module_.seen)
    # The copies that it is trained on are the attacked rows with the attack's noise.
    (attacked, _), (trained, _) = net.module_.seen[0], net.module_.seen[-1]
    shift = (trained - attacked).unflatten(0, (4, 5))
    assert_allclose(shift, shift[:1].expand_as(shift), atol=1e-6)


# MACER -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2,), (2, 1), (1, 1, 2)])
def test_the_radius_of_a_row_is_that_of_its_own_copies(shape):
    # Without noticeable noise, all copies of a row get the same label.
    logit = np.array([0.02, 0.05, -0.03, 0.11, -0.04, 0.07])
    rows = np.stack([logit, -logit], axis=1).astype(np.float32)
    labels = np.array([0, 1, 1, 0, 0, 0])
    # The weight makes up for sigma / 2, which scales the second term.
    net = initialized(MACERNet, np.eye(2), robust_weight=3e6, sigma=1e-6)
    batch = torch.tensor(rows.reshape(-1, *shape)), torch.tensor(labels)
    step = net.train_step_single(batch)
    proba = 1 / (1 + np.exp(-2 * logit))
    top = np.where(labels == 0, proba, 1 - proba)
    loss = -np.log(top).mean()
    sharp = 1 / (1 + np.exp(-2 * 16 * logit))
    sharp = np.where(labels == 0, sharp, 1 - sharp)
    right = [0, 2, 3, 5]
    hinge = 8.0 - (norm.ppf(sharp[right]) - norm.ppf(1 - sharp[right]))
    loss += 3.0 / 2 * hinge.sum() / len(rows)
    assert_allclose(step["loss"].detach(), loss, rtol=1e-4)


def test_the_robust_term_pushes_the_margin_of_right_rows_only():
    net = initialized(MACERNet, np.eye(2), sigma=0.5, gamma=4.0)
    logit = torch.tensor([0.05, -0.05, 0.12, 30.0], requires_grad=True)
    outputs = torch.stack([logit, -logit], dim=1).expand(16, -1, -1)
    net._radius_loss(outputs.log_softmax(-1), torch.zeros(4, dtype=int)).backward()
    right, wrong, beyond_gamma, saturated = logit.grad
    assert right < 0
    assert wrong == 0
    assert beyond_gamma == 0
    assert saturated == 0


# Consistency -------------------------------------------------------------------------


def test_the_loss_of_answers_that_agree_and_that_do_not():
    # One feature, two classes: the copies of a row are spread by the noise alone.
    net = initialized(ConsistencyNet, [[1.0, -1.0]], sigma=2.0, n_noise=3)
    rows, labels = torch.tensor([[0.3], [-0.8]]), torch.tensor([0, 0])
    step = net.train_step_single((rows, labels))
    seen = net.module_.seen[0][0].numpy().reshape(3, 2)
    proba = 1 / (1 + np.exp(-2 * seen))
    proba = np.stack([proba, 1 - proba], axis=-1)
    mean = proba.mean(axis=0)
    divergence = (mean * np.log(mean / proba)).sum(axis=-1).mean()
    entropy = -(mean * np.log(mean)).sum(axis=-1).mean()
    expected = -np.log(proba[:, :, 0]).mean() + 10 * divergence + 0.5 * entropy
    assert_allclose(step["loss"].detach(), expected, rtol=1e-5)
    assert divergence > 0.1

    net = initialized(ConsistencyNet, np.zeros((1, 2)), sigma=2.0)
    step = net.train_step_single((rows, labels))
    assert_allclose(step["loss"].detach(), 1.5 * np.log(2), rtol=1e-6)


# What it is all for ------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """Nets trained for a while, clean and with noise of the same sigma."""
    settings = {"max_epochs": 20}
    torch.manual_seed(0)
    nets = {"clean": make(skorch.NeuralNetClassifier, **settings)}
    nets |= {kind: make(kind, sigma=0.25, **settings) for kind in NETS}
    nets[SmoothAdvNet].set_params(warmup_epochs=5)
    return {name: net.fit(X[:1000], Y[:1000]) for name, net in nets.items()}


def certified_radii(net):
    clf = SmoothedClassifier.from_fitted(
        net, sigma=0.25, n_certify=500, method="monte_carlo", random_state=0
    )
    certificates = clf.certify(X[TEST])
    return certificates.radius * (certificates.label == Y[TEST])


@pytest.fixture(scope="module")
def clean_radii(trained):
    return certified_radii(trained["clean"])


@pytest.mark.parametrize("kind", NETS)
def test_training_with_noise_gives_a_larger_certified_radius(
    kind, trained, clean_radii
):
    gain = certified_radii(trained[kind]) - clean_radii
    error = gain.std() / np.sqrt(len(gain))
    assert gain.mean() > 3 * error
    assert gain.mean() > 0.02


def test_consistency_makes_answers_agree_under_noise(trained):
    def disagreement(net):
        generator = torch.manual_seed(0)
        rows = torch.tensor(X[TEST])
        noisy = rows + 0.25 * torch.randn(20, *rows.shape, generator=generator)
        with torch.no_grad():
            proba = copy.deepcopy(net.module_).eval()(noisy).softmax(-1)
        mean = proba.mean(0)
        return (mean * (mean / proba).log()).sum(-1).mean()

    agreed = disagreement(trained[ConsistencyNet])
    assert agreed < 0.8 * disagreement(trained[NoiseAugmentedNet])
    assert agreed < 0.8 * disagreement(trained["clean"])


# Lazy loading ------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["torch", "skorch"])
def test_without_torch_the_error_says_what_to_install(missing, monkeypatch):
    """That nothing is loaded before a net is used is shown in test_packaging."""
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if "sksmooth.training._" in name]:
        monkeypatch.delitem(sys.modules, name)
    assert "MACERNet" in dir(sksmooth.training)
    message = r"MACERNet needs .*pip install 'sksmooth\[torch\]'"
    with pytest.raises(ImportError, match=message):
        _ = sksmooth.training.MACERNet


def test_names_that_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'TRADESNet'"):
        _ = sksmooth.training.TRADESNet
    assert set(sksmooth.training.__all__) <= set(dir(sksmooth.training))


# A new net is its loss ---------------------------------------------------------------


class StabilityNet(NoisyLossNet):
    """Cross-entropy without noise, and copies that agree (Li et al., NeurIPS 2019)."""

    def __init__(self, module, *args, stability_weight=1.0, n_noise=2, **kwargs):
        super().__init__(module, *args, **kwargs)
        self.stability_weight = stability_weight
        self.n_noise = n_noise

    def _loss(self, X, y, outputs):
        first, *others = self._log_proba_of_copies(outputs)
        drift = sum(-(first.exp() * other).sum(dim=-1).mean() for other in others)
        fit = self.get_loss(outputs[: len(X)], y, X=X, training=True)
        return fit + self.stability_weight * drift


def test_a_new_net_states_its_loss_only():
    net = make(StabilityNet, sigma=0.5, max_epochs=3, stability_weight=0.5)
    again = clone(net).fit(X[:800], Y[:800])
    net.fit(X[:800], Y[:800])
    assert_array_equal(weights(net), weights(again))
    clf = SmoothedClassifier.from_fitted(net, sigma=0.5, n_certify=200, random_state=0)
    certificates = clf.certify(X[TEST][:50])
    assert np.mean(certificates.label == Y[TEST][:50]) > 0.5
    assert certificates.radius.max() > 0.1
