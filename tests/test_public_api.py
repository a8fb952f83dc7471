# SPDX-License-Identifier: BSD-3-Clause
"""The public names: what they are, how they are called, where they are documented."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import sksmooth
from tests.public_names import (
    HAS_TORCH,
    NEED_TORCH,
    PUBLIC,
    own_methods,
    public_objects,
)

ROOT = Path(__file__).parents[1]
ROOMS = [
    "sksmooth",
    *(room.name for room in pkgutil.iter_modules(sksmooth.__path__, "sksmooth.")),
]
ROOMS = [room for room in ROOMS if not room.rpartition(".")[2].startswith("_")]

# Binding: scripts outside the project call these. A parameter may be added, by keyword
# and with a default; none goes, moves or changes its default.
BINDING = {
    "SmoothedClassifier": """estimator, *, sigma=0.25, noise="gaussian", norm=None,
        noise_features=None, feature_scale=None, denoiser=None, method="auto",
        bound="multiclass", vote_weights=None, n_predict=1000, n_certify=10_000,
        alpha=0.001, batch_size=None, device=None, n_jobs=None, random_state=None,
        verbose=0""",
    "SmoothedClassifier.from_fitted": "clf, **params",
    "SmoothedClassifier.fit": "self, X, y, **fit_params",
    "SmoothedClassifier.predict": "self, X",
    "SmoothedClassifier.predict_proba": "self, X",
    "SmoothedClassifier.certify": "self, X, *, radii=None, changes=None",
    "SmoothedClassifier.score": "self, X, y",
    "SmoothedClassifier.classwise_score": "self, X, y, *, radius=0.0",
    "Certificates.holds": "self, radius, changes=0",
    "Certificates.holds_for": "self, delta",
    "Certificates.feature_radius": "self, feature",
    "certify": "estimator, X, *, radii=None, changes=None",
    "noise.Laplace": "sigma",
    "denoising.PosteriorMeanDenoiser": "bandwidth=0.0, n_prototypes=None",
    "Certificates.to_labels": "self, abstain_label=None",
    "Certificates.to_frame": "self",
    "TunedVoteClassifierCV": "estimator, *, scoring='worst_class_accuracy', cv=5",
    "CertificateLog": "path",
    "read_certificates": "path",
    "metrics.certified_accuracy_score": """y_true, certificates, *, radius=0.0,
        average="micro", labels=None, sample_weight=None""",
    "metrics.average_certified_radius_score": """y_true, certificates, *,
        average="micro", labels=None, sample_weight=None""",
    "metrics.abstention_rate": """y_true, certificates, *, average="micro", labels=None,
        sample_weight=None""",
    "metrics.classwise_report": """y_true, certificates, *, radii=None, y_base=None,
        output="text\"""",
    "conformal.RobustConformalClassifier": """estimator, *, sigma, radius=0.0,
        confidence_level=0.9, noise="gaussian", norm=None""",
    "conformal.RobustConformalClassifier.conformalize": "self, X, y",
    "conformal.RobustConformalClassifier.predict_set": "self, X",
    "metrics.CertifiedScorer": """metric="certified_accuracy", *, radius=0.0,
        average="micro\"""",
    "metrics.ClasswiseScorer": "radii=(0.0,)",
    "noise.Gaussian": "sigma",
    "bounds.clopper_pearson_lower": "k, n, alpha",
    "bounds.clopper_pearson_upper": "k, n, alpha",
    "shrinkage.ball_vote_probability": "distance, radius, sigma, n_features",
    "shrinkage.ball_smoothed_radius": "radius, sigma, n_features",
    "shrinkage.ball_vanishing_sigma": "radius, n_features, n_classes=2",
    "shrinkage.slab_smoothed_halfwidth": "halfwidth, sigma",
    "shrinkage.slab_vanishing_sigma": "halfwidth",
    "shrinkage.cone_apex_shift": "half_angle, sigma, n_features",
    "shrinkage.shrinkage_curve": "estimator, X, y, sigmas",
    "shrinkage.vanishing_sigma": "estimator, X, y",
    "training.NoiseAugmentedClassifier": "estimator, *, n_copies=10, random_state=None",
    "training.ParzenClassifier": "sigma",
    "inspection.CertifiedAccuracyDisplay.from_estimator": "estimator, X, y",
    "inspection.ClasswiseAccuracyDisplay.from_estimator": "estimator, X, y",
    "inspection.DecisionRegionDisplay.from_estimator": "estimator, X",
    "inspection.ShrinkageDisplay.from_estimator": "estimator, X, y, sigmas",
}


@pytest.mark.parametrize("room", ROOMS)
def test_names_are_sorted_exist_and_say_what_they_are(room):
    module = importlib.import_module(room)
    # Constants first.
    assert module.__all__ == sorted(module.__all__, key=lambda n: (not n.isupper(), n))
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        if HAS_TORCH or name not in NEED_TORCH:
            assert getattr(module, name).__doc__


@pytest.mark.parametrize("room", PUBLIC)
def test_no_name_is_public_by_accident(room):
    module = importlib.import_module(room)
    strays = {
        name
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", "").startswith("sksmooth")
        and not name.startswith("_")
        and name not in module.__all__
    }
    assert not strays


def test_the_public_rooms_are_listed():
    # These rooms serve other rooms; what is public of them is re-exported by the top
    # level or by `shrinkage`.
    private = {"certificates", "geometry", "logs", "parallel", "questions", "tuning"}
    private |= {"samples", "verification", "votes"}
    assert {*PUBLIC, *(f"sksmooth.{room}" for room in private)} == {*ROOMS}


def test_every_public_name_is_in_the_api_reference():
    # Which is made from `public_names`; a table without a prefix takes all that is left
    # of a room.
    page = (ROOT / "docs/_templates/reference.rst").read_text("utf-8")
    for room in PUBLIC:
        assert f'{{{{ table("{room}") }}}}' in page


@pytest.mark.parametrize("name", BINDING)
def test_binding_signature(name):
    thing = sksmooth
    for part in name.split("."):
        thing = getattr(thing, part)
    found = inspect.signature(thing).parameters
    asked = inspect.signature(eval(f"(lambda {BINDING[name]}: None)")).parameters
    assert found.keys() >= asked.keys()
    in_order = [p.name for p in asked.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert list(found)[: len(in_order)] == in_order
    for parameter in found.values():
        like = asked.get(parameter.name)
        if like is None:
            optional = parameter.default is not parameter.empty
            assert optional or parameter.kind is parameter.VAR_KEYWORD
            continue
        assert parameter.kind is like.kind
        if like.default is not like.empty:
            assert parameter.default == like.default


def _signatures():
    for name, thing in public_objects().items():
        if inspect.isclass(thing):
            for method, function in own_methods(thing).items():
                yield f"{name}.{method}", function
        else:
            yield name, thing


SIGNATURES = dict(_signatures())


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_is_annotated(name):
    signature = inspect.signature(SIGNATURES[name])
    assert signature.return_annotation is not signature.empty
    bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
    assert not set(bare) - {"self", "cls"}
