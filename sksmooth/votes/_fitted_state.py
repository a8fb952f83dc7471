# SPDX-License-Identifier: BSD-3-Clause
"""Whether anything inside a fitted estimator has changed since it was looked at."""

import hashlib
from ctypes import c_void_p
from functools import cache, partial
from operator import is_
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np

# What cannot change in place, or not without becoming another object.
_FIXED = (
    bool,
    bytes,
    complex,
    float,
    int,
    np.dtype,
    np.generic,
    str,
    type,
    type(None),
    BuiltinFunctionType,
    FunctionType,
    MethodType,
    ModuleType,
)
# Arrays are compared with copies, which is ten times as fast as with digests. Copies of
# one estimator take at most so many bytes; of what is beyond, digests are kept.
_MOST_BYTES = 2**25


class FittedState:
    """The content of a fitted estimator at one time, to be compared with later.

    Everything that the estimator refers to is compared, at any depth: attributes and
    elements of lists, dicts and arrays of objects by identity, arrays of numbers by
    their bytes, and objects of compiled classes, such as the trees of scikit-learn, or
    that point to memory of a library in C, such as the boosters of XGBoost, by the
    state that they would be pickled with.

    Parameters
    ----------
    parts : Layers
        The estimator taken apart, by `sksmooth._estimators.layers` with ``exact=True``:
        of wrappers, only what they predict with counts. The parts themselves are not
        kept alive.
    """

    def __init__(self, parts):
        self._roots = []  # type and attributes of each part
        self._containers = []  # object, function that lists its members, members
        self._arrays = []  # array, its shape, dtype and content
        self._compiled = []  # object, method that gives its state, content of that
        self._room = _MOST_BYTES
        seen = set()
        for part in _listed(parts):
            seen.add(id(part))
            members = _members(part)
            self._roots.append((type(part), members))
            self._walk(members, seen)

    def is_that_of(self, parts):
        """Whether the same estimator, taken apart again, still has this state."""
        parts = _listed(parts)
        if len(parts) != len(self._roots):
            return False
        for part, (kind, members) in zip(parts, self._roots, strict=True):
            if type(part) is not kind or not _same(_members(part), members):
                return False
        for container, list_members, members in self._containers:
            if not _same(list_members(container), members):
                return False
        for array, shape, dtype, content in self._arrays:
            if array.shape != shape or array.dtype is not dtype:
                return False
            if not _has_content(array, content):
                return False
        return all(
            _has_content(get_state(value), content)
            for value, get_state, content in self._compiled
        )

    def _walk(self, values, seen):
        """Note what can change in place among values, and in what they refer to."""
        values = list(values)
        while values:
            value = values.pop()
            if isinstance(value, _FIXED) or id(value) in seen:
                continue
            # The value is referred to from now on, so no other object gets its id.
            seen.add(id(value))
            if isinstance(value, np.ndarray):
                values += self._note_array(value)
            elif isinstance(value, dict):
                values += self._note(value, _items)
            elif isinstance(value, (list, tuple, set, frozenset)):
                values += self._note(value, tuple)
            elif not hasattr(value, "__dict__") and not _slots(type(value)):
                get_state = _state_getter(type(value))
                if get_state is not None:
                    content = self._content(get_state(value))
                    self._compiled.append((value, get_state, content))
            if hasattr(value, "__dict__") or _slots(type(value)):
                values += self._note(value, _members)
                self._note_pointers(value)

    def _note(self, container, list_members):
        members = list_members(container)
        self._containers.append((container, list_members, members))
        return members

    def _note_pointers(self, value):
        """Note what a library in C keeps for an object that points to it."""
        names = [
            name
            for name, held in getattr(value, "__dict__", {}).items()
            if isinstance(held, c_void_p)
        ]
        if names and _state_getter(type(value)) is not None:
            get_state = partial(_digests_of_state, names=names)
            self._compiled.append((value, get_state, get_state(value)))

    def _note_array(self, array):
        content = self._content(array)
        self._arrays.append((array, array.shape, array.dtype, content))
        if not array.dtype.hasobject:
            return ()
        # The bytes are the addresses of its objects, which have to stay theirs.
        return self._note(array, _elements)

    def _content(self, value):
        """What to compare a value with, see `_has_content`."""
        if isinstance(value, np.ndarray):
            if value.nbytes > self._room:
                return _Digest(_digest(value))
            self._room -= value.nbytes
            return value.tobytes()
        if isinstance(value, dict):
            return tuple(value), tuple(map(self._content, value.values()))
        if isinstance(value, (list, tuple)):
            return tuple(map(self._content, value))
        return value


def _listed(parts):
    return [*parts.transformers, parts.core]


def _members(value):
    """Values of the attributes of an object."""
    members = tuple(getattr(value, "__dict__", {}).values())
    slots = _slots(type(value))
    if slots:
        members += tuple(getattr(value, name, None) for name in slots)
    return members


@cache
def _slots(cls):
    """Names of the attributes that a class keeps outside of a dict."""
    names = []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _items(mapping):
    return (*mapping, *mapping.values())


def _elements(array):
    return tuple(array.ravel().tolist())


def _same(members, others):
    return len(members) == len(others) and all(map(is_, members, others))


def _state_getter(cls):
    """The method by which a compiled class says what it would be pickled with."""
    method = getattr(cls, "__getstate__", None)
    return None if method is object.__getstate__ else method


def _digests_of_state(value, names):
    """Digests of attributes that would be pickled as text or bytes."""
    state = value.__getstate__()
    held = (state[name] for name in names)
    held = (item.encode() if isinstance(item, str) else item for item in held)
    return tuple(hashlib.sha256(item or b"").digest() for item in held)


class _Digest(bytes):
    """The digest of an array, in place of its bytes."""


def _digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).view(np.uint8)).digest()


def _has_content(value, content):
    """Whether a value is what `FittedState` noted as its content."""
    if isinstance(value, np.ndarray):
        if type(content) is _Digest:
            return _digest(value) == content
        if value.flags.c_contiguous and value.dtype.kind in "biuf":
            # A comparison of memory without a copy of it.
            return value.nbytes == len(content) and content.startswith(value.data)
        return value.tobytes() == content
    if isinstance(value, dict):
        keys, parts = content
        return tuple(value) == keys and all(map(_has_content, value.values(), parts))
    if isinstance(value, (list, tuple)):
        return len(value) == len(content) and all(map(_has_content, value, content))
    return bool(value == content)
