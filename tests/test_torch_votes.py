# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: E402
"""Votes of networks: the same labels as `predict`, for less."""

import copy
import pickle
import sys
import warnings
from unittest import SkipTest

import numpy as np
import pytest

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from joblib import parallel_config
from numpy.testing import assert_array_equal
from scipy.stats import kstest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from sksmooth import SmoothedClassifier
from sksmooth._estimators import frames_of
from sksmooth.noise import Gaussian, Laplace, Splitting, Stage, Uniform
from sksmooth.votes import Declined, Model, MonteCarloVotes
from sksmooth.votes.torch import find_torch_votes
from sksmooth.votes.torch._philox import philox, row_words, standard_noise
from tests.estimator_checks import each_check

LAW = Gaussian(0.25)
KEY = bytes(range(32))
TEN = np.arange(10)
LETTERS = np.array(list("abcdefghij"))
# Softmax and GEMM round differently in batches of different shapes: a vote whose two
# leading scores agree to about 1e-6 may go either way. Of the 12,000 votes of a draw
# here, 0.01 are expected to be so close.
N_TIES = 1


def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y.astype(np.int64)


X, Y = digits()
ROWS = X[1000:1040]


def mlp(n_out=10, dropout=0.0):
    return nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, n_out)
    )


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(72, 10),
    )


def fitted(module, kind=skorch.NeuralNetClassifier, rows=X, labels=Y, **params):
    torch.manual_seed(0)
    if kind is skorch.NeuralNetClassifier:
        params = {"criterion": nn.CrossEntropyLoss} | params
    net = kind(
        module,
        optimizer=torch.optim.Adam,
        lr=0.01,
        max_epochs=3,
        train_split=None,
        verbose=0,
        **params,
    )
    return net.fit(rows[:1000], labels[:1000])


@pytest.fixture(scope="module")
def net():
    return fitted(mlp())


@pytest.fixture(scope="module")
def conv_net():
    return fitted(convolutional())


def source_of(estimator, rows=ROWS, classes=TEN, batch_size=8192, law=LAW, **options):
    return find_torch_votes(
        Model(
            estimator,
            classes,
            law,
            KEY,
            batch_size,
            as_frame=frames_of(estimator),
            **options,
        ),
        rows,
    )


def reason_of(estimator, rows=ROWS, classes=TEN):
    with pytest.raises(Declined) as reason:
        find_torch_votes(Model(estimator, classes, LAW, KEY, 8192), rows)
    return str(reason.value)


def draw(source, rows=ROWS, n=300, stage=Stage.ESTIMATE):
    which = np.arange(len(rows))
    return source.open(rows).draw(which, np.full(len(rows), n), stage)


def through_predict(estimator, rows=ROWS, n=300, classes=TEN):
    model = Model(estimator, classes, LAW, KEY, 8192, as_frame=frames_of(estimator))
    return draw(MonteCarloVotes(model), rows, n)


def assert_same_votes(first, second, n_ties=N_TIES):
    assert_array_equal(first.sum(axis=1), second.sum(axis=1))
    moved = np.abs(first - second).sum() // 2
    assert moved <= n_ties


def host_and_device(source):
    """The source as it is, and one that makes noise as on a GPU."""
    on_device = copy.copy(source)
    on_device.noise_on_device = True
    return [source, on_device]


# Same votes as predict ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["net", "conv_net"])
def test_votes_are_those_of_predict(name, request):
    net = request.getfixturevalue(name)
    expected = through_predict(net)
    assert (expected.max(axis=1) < 300).sum() > 10  # not all of them are unanimous
    assert_same_votes(draw(source_of(net)), expected)
    assert_same_votes(draw(source_of(FrozenEstimator(net))), expected)


def test_certificates_are_those_of_predict(net):
    class OwnPredict(skorch.NeuralNetClassifier):
        def predict(self, X):
            return super().predict(X)

    slow = copy.copy(net)
    slow.__class__ = OwnPredict
    params = {"sigma": 0.25, "n_certify": 500, "random_state": 0}
    fast = SmoothedClassifier.from_fitted(net, **params).certify(ROWS)
    with pytest.warns(UserWarning, match="OwnPredict has its own predict"):
        slow = SmoothedClassifier.from_fitted(slow, **params).certify(ROWS)
    n_differ = np.count_nonzero((fast.counts != slow.counts).any(axis=1))
    assert n_differ <= 1
    same = (fast.counts == slow.counts).all(axis=1)
    assert_array_equal(fast.radius[same], slow.radius[same])
    assert_array_equal(fast.label[same], slow.label[same])


def test_probabilities_instead_of_logits():
    net = fitted(nn.Sequential(mlp(), nn.Softmax(-1)), criterion=nn.NLLLoss)
    assert_same_votes(draw(source_of(net)), through_predict(net))


def test_a_nonlinearity_that_changes_the_order_is_applied():
    net = fitted(mlp(), predict_nonlinearity=torch.neg)
    expected = through_predict(net)
    assert (expected.argmax(axis=1) != Y[1000:1040]).mean() > 0.9
    assert_same_votes(draw(source_of(net)), expected)


@pytest.mark.parametrize("threshold", [0.5, 0.8])
@pytest.mark.parametrize("squeeze", [True, False])
def test_binary_nets(threshold, squeeze):
    module = mlp(1)
    if squeeze:
        module.append(nn.Flatten(0))
    odd = (Y % 2).astype(np.float32)
    kind = skorch.NeuralNetBinaryClassifier
    net = fitted(module, kind, labels=odd, threshold=threshold)
    source = source_of(net, classes=np.array([0, 1]))
    expected = through_predict(net, classes=np.array([0, 1]))
    assert expected.min() == 0 and 0 < expected[:, 1].mean() < 300
    assert_same_votes(draw(source), expected)


def test_a_binary_net_is_not_read_as_scores():
    odd = (Y % 2).astype(np.float32)
    net = fitted(mlp(1), skorch.NeuralNetBinaryClassifier, labels=odd)
    net.module_ = mlp(2)
    with pytest.raises(ValueError, match=r"\(12, 2\); a binary net gives one logit"):
        source_of(net, classes=np.array([0, 1]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_before_a_network_transform_in_batches(dtype):
    scaler = StandardScaler().fit(X * 3)
    net = fitted(mlp(), rows=scaler.transform(X))
    pipeline = make_pipeline(scaler, net)
    rows = ROWS.astype(dtype)
    votes = draw(source_of(pipeline, rows), rows)
    assert_same_votes(votes, through_predict(pipeline))
    nested = FrozenEstimator(make_pipeline(scaler, FrozenEstimator(pipeline[-1:])))
    assert_same_votes(votes, draw(source_of(nested, rows), rows))


class Columns(TransformerMixin, BaseEstimator):
    """Knows columns by their names."""

    def fit(self, X, y=None):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X):
        return X[self.feature_names_in_[::-1]].to_numpy(np.float32).copy()


def test_the_first_step_sees_names_of_columns():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    net = fitted(mlp(), rows=X[:, ::-1].copy())
    pipeline = make_pipeline(Columns().fit(frame), net)
    assert_same_votes(draw(source_of(pipeline)), through_predict(pipeline))


def test_float64_rows_and_a_float64_module(net):
    assert_same_votes(
        draw(source_of(net, ROWS.astype(np.float64)), ROWS.astype(np.float64)),
        draw(source_of(net)),
    )
    double = copy.deepcopy(net)
    double.module_.double()
    assert_same_votes(draw(source_of(double)), draw(source_of(net)))


# Invariances -------------------------------------------------------------------------


@pytest.mark.parametrize("where", [0, 1], ids=["noise_on_host", "noise_on_device"])
def test_votes_do_not_depend_on_batch_order_or_company(net, where):
    def votes(rows=ROWS, batch_size=8192):
        source = source_of(net, rows, batch_size=batch_size)
        return draw(host_and_device(source)[where], rows)

    expected = votes()
    for batch_size in (1, 7, 300, 1000):
        rows = ROWS[:3] if batch_size == 1 else ROWS
        assert_same_votes(votes(rows, batch_size), expected[: len(rows)])
    order = np.random.default_rng(0).permutation(len(ROWS))
    assert_same_votes(votes(ROWS[order]), expected[order])
    assert_same_votes(votes(ROWS[5:7]), expected[5:7])


@pytest.mark.parametrize("where", [0, 1], ids=["noise_on_host", "noise_on_device"])
def test_streams_go_on_where_they_were_left(net, where):
    streams = host_and_device(source_of(net))[where].open(ROWS)
    rows = np.arange(len(ROWS))
    some = rows[::3]
    first = streams.draw(rows, np.full(len(rows), 100), Stage.ESTIMATE)
    streams.draw(rows, np.full(len(rows), 10), Stage.PILOT)
    more = streams.draw(some, 50 + some, Stage.ESTIMATE)
    fresh = host_and_device(source_of(net))[where].open(ROWS)
    sizes = np.full(len(rows), 100)
    sizes[some] += 50 + some
    whole = fresh.draw(rows, sizes, Stage.ESTIMATE)
    first[some] += more
    assert_same_votes(first, whole)
    assert (fresh.draw(rows, sizes, Stage.PILOT) != whole).any()


def test_several_threads_draw_the_same_noise(net, monkeypatch):
    expected = draw(source_of(net), n=2000)
    for n_threads in (2, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n_threads: n)
        assert_same_votes(draw(source_of(net), n=2000), expected)


def test_noise_of_either_kind_has_the_same_law(net):
    on_host, on_device = (draw(s, n=4000) for s in host_and_device(source_of(net)))
    # Two samples of 4,000 votes each: their shares differ by 0.011 at one standard
    # error at most, and 400 of them are compared.
    assert np.abs(on_host - on_device).max() < 4.5 * 0.0112 * 4000
    assert (on_host != on_device).any(axis=1).mean() > 0.5


def test_equal_certificates_for_any_n_jobs(net):
    clf = SmoothedClassifier.from_fitted(
        net, sigma=0.25, n_certify=200, random_state=0, batch_size=16
    )
    expected = clf.certify(ROWS)
    for backend in ("threading", "loky"):
        with parallel_config(backend=backend):
            found = clf.set_params(n_jobs=2).certify(ROWS)
        assert_same_votes(found.counts, expected.counts)
        same = (found.counts == expected.counts).all(axis=1)
        assert_array_equal(found.radius[same], expected.radius[same])


def test_a_round_without_rows(net):
    for source in host_and_device(source_of(net)):
        streams = source.open(ROWS)
        none = np.zeros(0, dtype=np.int64)
        assert streams.draw(none, none, Stage.PILOT).shape == (0, 10)


# Noise on a device -------------------------------------------------------------------


def test_philox_gives_the_published_numbers():
    # Known outputs of Philox4x32-10, from the Random123 distribution.
    known = [
        ("00000000 00000000 00000000 00000000", "00000000 00000000",
         "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
         "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ]  # fmt: skip
    for counter, key, answer in known:
        counter, key, answer = (
            [torch.tensor(int(word, 16)) for word in text.split()]
            for text in (counter, key, answer)
        )
        assert list(philox(counter, key)) == answer


@pytest.mark.parametrize("law", [Laplace(0.3), Uniform(0.3), Gaussian(0.3)])
def test_device_noise_is_that_of_the_law(law):
    words = row_words([bytes(range(16))], "cpu").expand(20_000, 3)
    noise = standard_noise(words, torch.arange(20_000), Stage.PILOT, 5, law)
    noise = noise.flatten().numpy()
    assert kstest(noise, lambda z: 1 - law.tail(z)).pvalue > 1e-3


def test_device_noise_is_normal_and_independent():
    words = row_words([bytes(range(16)), bytes(range(1, 17))], "cpu")
    copies = torch.arange(20_000)
    first = standard_noise(words[:1].expand(20_000, 3), copies, Stage.PILOT, 25, LAW)
    assert first.dtype == torch.float64
    assert kstest(first.flatten().numpy(), "norm").pvalue > 1e-3
    others = [
        standard_noise(words[1:].expand(20_000, 3), copies, Stage.PILOT, 25, LAW),
        standard_noise(words[:1].expand(20_000, 3), copies, Stage.ESTIMATE, 25, LAW),
        first.roll(1, dims=0),
        first.roll(1, dims=1),
        first.roll(13, dims=1),  # the two halves of a Box-Muller pair
    ]
    for other in others:
        for function in (torch.Tensor.clone, torch.square, torch.abs):
            pair = torch.stack([function(first).flatten(), function(other).flatten()])
            correlation = torch.corrcoef(pair)[0, 1]
            assert abs(correlation) < 4.5 / np.sqrt(500_000)


def test_device_noise_reaches_far_tails():
    # The smallest uniform gives 8.6; float32 generators end below 5.8.
    words = torch.zeros(1, 3, dtype=torch.int64)
    u = 0.5 * 2.0**-53
    assert np.sqrt(-2 * np.log(u)) > 8.5
    noise = standard_noise(
        words, torch.zeros(1, dtype=torch.int64), Stage.PILOT, 7, LAW
    )
    assert noise.shape == (1, 7)
    assert torch.isfinite(noise).all()


UNITS = np.geomspace(0.1, 10, 64)


@pytest.mark.parametrize(
    "law",
    [LAW, Laplace(0.25), Uniform(0.25), Gaussian(0.25, scale=UNITS)],
    ids=lambda law: law.name + "_scaled" * (law.scale is not None),
)
def test_device_noise_lies_on_the_grid(law):
    torch.manual_seed(0)
    identity = fitted(nn.Sequential(nn.Identity(), mlp()))
    identity.module_.double()
    seen = []
    identity.module_[0].register_forward_hook(lambda m, args, out: seen.append(out))
    source = host_and_device(source_of(identity, law=law))[1]
    seen.clear()
    draw(source, ROWS[:2], n=50)
    (noisy,) = seen
    steps = noisy.numpy() / law.grid
    assert_array_equal(steps, np.rint(steps))
    rows = law.snap(ROWS[:2])
    noise = noisy.numpy().reshape(2, 50, 64) - rows[:, np.newaxis]
    noise = (noise / law.deviation).flatten()
    assert abs(noise.std() - 1) < 4 / np.sqrt(noise.size)
    assert kstest(noise, lambda z: 1 - law.tail(z)).pvalue > 1e-3


def test_laws_that_a_device_cannot_draw_are_drawn_on_the_host(net):
    source = source_of(net, law=Splitting(0.25))
    assert not source.noise_on_device
    assert draw(source).sum() == 300 * len(ROWS)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_votes_like_the_same_noise_on_the_host(net):
    source = source_of(net, device="cuda")
    assert source.noise_on_device
    assert next(net.module_.parameters()).device.type == "cpu"
    expected = draw(host_and_device(source_of(net))[1])
    assert_same_votes(draw(source), expected, n_ties=5)
    for law in (Laplace(0.25), Uniform(0.25)):
        source = source_of(net, device="cuda", law=law)
        expected = draw(host_and_device(source_of(net, law=law))[1])
        assert_same_votes(draw(source), expected, n_ties=5)
    assert not source_of(net, device="cuda", law=Splitting(0.25)).noise_on_device


# Mode of the module ------------------------------------------------------------------


def modes(module):
    return [part.training for part in module.modules()]


def test_modes_and_gradients_are_left_as_they_were(conv_net):
    module = conv_net.module_
    module.train()
    module[2].eval()
    before, state = modes(module), copy.deepcopy(module.state_dict())
    expected = through_predict(copy.deepcopy(conv_net))
    for source in host_and_device(source_of(conv_net)):
        draw(source, n=20)
        assert modes(module) == before
    assert_same_votes(draw(source_of(conv_net)), expected)
    assert modes(module) == before
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name])
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert all(weight.requires_grad for weight in module.parameters())


class Fails(nn.Module):
    """Fails on more rows than `most`, as if memory were short, or otherwise."""

    def __init__(self, message="CUDA out of memory. Tried to allocate 2 GiB"):
        super().__init__()
        self.inner = mlp(dropout=0.5)
        self.most = 10**9
        self.message = message
        self.error = RuntimeError

    def forward(self, rows):
        if len(rows) > self.most:
            raise self.error(self.message)
        return self.inner(rows)


def test_modes_are_restored_after_an_error():
    net = fitted(Fails("no such kernel"))
    net.module_.train()
    before = modes(net.module_)
    for source in host_and_device(source_of(net)):
        net.module_.most = 50
        with pytest.raises(RuntimeError, match="no such kernel"):
            draw(source)
        assert modes(net.module_) == before
        assert not torch.is_inference_mode_enabled()
        net.module_.most = 10**9


class Stubborn(nn.Dropout):
    def train(self, mode=True):
        return super().train(True)


class Sampled(nn.Module):
    def forward(self, rows):
        return nn.functional.dropout(rows, 0.3, training=True)


class Centred(nn.Module):
    def forward(self, rows):
        return rows - rows.mean(dim=0)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Stubborn(0.1), r"part '1' \(Stubborn\) stays in training mode"),
        (nn.BatchNorm1d(10, track_running_stats=False), "no running statistics"),
        (Sampled(), "outputs for the same samples differ .* in another batch"),
        (Centred(), "outputs for the same samples differ .* in another batch"),
    ],
)
def test_a_network_without_a_fixed_answer_is_refused(part, message):
    net = fitted(nn.Sequential(mlp(), part))
    before = modes(net.module_)
    with pytest.raises(ValueError, match=message):
        source_of(net)
    assert modes(net.module_) == before


class Rarely(nn.Module):
    """Random for few samples, so that a dozen of them may not show it."""

    def forward(self, rows):
        return rows * (1 - 2.0 * (torch.rand(len(rows), 1) < 0.05))


def test_a_network_behind_a_step_that_looks_at_the_batch_is_refused():
    step = FunctionTransformer(lambda X: X - X.mean(axis=0)).fit(X)
    pipeline = make_pipeline(step, fitted(mlp(), rows=step.transform(X)))
    pipeline = FrozenEstimator(pipeline)
    clf = SmoothedClassifier(pipeline, sigma=1.0, n_certify=500, random_state=0)
    with pytest.raises(ValueError, match="rest of its batch"):
        clf.fit(X, Y).certify(ROWS)


def test_a_network_that_is_rarely_random_is_refused_in_the_end():
    torch.manual_seed(0)
    net = nn.Sequential(mlp().eval(), Rarely())
    clf = SmoothedClassifier.from_fitted(net, classes=TEN, sigma=1.0, n_certify=500)
    with pytest.raises(ValueError, match=r"differ .* in another batch|before"):
        clf.certify(ROWS)


# Memory ------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [0, 1], ids=["noise_on_host", "noise_on_device"])
@pytest.mark.parametrize(
    "error", [RuntimeError, torch.cuda.OutOfMemoryError, MemoryError]
)
def test_a_batch_that_does_not_fit_is_halved(where, error):
    net = fitted(Fails())
    net.module_.error = error
    expected = draw(host_and_device(source_of(net))[where])
    source = host_and_device(source_of(net))[where]
    net.module_.most = 1100
    with pytest.warns(UserWarning, match="going on with .* batch_size="):
        assert_same_votes(draw(source), expected)
    assert source.network.limit <= 1100
    with warnings.catch_warnings():  # what was learned is kept
        warnings.simplefilter("error")
        assert_same_votes(draw(source), expected)


def test_one_row_that_does_not_fit():
    net = fitted(Fails())
    source = source_of(net)
    net.module_.most = 0
    with (
        pytest.warns(UserWarning, match="do not fit"),
        pytest.raises(RuntimeError, match="one noisy sample does not fit in memory"),
    ):
        draw(source, ROWS[:1])


# What is refused ---------------------------------------------------------------------


def test_a_wrong_number_of_outputs():
    net = fitted(mlp(11))
    with pytest.raises(ValueError, match=r"\(12, 11\) for 10 classes"):
        source_of(net)
    one = fitted(mlp(10))
    one.module_ = mlp(1)
    with pytest.raises(ValueError, match=r"\(12, 1\) for 2 classes"):
        source_of(one, classes=np.arange(2))


def test_a_row_of_the_wrong_shape(net):
    with pytest.raises(ValueError, match=r"fails on samples of shape \(63,\).*float32"):
        source_of(net, ROWS[:, :63])


def test_nan_is_no_vote(net):
    broken = copy.deepcopy(net)
    with torch.no_grad():
        broken.module_[0].weight[0, 0] = np.nan
    with pytest.raises(ValueError, match="returns NaN for 12 noisy samples"):
        source_of(broken)
    # Found later than by the first look.
    broken = copy.deepcopy(net)
    for source in host_and_device(source_of(broken)):
        with torch.no_grad():
            broken.module_[3].bias[4] = np.nan
        with pytest.raises(ValueError, match=r"NaN for [0-9]+ noisy samples"):
            draw(source)
        with torch.no_grad():
            broken.module_[3].bias[4] = 0


@pytest.mark.parametrize("device", ["abacus", "cuda:99", 3.5])
def test_an_unknown_device(net, device):
    with pytest.raises(ValueError, match=r"device=.* cannot be used"):
        source_of(net, device=device)
    clf = SmoothedClassifier.from_fitted(net, device=device)
    with pytest.raises(ValueError, match=r"device=.* cannot be used"):
        clf.predict(ROWS)


def test_a_device_is_for_networks():
    clf = SmoothedClassifier(LogisticRegression(max_iter=1000), device="cpu")
    clf.fit(X[:200], Y[:200])
    with pytest.raises(
        ValueError, match=r"'cpu' is for networks .* LogisticRegression"
    ):
        clf.predict(ROWS)


def test_the_device_of_the_network_is_a_device(net):
    for device in ("cpu", torch.device("cpu")):
        assert_same_votes(draw(source_of(net, device=device)), draw(source_of(net)))


def test_scoring_with_cached_predictions_is_refused(net):
    cached = copy.copy(net)
    cached.forward_iter = net.forward_iter
    with pytest.raises(ValueError, match="use_caching=False"):
        source_of(cached)


# Where predict is called -------------------------------------------------------------


def override(name):
    def own(self, *args, **kwargs):
        return getattr(super(kind, self), name)(*args, **kwargs)

    kind = type("Own", (skorch.NeuralNetClassifier,), {name: own})
    return kind


@pytest.mark.parametrize(
    "name",
    ["predict", "predict_proba", "forward_iter", "infer", "evaluation_step",
     "get_iterator", "get_dataset"],
)  # fmt: skip
def test_an_own_path_to_the_label_is_respected(name):
    net = fitted(mlp(), override(name), criterion=nn.CrossEntropyLoss)
    assert reason_of(net) == f"Own has its own {name}"


def test_an_own_path_of_one_object_is_respected(net):
    changed = copy.copy(net)
    changed.infer = net.infer
    assert reason_of(changed) == "NeuralNetClassifier has its own infer"


class Loader(torch.utils.data.DataLoader):
    pass


class Doubled(skorch.dataset.Dataset):
    pass


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"iterator_valid": Loader}, "its own iterator_valid"),
        ({"iterator_valid__drop_last": False}, "parameter iterator_valid__drop_last"),
        ({"dataset": Doubled}, "its own dataset"),
        ({"dataset__length": 1000}, "its own dataset"),
    ],
)
def test_an_own_way_to_load_rows_is_respected(params, reason):
    assert reason in reason_of(fitted(mlp(), **params))


def test_options_of_loading_are_no_reason():
    net = fitted(mlp(), iterator_valid__batch_size=10, iterator_valid__num_workers=0)
    assert_same_votes(draw(source_of(net)), through_predict(net))


def test_a_module_that_predict_does_not_agree_with(net):
    class Shifted(skorch.NeuralNetClassifier):
        def _get_predict_nonlinearity(self):
            return super()._get_predict_nonlinearity()

        def predict_proba(self, X):
            return np.roll(super().predict_proba(X), 1, axis=1)

    shifted = copy.copy(net)
    shifted.__class__ = Shifted
    assert "its own predict_proba" in reason_of(shifted)

    class AlwaysTraining(skorch.NeuralNetClassifier):
        def _set_training(self, training=True):
            super()._set_training(True)

    odd = fitted(mlp(dropout=0.9), AlwaysTraining, criterion=nn.CrossEntropyLoss)
    assert reason_of(odd) == "the network's module and its predict disagree"


def test_other_classifiers_are_left_to_predict():
    clf = LogisticRegression(max_iter=1000).fit(X[:200], Y[:200])
    assert "LogisticRegression is not" in reason_of(clf)
    assert "LogisticRegression is not" in reason_of(
        make_pipeline(StandardScaler(), clf)
    )


def test_without_torch_there_is_no_network(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    assert reason_of(LogisticRegression()) == "it is not a network"
    assert "torch" not in sys.modules


def test_steps_that_give_no_array(net):
    pytest.importorskip("pandas")
    scaler = StandardScaler().set_output(transform="pandas").fit(X)
    assert "gets a DataFrame" in reason_of(make_pipeline(scaler, net))


def test_predict_of_a_net_is_given_its_dtype_and_answers_labels():
    kind = override("infer")
    clf = SmoothedClassifier(
        kind(mlp(), criterion=nn.CrossEntropyLoss, max_epochs=2, lr=0.1, verbose=0),
        n_predict=50,
        random_state=0,
    )
    clf.fit(X[:500].astype(np.float64), LETTERS[Y[:500]])
    with pytest.warns(UserWarning, match="has its own infer"):
        answers = clf.predict(ROWS.astype(np.float64))
    assert set(answers) <= set(LETTERS)


# Bare modules ------------------------------------------------------------------------


def test_a_bare_module_votes_like_its_net(net):
    params = {"sigma": 0.25, "n_certify": 300, "random_state": 0}
    expected = SmoothedClassifier.from_fitted(net, **params).certify(ROWS)
    clf = SmoothedClassifier.from_fitted(net.module_, classes=LETTERS, **params)
    found = clf.certify(ROWS)
    assert_array_equal(clf.classes_, LETTERS)
    assert_array_equal(found.counts, expected.counts)
    assert_array_equal(found.label, LETTERS[expected.label])
    again = pickle.loads(pickle.dumps(clf)).certify(ROWS)
    assert_array_equal(again.counts, expected.counts)


def test_labels_stand_in_the_order_of_the_outputs(net):
    backwards = SmoothedClassifier.from_fitted(net.module_, classes=LETTERS[::-1])
    answers = backwards.predict(ROWS)
    assert np.mean(answers == LETTERS[::-1][Y[1000:1040]]) > 0.8


def test_a_module_predicts_as_it_votes(conv_net):
    clf = SmoothedClassifier.from_fitted(conv_net.module_, classes=LETTERS).estimator_
    assert_array_equal(clf.predict(ROWS), LETTERS[conv_net.predict(ROWS)])
    expected = through_predict(clf, classes=LETTERS)
    assert_same_votes(draw(source_of(clf)), expected)


def test_a_module_with_one_logit():
    odd = (Y % 2).astype(np.float32)
    net = fitted(mlp(1), skorch.NeuralNetBinaryClassifier, labels=odd)
    clf = SmoothedClassifier.from_fitted(net.module_, classes=["even", "odd"])
    source = source_of(clf.estimator_, classes=clf.classes_)
    assert_same_votes(draw(source), draw(source_of(net, classes=np.arange(2))))


def test_several_outputs_count_by_the_first(net):
    class Two(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, rows):
            return self.inner(rows), rows

    clf = SmoothedClassifier.from_fitted(Two(net.module_), classes=TEN)
    assert_same_votes(draw(source_of(clf.estimator_)), draw(source_of(net)))


def test_autocast_is_part_of_the_classifier(conv_net):
    low = SmoothedClassifier.from_fitted(
        conv_net.module_, classes=TEN, autocast=torch.bfloat16
    ).estimator_
    votes = draw(source_of(low), n=1000)
    # 8 bits tell scores apart to within 0.4 %: ties are common, and where they fall
    # may change with the shape of the batch.
    assert_same_votes(votes, through_predict(low, n=1000), n_ties=40)
    # It is another network, though not very different a one.
    full = draw(source_of(conv_net), n=1000)
    moved = np.abs(votes - full).sum() / 2 / full.sum()
    assert 1e-4 < moved < 0.02


def test_channels_last_changes_no_vote():
    torch.manual_seed(0)
    images = ROWS.reshape(-1, 4, 4, 4)
    module = nn.Sequential(
        nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 10)
    )
    plain = SmoothedClassifier.from_fitted(module, classes=TEN).estimator_
    expected = draw(source_of(plain, images), images)
    assert (expected.max(axis=1) < 300).sum() > 10
    layout = copy.deepcopy(module).to(memory_format=torch.channels_last)
    strides = set()
    layout[0].register_forward_pre_hook(
        lambda m, args: strides.add(args[0].stride()[1:])
    )
    last = SmoothedClassifier.from_fitted(layout, classes=TEN, channels_last=True)
    votes = draw(source_of(last.estimator_, images), images)
    assert_same_votes(votes, expected)
    assert strides == {(1, 16, 4)}


def test_a_compiled_module(net):
    compiled = torch.compile(copy.deepcopy(net.module_), backend="eager")
    compiled.train()
    clf = SmoothedClassifier.from_fitted(compiled, classes=TEN)
    assert_same_votes(draw(source_of(clf.estimator_)), draw(source_of(net)))
    assert all(modes(compiled))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({}, TypeError, r"does not know its labels: pass classes=\[...\]"),
        ({"classes": [0, 0, 1]}, ValueError, "must be a list of distinct labels"),
        ({"classes": 3}, ValueError, "must be a list of distinct labels"),
        ({"classes": [0, 1], "autocast": "half"}, ValueError, "autocast='half'"),
    ],
)
def test_bad_options_of_a_module(params, error, message):
    with pytest.raises(error, match=message):
        SmoothedClassifier.from_fitted(mlp(), **params)


def test_options_of_a_module_are_for_modules(net):
    with pytest.raises(TypeError, match=r"autocast can be .* Pass clf.module_"):
        SmoothedClassifier.from_fitted(net, autocast=torch.bfloat16)
    forest = LogisticRegression(max_iter=1000).fit(X[:200], Y[:200])
    with pytest.raises(TypeError, match="classes can be given with a bare torch"):
        SmoothedClassifier.from_fitted(forest, classes=TEN)


def test_a_module_is_not_fitted_again(net):
    clf = SmoothedClassifier.from_fitted(net.module_, classes=TEN).estimator_.estimator
    with pytest.raises(NotImplementedError, match="use a net of skorch"):
        clf.fit(X, Y)


# Fitting a net inside ----------------------------------------------------------------


class Tidy(skorch.NeuralNetClassifier):
    """Seeds itself, and has as many outputs as there are labels."""

    def fit(self, X, y, **fit_params):
        torch.manual_seed(0)
        self.set_params(module__n_out=len(np.unique(y)))
        return super().fit(X, y, **fit_params)


class Lazy(nn.Sequential):
    def __init__(self, n_out=2):
        super().__init__(nn.LazyLinear(32), nn.ReLU(), nn.Linear(32, n_out))


def tidy_net():
    return Tidy(
        Lazy,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=15,
        batch_size=32,
        train_split=None,
        verbose=0,
    )


# A net takes no weights.
@each_check(
    [SmoothedClassifier(tidy_net(), n_predict=100)],
    without=(SmoothedClassifier, "sample_weight"),
)
def test_scikit_learn_check_of_a_smoothed_net(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Lazy modules are a new feature", UserWarning)
        try:
            check(estimator)
        except SkipTest as skipped:
            pytest.fail(f"a check was skipped: {skipped}")


def test_labels_and_rows_are_put_into_the_form_of_a_net():
    net = skorch.NeuralNetClassifier(
        mlp(), criterion=nn.CrossEntropyLoss, max_epochs=10, lr=0.3, verbose=0
    )
    clf = SmoothedClassifier(net, n_predict=200, random_state=0)
    clf.fit(X[:1000].astype(np.float64), LETTERS[Y[:1000]])
    assert_array_equal(clf.classes_, LETTERS)
    assert clf.score(X[1000:1100], LETTERS[Y[1000:1100]]) > 0.7
    piped = SmoothedClassifier(make_pipeline(StandardScaler(), net), random_state=0)
    piped.fit(X[:300].astype(np.float64), LETTERS[Y[:300]])
    assert set(piped.predict(ROWS)) <= set(LETTERS)


def test_classes_that_the_net_states_keep_their_order():
    stated = [*LETTERS[::-1], "never seen"]
    net = skorch.NeuralNetClassifier(
        mlp(11), criterion=nn.CrossEntropyLoss, max_epochs=10, lr=0.3, verbose=0,
        classes=stated,
    )  # fmt: skip
    clf = SmoothedClassifier(net, n_predict=200).fit(X[:1000], LETTERS[Y[:1000]])
    assert clf.classes_.tolist() == stated
    assert clf.score(X[1000:1100], LETTERS[Y[1000:1100]]) > 0.7
    with pytest.raises(ValueError, match="labels \\['z'\\], which are not in"):
        SmoothedClassifier(net).fit(X[:2], ["z", "a"])


def test_a_binary_net_is_fitted_on_labels_of_any_kind():
    net = skorch.NeuralNetBinaryClassifier(mlp(1), max_epochs=10, lr=0.3, verbose=0)
    clf = SmoothedClassifier(net, n_predict=200)
    names = np.where(Y % 2, "odd", "even")
    clf.fit(X[:1000], names[:1000])
    assert clf.score(X[1000:1100], names[1000:1100]) > 0.7
    with pytest.raises(ValueError, match=r"y holds 10 classes and .* takes two"):
        SmoothedClassifier(net).fit(X[:100], Y[:100])


def test_a_net_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        SmoothedClassifier.from_fitted(tidy_net())


@pytest.mark.parametrize(
    "change",
    [
        torch.Tensor.double,
        torch.Tensor.bfloat16,
        torch.Tensor.requires_grad_,
    ],
)
def test_tensors_are_samples(change):
    """Of any type, also one that numpy does not have, and attached to a graph."""
    tensor = change(torch.tensor(X[:60]))
    array = tensor.detach().float().numpy()
    base = LogisticRegression().fit(X[:60], Y[:60])
    clf = SmoothedClassifier.from_fitted(base, random_state=0, n_certify=100)
    assert clf.certify(tensor[:9]) == clf.certify(array[:9])
    assert_array_equal(clf.predict(tensor), clf.predict(array))
    again = SmoothedClassifier(LogisticRegression(), random_state=0)
    assert_array_equal(again.fit(tensor, torch.tensor(Y[:60])).classes_, clf.classes_)
