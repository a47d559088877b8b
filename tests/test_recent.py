"""What was worked out lately."""

from qa.recent import Recent


def held(recent: Recent[str, int], keys: str) -> str:
    return "".join(key for key in keys if recent.get(key) is not None)


def filled(most: int, keys: str) -> Recent[str, int]:
    recent: Recent[str, int] = Recent(most)
    for number, key in enumerate(keys):
        recent.keep(key, number)
    return recent


def test_a_value_is_there_until_too_many_are_kept_after_it() -> None:
    recent = filled(2, "ab")
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (0, 1, None)
    recent.keep("c", 7)
    assert held(recent, "abc") == "bc"


def test_what_is_used_stays() -> None:
    recent = filled(2, "ab")
    recent.get("a")
    recent.keep("c", 7)
    assert held(recent, "abc") == "ac"


def test_a_value_kept_again_is_the_new_one_and_takes_no_more_room() -> None:
    recent = filled(2, "aba")
    assert (recent.get("a"), held(recent, "ab")) == (2, "ab")


def test_more_room_and_less() -> None:
    recent = filled(1, "a")
    recent.make_room(3)
    for key in "bcd":
        recent.keep(key, 0)
    assert held(recent, "abcd") == "bcd"
    recent.make_room(1)
    assert held(recent, "abcd") == "d"


def test_nothing_is_kept_after_clearing() -> None:
    recent = filled(2, "ab")
    recent.clear()
    assert held(recent, "ab") == ""
