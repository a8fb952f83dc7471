# SPDX-License-Identifier: BSD-3-Clause
"""A function from samples to labels as a fitted classifier."""

from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth.certificates import array_of_labels


class TrainedElsewhere(ClassifierMixin, BaseEstimator):
    """Base of classifiers that are fitted when they are made.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    """

    @property
    def classes_(self):
        return array_of_labels(self.classes)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_clone__(self):
        # There is no training to undo, and nothing is copied in vain.
        return self

    def fit(self, X, y):
        """Refuse: the classifier is trained elsewhere."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot be fitted: what it wraps is trained already."
        )


class FunctionClassifier(TrainedElsewhere):
    """A function from samples to labels, as a fitted classifier.

    It can be pickled if the function can.

    Parameters
    ----------
    function : callable
        ``function(X)`` returns a label for each sample of `X`, in an array of shape
        (n_samples,) or (n_samples, 1). `X` is an array of the shape, or a DataFrame
        with the columns, that the caller of the smoothed classifier gives.
    classes : array-like of shape (n_classes,)
        All labels that it can return.
    """

    def __init__(self, function, classes):
        self.function = function
        self.classes = classes
        check_labels(classes, "one for each class that the function can return")

    def predict(self, X):
        """Label that the function gives each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, 1)
        """
        return self.function(X)


def check_labels(classes, each):
    """Raise unless `classes` is a list of distinct labels."""
    labels = array_of_labels(classes)
    if labels.ndim != 1 or not len(labels) or len(set(labels.tolist())) != len(labels):
        raise ValueError(
            f"classes={classes!r} must be a list of distinct labels, {each}."
        )
