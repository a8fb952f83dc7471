# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: E402
"""Networks with channels last in memory give the votes that they give without."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn.datasets import load_digits
from torch import nn

from sksmooth import SmoothedClassifier
from sksmooth.noise import Gaussian, Stage
from sksmooth.votes import Model
from sksmooth.votes.torch import find_torch_votes
from sksmooth.votes.torch._module_classifier import ModuleClassifier

TEN = np.arange(10)
ROWS = (load_digits().data[:8] / 16).astype(np.float32).reshape(-1, 1, 8, 8)
N_VOTES = 150


def layers(width=16, n_out=10, bias=True):
    return [
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, width, 3),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(4 * width, n_out, bias=bias),
    ]


def network(*more, **options):
    torch.manual_seed(0)
    net = nn.Sequential(*layers(**options), *more)
    with torch.no_grad():
        net[1].running_mean.normal_(0, 0.1)
        net[1].running_var.uniform_(0.5, 2)
        net[10].weight.mul_(20)  # else most votes are for one class
    return net


def source_of(module, classes=TEN, **options):
    classifier = ModuleClassifier(module, classes, **options)
    model = Model(classifier, classes, Gaussian(0.25), bytes(range(32)), None)
    return find_torch_votes(model, ROWS)


def draw(source, n=N_VOTES):
    which = np.arange(len(ROWS))
    return source.open(ROWS).draw(which, np.full(len(ROWS), n), Stage.ESTIMATE)


def plain(module, classes=TEN, **options):
    source = source_of(module, classes, **options)
    source.network.layout = None
    return draw(source)


def strides_seen(module):
    """Strides of what the second convolution is given, filled as it is called."""
    seen = set()
    module[3].register_forward_pre_hook(lambda _, args: seen.add(args[0].stride()[1:]))
    return seen


LAST, FIRST = (1, 128, 16), (64, 8, 1)


def test_votes_are_those_of_the_usual_layout():
    module = network()
    state = copy.deepcopy(module.state_dict())
    expected = plain(module)
    assert (expected.max(axis=1) < N_VOTES).sum() > 3
    source, seen = source_of(module), strides_seen(module)
    assert np.array_equal(draw(source), expected)
    assert LAST in seen  # though weights of a single channel lie alike in both layouts
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name])
        assert value.stride() == state[name].stride()
    assert all(isinstance(weight, nn.Parameter) for weight in module.parameters())


def test_certificates_do_not_depend_on_the_size_of_a_batch():
    module = network()
    params = {"sigma": 0.25, "n_certify": 150, "random_state": 0, "classes": TEN}
    whole, parts = (
        SmoothedClassifier.from_fitted(module, batch_size=size, **params).certify(ROWS)
        for size in (None, 40)
    )
    assert np.array_equal(whole.counts, parts.counts)
    assert np.array_equal(whole.radius, parts.radius)


def test_weights_that_changed_between_draws_are_the_new_ones():
    module = network()
    source = source_of(module)
    before = draw(source)
    module[3].weight.data.neg_()  # which leaves no trace in the version of a tensor
    after = draw(source)
    assert np.array_equal(after, plain(module))
    assert not np.array_equal(after, before)


def test_weights_are_let_go_after_a_draw():
    module = network()
    source = source_of(module)
    size = len(pickle.dumps(source))
    draw(source)
    assert source.network.layout.is_used
    assert abs(len(pickle.dumps(source)) - size) < 1000  # of 18,000 bytes of them


class Viewed(nn.Module):
    def forward(self, images):
        return images.view(len(images), -1)


class ViewedIfDark(nn.Module):
    """Takes another way for some samples, which those of the check do not take."""

    is_open = False

    def forward(self, images):
        if self.is_open:
            return images.view(len(images), -1)
        return images.flatten(1)


class Restrided(nn.Module):
    """Reads memory as it lies, which is another image in another layout."""

    def forward(self, images):
        shape = len(images), images[0].numel()
        return images.as_strided(shape, (shape[1], 1))


@pytest.mark.parametrize("part", [Viewed(), Restrided()])
def test_layers_that_need_the_usual_layout_get_it(part):
    module = network()
    module[9] = part
    seen = strides_seen(module)
    source = source_of(module)
    assert source.network.layout is None
    seen.clear()
    expected = plain(network())
    assert np.array_equal(draw(source), expected)
    assert seen == {FIRST}


def test_a_layer_that_fails_later_gets_the_usual_layout_from_then_on():
    module = network()
    module[9] = ViewedIfDark()
    source = source_of(module)
    assert source.network.layout is not None
    module[9].is_open = True
    assert np.array_equal(draw(source), plain(network()))
    assert not source.network.layout.is_used


def test_an_error_of_the_network_itself_is_told():
    module = network()
    source = source_of(module)
    module[9].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        draw(source)


def test_near_ties_are_those_of_the_usual_layout():
    module = network()
    with torch.no_grad():  # all samples are near a tie of two classes
        module[10].weight[5:] = module[10].weight[:5] * (1 + 1e-7)
        module[10].bias[5:] = module[10].bias[:5].clone()
    source, seen = source_of(module), strides_seen(module)
    source.network.limit = 64
    assert np.array_equal(draw(source), plain(module))
    assert seen == {LAST, FIRST}
    # Where every pass would be made twice, the layout is given up.
    assert not source.network.layout.is_used


def test_one_near_tie_in_a_pass_is_enough():
    module = network()
    source = source_of(module)
    layout, net = source.network.layout, source.network
    rows = torch.randn(64, 1, 8, 8)
    with net.evaluating():
        assert layout.votes(rows) is not None
        module[10].register_forward_hook(tie_of_the_last)
        assert layout.votes(rows) is None


def tie_of_the_last(module, args, scores):
    top = scores.topk(2, dim=1)
    scores[-1, top.indices[-1, 1]] = top.values[-1, 0] * (1 - 1e-6)
    return scores


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_read_as_before(value):
    module = network()
    source = source_of(module)
    rows = torch.randn(64, 1, 8, 8)
    with source.network.evaluating():
        module[10].register_forward_hook(lambda _, args, scores: scores.fill_(value))
        assert source.network.layout.votes(rows) is None


def test_networks_that_do_not_gain_keep_their_layout():
    assert source_of(network()).network.layout is not None
    narrow = network(width=8)
    assert source_of(narrow).network.layout is not None
    narrow[5] = nn.AvgPool2d(2)  # pooling of the largest gains with any width
    assert source_of(narrow).network.layout is None
    assert source_of(network().double()).network.layout is None
    assert source_of(network(), autocast=torch.bfloat16).network.layout is None
    assert source_of(network(), channels_last=True).network.layout is None
    last = network().to(memory_format=torch.channels_last)
    assert source_of(last).network.layout is None
    compiled = network()
    compiled[3]._orig_mod = None  # as a part that `torch.compile` made has it
    assert source_of(compiled).network.layout is None
    one_logit = network(n_out=1)
    assert source_of(one_logit, np.arange(2)).network.layout is None


def test_few_samples_are_passed_as_before():
    layout = source_of(network()).network.layout
    assert layout.takes(64)
    assert not layout.takes(1)
