# SPDX-License-Identifier: BSD-3-Clause
"""Tables by the exact type of an estimator, which others add to by a decorator."""

from importlib import import_module
from weakref import WeakKeyDictionary


class ByType:
    """What is registered for exact types of fitted estimators.

    A type is named by its public module and its name, so that the module is only loaded
    once a class of that name from the same package is met.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> n_leaves = ByType()
    >>> @n_leaves("sklearn.tree", "DecisionTreeClassifier", "ExtraTreeClassifier")
    ... def of_tree(tree):
    ...     return tree.get_n_leaves()
    >>> n_leaves.get(DecisionTreeClassifier()) is of_tree
    True
    """

    def __init__(self):
        self._entries = {}
        self._of_type = WeakKeyDictionary()  # types that were looked up

    def __call__(self, module, *names):
        """Return a decorator that registers a function or class.

        Parameters
        ----------
        module : str
            Public module that has the types.
        *names : str
            Names of the types in it.
        """

        def register(entry):
            self._entries.update({(module, name): entry for name in names})
            self._of_type.clear()
            return entry

        return register

    def get(self, instance):
        """Return what is registered for the exact type of an instance, or None."""
        kind = type(instance)
        if kind not in self._of_type:
            self._of_type[kind] = self._look_up(kind)
        return self._of_type[kind]

    def _look_up(self, kind):
        for (module, name), entry in self._entries.items():
            if name == kind.__name__ and _has(module, kind):
                return entry
        return None


def _has(module, kind):
    # A class of another package may have the name of one that is not installed.
    if kind.__module__.partition(".")[0] != module.partition(".")[0]:
        return False
    return getattr(import_module(module), kind.__name__, None) is kind


# From a fitted classifier and the `AffineMap` before it to its `ExactSource`.
closed_form = ByType()
# From a fitted classifier that takes long to read to a reason, found without reading
# it, for which it has no closed form, or None.
screening = ByType()
# From a fitted transformer and its number of features to its `AffineMap`.
affine_step = ByType()
