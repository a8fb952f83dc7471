# SPDX-License-Identifier: BSD-3-Clause
"""The vote sources, each by the tests that all of them inherit."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sksmooth.noise import Resample
from sksmooth.samples import Categories, Table
from sksmooth.votes import ExactSource, MonteCarloVotes
from sksmooth.votes._registry import (
    find_any,
    find_closed_form,
    find_network,
    find_projected_linear,
)
from sksmooth.votes.exact import CategoryVotes, ExactVotes
from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._category_forms import (
    CategoryCells,
    CategoryStumps,
    CategoryTree,
)
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._linear import (
    HeldLineSource,
    LinearSource,
    LineSource,
    TwoClassSource,
)
from sksmooth.votes.exact._three_classes import ThreeClassSource
from sksmooth.votes.exact._tree import TreeSource
from sksmooth.votes.sampled import ProjectedLinearVotes
from tests.source_case import SourceCase


class ExactCase:
    """A closed form: `form` is its class."""

    kind = ExactVotes
    find = staticmethod(find_closed_form)
    form: type
    why_not_laplace = None

    def test_it_is_the_form_that_is_meant(self):
        assert type(self.source().form) is self.form

    def test_bounds_hold_the_middle(self):
        lower, upper = self.source().probits(self.samples())
        assert (lower <= upper).all()


class TwoClasses:
    @staticmethod
    def data():
        X, y = SourceCase.data()
        return X, (y > 0).astype(int)


class TestMonteCarlo(SourceCase):
    kind = MonteCarloVotes
    find = staticmethod(find_any)
    estimator = staticmethod(lambda: KNeighborsClassifier(5))

    def declined(self):
        return ()  # it serves any classifier


class TestProjectedLinear(SourceCase):
    kind = ProjectedLinearVotes
    find = staticmethod(find_projected_linear)
    estimator = staticmethod(LogisticRegression)


class TestTree(ExactCase, SourceCase):
    form = TreeSource
    estimator = staticmethod(lambda: DecisionTreeClassifier(random_state=0))


class TestForest(ExactCase, SourceCase):
    form = CellSource
    estimator = staticmethod(
        lambda: RandomForestClassifier(4, max_depth=3, random_state=0)
    )


class TestAdditive(ExactCase, TwoClasses, SourceCase):
    form = AdditiveSource
    estimator = staticmethod(
        lambda: GradientBoostingClassifier(
            n_estimators=400, max_depth=1, subsample=0.3, random_state=0
        )
    )


class TestTwoClassLinear(ExactCase, TwoClasses, SourceCase):
    form = TwoClassSource
    estimator = staticmethod(LogisticRegression)


class TestThreeClassLinear(ExactCase, SourceCase):
    form = ThreeClassSource
    why_not_laplace = "two linear classes"
    estimator = staticmethod(LogisticRegression)


class TestLine(ExactCase, SourceCase):
    form = LineSource
    why_not_laplace = "two linear classes"
    estimator = staticmethod(LogisticRegression)

    @staticmethod
    def data():
        X, y = SourceCase.data()
        return X[:, :1] + y[:, np.newaxis], y


class TestLineBesideHeldColumns(ExactCase, SourceCase):
    form = HeldLineSource
    why_not_laplace = "Gaussian noise only"
    estimator = staticmethod(LogisticRegression)
    unit = np.array([1.0, 0.0, 0.0])

    @staticmethod
    def shown(X):
        return Table(X, np.array([0]), np.ones(1))


class BesideCategories(ExactCase):
    """Numbers with noise, and a code of three categories that are drawn anew."""

    kind = CategoryVotes
    law = Resample(0.4).bind(sigma=0.5, cardinalities=[0, 0, 0, 3])

    @classmethod
    def data(cls):
        X, y = super().data()
        code = (y + (X[:, 2] > 0.3)) % 3
        return np.column_stack([X, code]), y

    @staticmethod
    def shown(X):
        X = X.copy()
        X[:, 3] = np.minimum(X[:, 3], 2)  # where samples are far out
        known = Categories(np.arange(3.0))
        return Table(X, np.arange(4), np.ones(4), categories={3: known})

    def noisy(self, x, n, rng):
        copies = super().noisy(x, n, rng)
        copies[:, 3] = np.where(rng.random(n) < 0.4, rng.integers(3, size=n), x[3])
        return copies


class TestTreeBesideCategories(BesideCategories, SourceCase):
    form = CategoryTree
    estimator = staticmethod(lambda: DecisionTreeClassifier(random_state=0))


class TestForestBesideCategories(BesideCategories, SourceCase):
    form = CategoryCells
    estimator = staticmethod(
        lambda: RandomForestClassifier(4, max_depth=3, random_state=0)
    )


class TestStumpsBesideCategories(BesideCategories, TwoClasses, SourceCase):
    form = CategoryStumps
    estimator = staticmethod(
        lambda: GradientBoostingClassifier(
            n_estimators=400, max_depth=1, subsample=0.3, random_state=0
        )
    )


@pytest.mark.filterwarnings("ignore:Votes .* takes longer")
class TestTorch(SourceCase):
    find = staticmethod(find_network)

    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip("skorch")
        from sksmooth.votes.torch._sources import TorchVotes

        type(self).kind = TorchVotes

    # The last digits of the outputs of a network depend on the batch, and with them
    # where a vote between equal scores goes.
    tolerance = 2 / 50

    @staticmethod
    def data():
        X, y = SourceCase.data()
        return X.astype(np.float32), y

    @staticmethod
    def estimator():
        import skorch
        import torch

        torch.manual_seed(0)
        return skorch.NeuralNetClassifier(
            torch.nn.Linear(3, 3),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=0.05,
            max_epochs=20,
            train_split=None,
            iterator_valid__batch_size=4096,
            verbose=0,
        )

    def declined(self):
        yield self.model(LogisticRegression().fit(*self.data())), "not a classif"


def _all_subclasses(kind):
    for sub in kind.__subclasses__():
        yield sub
        yield from _all_subclasses(sub)


def test_every_closed_form_inherits_the_tests():
    """Those of the package; abstract ones have no instances."""
    for path in Path(__file__).parent.glob("test_exact_*.py"):
        import_module(f"tests.{path.stem}")  # where some cases are
    forms = {
        form
        for form in _all_subclasses(ExactSource)
        if form.__module__.startswith("sksmooth.")
        and not getattr(form, "__abstractmethods__", None)
        and form is not LinearSource
    }
    tested = {getattr(case, "form", None) for case in _all_subclasses(SourceCase)}
    assert forms <= tested
