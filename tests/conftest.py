"""What holds for every test: how threads wait, where caches lie, how hypothesis looks for examples."""

import os
from collections.abc import Iterator

# torch and llama.cpp share one OpenMP library, whose idle threads spin: on a busy machine they would starve each other,
# and NumPy's do likewise. Both are read when the first library is loaded, so they are set before anything is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "600")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import signal

import pytest
from hypothesis import HealthCheck, settings

# A shell without job control has what it runs in the background ignore Ctrl-C; here it must work, in commands as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The first example may load a model, so time says nothing here. Where nobody watches, the same examples every time.
settings.register_profile(
    "consta",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("consta")


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test writes to the user's cache or state, and none reads what the user set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for name in [name for name in os.environ if name.startswith("QA_")]:
            patch.delenv(name)
        yield
