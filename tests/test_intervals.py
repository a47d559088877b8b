"""Bootstrap intervals against cases with known answers and against scipy's."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from eval.intervals import RESAMPLES, interval_of, mean_with_interval, paired_difference
from eval.metrics import auroc
from eval.types import Figure

VALUES = np.random.default_rng(7).random(200)


def test_no_values_have_no_figure() -> None:
    assert mean_with_interval([]) == paired_difference([], []) == Figure(0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_equal_values_have_no_width(n: int) -> None:
    assert mean_with_interval([0.1] * n) == Figure(0.1, 0.1, 0.1, n)


def test_two_values() -> None:
    # Resamples of (0, 1) have the means 0, 0.5 and 1 with 1/4, 1/2 and 1/4: both outer 2.5 % lie at the ends.
    assert mean_with_interval([0.0, 1.0]) == Figure(0.5, 0.0, 1.0, 2)


def test_right_or_wrong_is_binomial() -> None:
    # 50 of 100: the mean of a resample is binomial with a standard deviation of sqrt(0.25 / 100) = 0.05, so the
    # interval is 0.5 -+ 1.96 * 0.05 = 0.402 to 0.598, give or take a question or so.
    figure = mean_with_interval([1.0] * 50 + [0.0] * 50)
    assert figure.value == 0.5
    assert figure.low == pytest.approx(0.402, abs=0.015)
    assert figure.high == pytest.approx(0.598, abs=0.015)


def test_it_is_scipys_percentile_bootstrap() -> None:
    expected = bootstrap((VALUES,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=0).confidence_interval
    figure = mean_with_interval(VALUES)
    assert (figure.low, figure.high) == pytest.approx((expected.low, expected.high))
    assert figure.value == pytest.approx(VALUES.mean())


def test_the_same_values_give_the_same_figure() -> None:
    assert mean_with_interval(VALUES) == mean_with_interval(list(VALUES))


def test_an_interval_takes_no_time() -> None:
    mean_with_interval(VALUES)
    start = time.perf_counter()
    for _ in range(20):
        mean_with_interval(VALUES)
    # 1 ms each on an idle machine
    assert time.perf_counter() - start < 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interval_lies_among_the_values(values: list[float]) -> None:
    figure = mean_with_interval(values)
    assert min(values) - 1e-9 <= figure.low <= figure.high <= max(values) + 1e-9
    assert figure.n == len(values)


def test_a_constant_difference_has_no_width() -> None:
    # The values are far apart, the gain is the same each time.
    assert paired_difference([0.0, 0.5, 0.25], [0.5, 1.0, 0.75]) == Figure(0.5, 0.5, 0.5, 3)


def test_a_difference_of_pairs() -> None:
    # after - before is 1, 0, 0, -1, 0: the mean is 0, and no resample can tell
    figure = paired_difference([0, 1, 0, 1, 0], [1, 1, 0, 0, 0])
    assert figure.value == 0
    assert figure.low < 0 < figure.high


def test_a_difference_turns_with_its_sides() -> None:
    before, after = VALUES[:100], VALUES[100:]
    gain, loss = paired_difference(before, after), paired_difference(after, before)
    assert (gain.value, gain.low, gain.high) == pytest.approx((-loss.value, -loss.high, -loss.low))


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values before and 1 after"):
        paired_difference([0.0, 1.0], [1.0])


def test_a_statistic_of_the_whole_set() -> None:
    # Of a mean it is the interval of the mean: the resamples are the same.
    figure = interval_of(lambda values: float(values.mean()), VALUES)
    expected = mean_with_interval(VALUES)
    assert (figure.value, figure.low, figure.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_columns_are_resampled_together() -> None:
    same = interval_of(lambda one, other: float((one == other).all()), [1, 2, 3], np.array([1, 2, 3]))
    assert same == Figure(1.0, 1.0, 1.0, 3)


def test_undefined_resamples_are_left_out() -> None:
    # Half of the resamples of one positive and one negative hold one of them only; the others separate perfectly.
    assert interval_of(auroc, [0.9, 0.1], [True, False]) == Figure(1.0, 1.0, 1.0, 2)


def test_an_undefined_statistic_has_no_figure() -> None:
    nothing = Figure(0.0, 0.0, 0.0, 0)
    assert interval_of(auroc, [0.9, 0.1], [True, True]) == interval_of(auroc, [], []) == nothing


def test_no_resample_but_the_questions_as_they_are_may_be_defined() -> None:
    defined = iter([0.5])
    assert interval_of(lambda _: next(defined, None), [1, 2]) == Figure(0.5, 0.5, 0.5, 2)


def test_columns_must_be_equally_long() -> None:
    with pytest.raises(ValueError, match=r"different lengths: \[1, 2\]"):
        interval_of(auroc, [0.9, 0.1], [True])
