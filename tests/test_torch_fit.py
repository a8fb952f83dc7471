# SPDX-License-Identifier: BSD-3-Clause
"""Networks that are fitted inside SmoothedClassifier: dtypes, classes, messages."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

SETTINGS = {"sigma": 0.3, "n_predict": 50, "n_certify": 200, "random_state": 0}
RNG = np.random.default_rng(0)
Y = np.arange(90) * 3 // 90
X = RNG.normal(size=(90, 4)) * 0.4 + 2.0 * np.eye(3, 4)[Y]


class Double(torch.nn.Module):
    def __init__(self, n_outputs=3):
        super().__init__()
        self.layer = torch.nn.Linear(4, n_outputs).double()

    def forward(self, X):
        return self.layer(X)


class Single(torch.nn.Module):
    def __init__(self, n_outputs=3):
        super().__init__()
        self.layer = torch.nn.Linear(4, n_outputs)

    def forward(self, X):
        return self.layer(X)


def net(module, **params):
    settings = {
        "criterion": torch.nn.CrossEntropyLoss,
        "max_epochs": 2,
        "train_split": None,
        "verbose": 0,
        **params,
    }
    return skorch.NeuralNetClassifier(module, **settings)


@pytest.mark.parametrize("module", [Double, Single, Double(), Single()])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("around", ["bare", "pipeline", "frame"])
def test_a_net_is_fitted_on_samples_of_the_dtype_of_its_module(module, dtype, around):
    clf, rows = net(module), X.astype(dtype)
    if around == "pipeline":
        clf = make_pipeline(StandardScaler(), clf)
    if around == "frame":
        rows = pd.DataFrame(rows, columns=list("abcd"))
    fitted = SmoothedClassifier(clf, **SETTINGS).fit(rows, Y)
    assert fitted.predict(rows[:3]).shape == (3,)


def test_a_net_is_fitted_under_a_default_dtype_of_float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        clf = SmoothedClassifier(net(Single), **SETTINGS).fit(X, Y)
        assert clf.predict(X[:3]).shape == (3,)
    finally:
        torch.set_default_dtype(before)


def test_finding_the_dtype_leaves_the_random_numbers_of_torch_alone():
    torch.manual_seed(0)
    alone = net(Single).fit(X.astype(np.float32), Y.astype(np.int64))
    torch.manual_seed(0)
    smoothed = SmoothedClassifier(net(Single), **SETTINGS).fit(X, Y)
    weights = (clf.module_.layer.weight for clf in (alone, smoothed.estimator_))
    assert torch.equal(*weights)


def test_a_fold_without_a_class_is_told_to_name_all_classes():
    folds = KFold(3)
    clf = SmoothedClassifier(net(Single, classes=[0, 1, 2]), **SETTINGS)
    scores = cross_val_score(clf, X, Y, cv=folds, error_score="raise")
    assert len(scores) == 3
    clf = SmoothedClassifier(net(Single), **SETTINGS)
    with pytest.raises(ValueError, match=r"for 2 classes.*classes=\[\.\.\.\]"):
        cross_val_score(clf, X, Y, cv=folds, error_score="raise")


class Returns(torch.nn.Module):
    """A module as transformers has them: its outputs are not a tensor."""

    def __init__(self, wrap):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
        self.wrap = wrap

    def forward(self, X):
        return self.wrap(self.layer(X))


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda scores: {"logits": scores}, r"dict with the keys \['logits'\]"),
        (lambda scores: [scores], "list"),
        (lambda scores: scores.detach().numpy(), "ndarray"),
        (lambda scores: None, "NoneType"),
        (lambda scores: ({"logits": scores},), "dict"),
    ],
)
def test_outputs_that_are_no_tensor_are_told_how_to_become_one(wrap, said):
    clf = SmoothedClassifier.from_fitted(Returns(wrap), classes=[0, 1, 2], **SETTINGS)
    with pytest.raises(ValueError, match=f"(?s){said}.*torch.nn.Module"):
        clf.predict(X[:3])


def test_a_bare_module_is_told_of_from_fitted():
    clf = SmoothedClassifier(Single(), **SETTINGS)
    with pytest.raises(TypeError, match=r"from_fitted\(module, classes=\[\.\.\.\]\)"):
        clf.fit(X, Y)


def test_codes_that_a_network_truncates_are_warned_about():
    class Embeds(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(8, 2)
            with torch.no_grad():
                at = torch.arange(8)
                self.table.weight[:] = torch.stack([at % 2, 1 - at % 2], dim=1)

        def forward(self, X):
            return self.table(X[:, 1].long().clamp(0, 7))

    rows = np.c_[RNG.normal(size=200), RNG.integers(1, 6, 200)].astype(np.float32)
    clf = SmoothedClassifier.from_fitted(Embeds(), classes=[0, 1], **SETTINGS)
    with pytest.warns(UserWarning, match=r"features \[1\]"):
        clf.predict(rows)


def test_a_device_without_a_network_says_what_device_is_for():
    from sklearn.naive_bayes import GaussianNB

    clf = SmoothedClassifier(GaussianNB(), device="cpu", **SETTINGS).fit(X, Y)
    with pytest.raises(ValueError, match=r"device='cpu' is for networks.*device=None"):
        clf.predict(X[:3])
