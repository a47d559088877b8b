"""The report as a page: what stands in it, what it does in a browser, what it looks like."""

import io
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, sync_playwright

from eval.page import OUTCOMES, page, segments

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# The first article has characters that take two units in a browser's strings before all that is marked.
FERRY = (
    "El transbordador 🚢 «Santa Irene» 🌊 volverá a navegar el 3 de mayo entre Puerto Calmo y la isla de Sarga, "
    "anunció el jueves la alcaldesa Elvira Montes.\n"
    "La nave llevaba siete meses en el astillero de Vigo, donde se le cambiaron los dos motores por un precio de "
    "4,2 millones de euros, según el armador Tomás Rey.\n" + "Los vecinos de la isla habían protestado varias veces "
    "por la falta de enlaces con tierra firme durante el invierno, y el consistorio les prometió una lancha de "
    "refuerzo que nunca llegó. " * 4 + "\nEl billete costará ocho euros, uno más que antes, y será gratuito para "
    "menores de doce años.\n" + "La compañía recordó que las plazas para automóviles deben reservarse con dos días "
    "de antelación y que los perros viajan en cubierta. " * 4
)
ORCHARD = (
    "Las heladas de la semana pasada destruyeron un tercio de la cosecha de albaricoques del valle de Orna, dijo la "
    "cooperativa local.\r\n<b>El presidente</b> de la cooperativa, Julián Pardo, pidió ayudas </script><script>"
    "document.title = 'taken'</script> a la región <!-- y habló \u202eal revés\u202c y con \x1b[31mcolores\x07 de "
    "pérdidas de dos millones & medio.\u2028Los seguros cubren solo una parte."
)
TEXTS = {"000_ferry.txt": FERRY, "001_orchard.txt": ORCHARD, "002_unused.txt": "Nadie cita este artículo."}
HOSTILE = "</script><img src=x onerror=\"document.title='taken'\"> <!-- {{ 7*7 }} \u202eabc\x07 $x_1$"
KINDS = ("person", "place", "date", "number", "object", "why", "who_says", "several", "follow_up", "paraphrased")
REFUSALS = ("near_miss", "false_premise", "off_topic", "beyond_time")


def place(text: str, quote: str) -> dict[str, Any]:
    file = next(file for file, held in TEXTS.items() if held is text)
    start = text.index(quote)
    return {"file": file, "start": start, "end": start + len(quote), "quote": quote}


def cite(text: str, quote: str, answer: str) -> dict[str, Any]:
    cited, first = place(text, quote), text.index(quote) + quote.index(answer)
    return {"marker": 1, "line": 2, "answer_start": first, "answer_end": first + len(answer), **cited}


def row(number: int, kind: str, outcome: str, **more: Any) -> dict[str, Any]:
    """A row about the ferry, or what `more` says. Every outcome has the record that it would have."""
    answerable = kind not in REFUSALS
    answered = outcome in ("right", "wrong", "invented")
    quote = "donde se le cambiaron los dos motores por un precio de 4,2 millones de euros"
    record: dict[str, Any] = {"error": "Tiempo agotado"} if outcome == "failed" else {
        "answer": f"{quote}. [1]" if answered else "No consta.",
        "abstained": not answered,
        "reason": None if answered else "low_confidence",
        "confidence": round(0.2 + number * 37 % 71 / 100, 2),
        "citations": [cite(FERRY, quote, "4,2 millones")] if answered else [],
        "seconds": {"search": 0.012, "read": 0.1, "total": round(0.04 * 1.09**number, 3)},
    }  # fmt: skip
    return {
        "id": f"q{number}",
        "split": "dev" if number % 2 else "test",
        "type": kind,
        "lang": "es",
        "question": f"¿Cuánto costaron los motores del transbordador en el año {1990 + number}?",
        "history": [],
        "answerable": answerable,
        "answers": [["4,2 millones", "4.200.000"], ["euros"]] if answerable else [],
        "evidence": [place(FERRY, "un precio de 4,2 millones de euros, según el armador Tomás Rey.")]
        if answerable
        else [],
        "why_unanswerable": None if answerable else kind,
        "outcome": outcome,
        "scores": {"correct": 1.0, "f1": 0.42} if outcome == "right" else {"correct": 0.0},
        "record": record,
        **more,
    }


def special_rows() -> list[dict[str, Any]]:
    """Questions that are unlike the others: hostile, following up, in English, with a citation that does not stand."""
    hostile = row(40, "person", "wrong", id='"><script>', question=HOSTILE, answers=[[HOSTILE]])
    hostile["record"] |= {"answer": HOSTILE, "citations": [], "notices": [HOSTILE], "reason": HOSTILE}
    hostile["evidence"] = [place(ORCHARD, "pidió ayudas </script><script>"), place(ORCHARD, "pérdidas de dos millones")]
    hostile["record"]["citations"] = [cite(ORCHARD, "de pérdidas de dos millones & medio", "dos millones")]
    follow = row(41, "follow_up", "right", question="¿Y quién lo anunció?", history=["¿Cuándo vuelve el Santa Irene?"])
    follow["answers"] = [["Elvira Montes"]]
    follow["evidence"] = [place(FERRY, "anunció el jueves la alcaldesa Elvira Montes.")]
    follow["record"] |= {"answer": "La alcaldesa Elvira Montes. [1] Cuesta ocho euros. [2]"}
    follow["record"]["citations"] = [
        cite(FERRY, "el 3 de mayo entre Puerto Calmo y la isla de Sarga, anunció el jueves", "el jueves"),
        {**cite(FERRY, "El billete costará ocho euros", "ocho euros"), "marker": 2},
    ]
    lost = row(42, "place", "wrong", id="lost", lang="en", question="Where was the ferry repaired?")
    lost["record"]["citations"] = [{**lost["record"]["citations"][0], "quote": "esto no está en ninguna parte"}]
    return [hostile, follow, lost, row(43, "date", "failed", id="q1")]


def figure(value: float | None, n: int) -> dict[str, Any]:
    if value is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    return {"value": value, "low": max(0.0, value - 0.11), "high": min(1.0, value + 0.09), "n": n}


def made_up() -> dict[str, Any]:
    """A report such as `qa eval` writes, of 44 questions."""
    rows = [row(n, KINDS[n % 10], ("right", "right", "wrong", "refused", "right")[n * 7 % 5]) for n in range(1, 29)]
    rows += [row(n, REFUSALS[n % 4], "invented" if n % 5 == 0 else "rightly_refused") for n in range(29, 40)]
    rows += [row(44, "person", "right"), *special_rows()]
    names = ("right", "right_or_quoted", "first_on_evidence", "found@5", "over_refused", "f1", "correct")
    held = {kind: [each for each in rows if each["type"] == kind] for kind in KINDS}
    types = {
        kind: {name: figure(0.35 + (n * 13 + m * 5) % 60 / 100, len(held[kind])) for m, name in enumerate(names)}
        for n, kind in enumerate(KINDS)
    }
    types |= {kind: {"refused": figure(0.95 - n * 0.17, 10 - n)} for n, kind in enumerate(REFUSALS)}
    types["empty_type"] = {name: figure(None, 0) for name in names}
    figures = {name: figure(0.71 - n * 0.04, 33) for n, name in enumerate(names)}
    figures |= {"refused": figure(0.82, 11), "valid": figure(0.97, 28), "span_recall": figure(0.64, 33)}
    figures |= {"span_precision": figure(None, 0), "auroc": figure(0.77, 44), "something_new": figure(0.5, 3)}
    ranks = ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
    return {
        "schema": 1, "system": "default", "made": "2026-11-20T20:15:00+00:00", "seconds": 212.4, "version": "0.1.0",
        "digests": {"code": "3f" * 32, "corpus": "a9" * 32, "adapter": None},
        "settings": {"corpus": "seeds", "top_k": 5, "reader": "copying"},
        "machine": {"python": "3.11.2", "platform": "Linux", "cores": 2},
        "ids": [each["id"] for each in rows],
        "figures": figures, "splits": {"dev": figures, "test": figures}, "types": types,
        "retrieval": {
            side: {rank: figure(0.5 + n / 20, 33) for n, rank in enumerate(ranks)} for side in ("lexical", "fused")
        },
        "risk_coverage": [[n / 44, min(0.42, 0.02 + (n / 70) ** 1.3)] for n in range(1, 45)],
        "calibration": [{"confidence": 0.15 + n / 9, "right": 0.22 + n * n / 70, "n": 4} for n in range(7)],
        "cost": {
            "seconds": {step: {"p50": 0.02, "p95": 0.05} for step in ("search", "read", "total")},
            "prompt_tokens": {"p50": None, "p95": 900, "sum": 20000},
            "decoded_tokens": {"p50": 0, "p95": 40, "sum": 800},
            "peak_memory_mib": 904.0,
        },
        "forms": {
            "typo": {"right": 0.5, "plain": 0.75, "difference": {**figure(0.25, 4), "value": -0.25, "low": -0.5}},
        },
        "rows": rows,
        "comparison": [
            {"id": "q3", "before": "wrong", "after": "right"}, {"id": "q9", "before": "refused", "after": "right"},
            {"id": "lost", "before": "right", "after": "wrong"}, {"id": "gone", "before": "right", "after": "failed"},
        ],
    }  # fmt: skip


REPORT = made_up()
HTML = page(REPORT, TEXTS)


def data_of(html: str) -> dict[str, Any]:
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert held
    data: dict[str, Any] = json.loads(held[1])
    return data


# What stands in the page.


def test_segments_of_overlapping_spans() -> None:
    assert segments(10, [(2, 6)], [(4, 8)]) == [
        (0, 2, ""), (2, 4, "gold"), (4, 6, "both"), (6, 8, "cited"), (8, 10, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("length", "gold", "cited", "expected"),
    [
        (0, [], [], []),
        (3, [], [], [(0, 3, "")]),
        (3, [(0, 3)], [(0, 3)], [(0, 3, "both")]),
        (6, [(0, 2), (2, 4), (1, 3)], [], [(0, 4, "gold"), (4, 6, "")]),
        (4, [(-5, 1)], [(3, 99)], [(0, 1, "gold"), (1, 3, ""), (3, 4, "cited")]),
        (4, [(2, 2), (3, 1)], [(50, 60)], [(0, 4, "")]),
    ],
)
def test_segments_at_the_edges(length: int, gold: Any, cited: Any, expected: Any) -> None:
    assert segments(length, gold, cited) == expected


SPANS = st.lists(st.tuples(st.integers(-5, 45), st.integers(-5, 45)), max_size=5)


@given(st.integers(0, 40), SPANS, SPANS)
def test_segments_say_of_every_character_what_it_is(length: int, gold: Any, cited: Any) -> None:
    kinds = {(True, True): "both", (True, False): "gold", (False, True): "cited", (False, False): ""}
    each = [
        kinds[any(start <= at < end for start, end in gold), any(start <= at < end for start, end in cited)]
        for at in range(length)
    ]
    found = segments(length, gold, cited)
    assert [kind for start, end, kind in found for _ in range(start, end)] == each
    assert all(one[1] == other[0] and one[2] != other[2] for one, other in itertools.pairwise(found))


def test_same_report_same_bytes() -> None:
    assert page(made_up(), dict(reversed(TEXTS.items()))) == HTML


def test_nothing_is_loaded() -> None:
    assert "http:" not in HTML.replace('http-equiv="', "") and "https:" not in HTML
    assert not re.findall(r'\b(?:src|href|xlink:href|action|data|srcset)="(?!#)[^"]*"', HTML)
    assert not re.findall(r"url\((?!#)|@import|<link|<iframe|<object|<embed", HTML)


def test_security_policy_stands_before_what_it_is_for() -> None:
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', HTML)
    assert policy and policy.start() < HTML.index("<style") < HTML.index("<script")
    assert "default-src 'none'" in policy[1]
    assert {part.strip().split(" ")[0] for part in policy[1].split(";")} == {
        "default-src", "style-src", "script-src", "img-src", "base-uri", "form-action",
    }  # fmt: skip


def test_hostile_text_stays_text() -> None:
    assert len(re.findall("<script", HTML)) == len(re.findall("</script", HTML)) == 2
    assert "<img" not in HTML and "<!--" not in HTML
    assert "{{ 7*7 }}" in HTML and "document.title=&#39;taken&#39;" in HTML
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", HTML)


def test_articles_keep_their_length_and_stand_there_once() -> None:
    articles = {each["file"]: each["text"] for each in data_of(HTML)["articles"]}
    assert {file: len(text) for file, text in articles.items()} == {
        file: len(text) for file, text in TEXTS.items() if file != "002_unused.txt"
    }
    assert HTML.count("Los seguros cubren solo una parte.") == 1


def test_no_row_is_dropped() -> None:
    anchors = re.findall(r'<details class="question" id="([^"]*)"', HTML)
    assert len(anchors) == len(set(anchors)) == len(REPORT["rows"]) == 44
    assert anchors[:2] == ["question-q1", "question-q2"]
    assert anchors[-4:] == ["question-.41", "question-q41", "question-lost", "question-.44"]
    assert set(data_of(HTML)["questions"]) == set(anchors)
    ids = re.findall(r'\bid="([^"]*)"', HTML)
    assert len(ids) == len(set(ids))


def test_a_citation_that_does_not_stand_is_named() -> None:
    assert HTML.count("does not stand there") == 1
    assert HTML.index("esto no está en ninguna parte") > HTML.index("does not stand there")


def test_report_of_nothing_still_is_a_page() -> None:
    empty = page({"schema": 1, "system": "none", "figures": {"right": figure(None, 0)}, "rows": []}, {})
    assert "0 questions" in empty and "nothing to measure" in empty
    assert empty.count('<p class="nothing">') == 4  # each plot says in words that it has nothing to show
    assert "<svg" not in empty and 'id="h-changes"' not in empty


def test_figures_in_words() -> None:
    alike = page({**REPORT, "figures": {"valid": {"value": 1.0, "low": 1.0, "high": 1.0, "n": 28}}}, TEXTS)
    assert "all alike, <i>n</i> = 28" in alike
    assert "60% to 80%, <i>n</i> = 33" in HTML
    assert '<b>-0.250</b> <span class="small">-0.500 to 0.340</span>' in HTML
    assert '<th scope="row">prompt tokens</th><td>–</td><td>900</td><td>20,000</td>' in HTML
    assert '<th scope="row">something new</th>' in HTML


def test_changes_are_sorted_into_better_and_worse() -> None:
    better, worse = re.findall(r'<div class="change">(.*?)</div>', HTML, re.DOTALL)
    assert re.findall(r'href="#([^"]*)"', better) == ["question-q3", "question-q9"]
    assert re.findall(r'href="#([^"]*)"', worse) == ["question-lost"]
    assert "(not in this report)" in worse


def test_article_that_is_missing_leaves_its_quotations() -> None:
    without = page(REPORT, {})
    assert data_of(without)["articles"] == []
    assert "anunció el jueves la alcaldesa Elvira Montes." in without


# What it does in a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed to open the page in")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], headless=True)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(HTML, encoding="utf-8")
    return file.as_uri()


class Opened:
    """The page in a window of its own, and whatever the browser complained of or asked the network for."""

    def __init__(self, browser: Browser, address: str, width: int = 1300, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(address)

    def _heard(self, message: ConsoleMessage) -> None:
        self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.fixture
def shown(browser: Browser, address: str) -> Iterator[Page]:
    with Opened(browser, address) as opened:
        yield opened


def visible(opened: Page) -> list[str]:
    """The anchors of the questions that are to be seen."""
    found: list[str] = opened.locator("details.question:visible").evaluate_all("all => all.map(each => each.id)")
    return found


def wanted(**conditions: str) -> int:
    return sum(all(each[key] == value for key, value in conditions.items()) for each in REPORT["rows"])


def of_outcome(opened: Page, outcome: str) -> Locator:
    return opened.locator(f"#filter [data-outcome={outcome}]")


def test_opens_without_complaint_or_network(browser: Browser, address: str) -> None:
    opened = Opened(browser, address)
    with opened as shown:
        shown.locator("#expand").click()
        shown.locator("details.question .source").nth(10).wait_for()
        assert shown.title() == "Consta evaluated: default"
        assert shown.locator("img, iframe").count() == 0
    assert opened.complaints == []
    assert opened.requests == [address]


def test_what_the_policy_forbids_is_noticed(browser: Browser, address: str) -> None:
    """The check before this one can fail."""
    opened = Opened(browser, address)
    with opened as shown:
        shown.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.invalid/a.png'}))")
        shown.wait_for_function("document.images.length === 1")
        shown.wait_for_timeout(50)
    assert opened.complaints or opened.requests != [address]


def test_filter_by_outcome(shown: Page) -> None:
    count = shown.locator("#count")
    assert count.text_content() == "44 of 44 questions"
    assert len(visible(shown)) == 44
    of_outcome(shown, "wrong").click()
    assert of_outcome(shown, "wrong").get_attribute("aria-pressed") == "true"
    assert len(visible(shown)) == wanted(outcome="wrong") > 0
    of_outcome(shown, "invented").click()
    both = wanted(outcome="wrong") + wanted(outcome="invented")
    assert len(visible(shown)) == both
    assert count.text_content() == f"{both} of 44 questions"
    of_outcome(shown, "wrong").click()
    assert len(visible(shown)) == wanted(outcome="invented")
    shown.locator("#clear").click()
    assert len(visible(shown)) == 44


def test_counts_on_the_buttons(shown: Page) -> None:
    told = {each.get_attribute("data-outcome"): each.inner_text() for each in shown.locator("#filter .badge").all()}
    assert told == {outcome: f"{word} {wanted(outcome=outcome)}" for outcome, word in OUTCOMES.items()}


def test_filter_by_type_and_text(shown: Page) -> None:
    shown.get_by_role("combobox", name="Type").select_option("person")
    assert len(visible(shown)) == wanted(type="person")
    of_outcome(shown, "right").click()
    assert len(visible(shown)) == wanted(type="person", outcome="right") < wanted(type="person")
    shown.locator("#clear").click()
    shown.get_by_role("searchbox", name="Text").fill("QUIÉN anuncio")
    assert visible(shown) == ["question-q41"]
    assert shown.locator("#count").text_content() == "1 of 44 questions"
    shown.get_by_role("searchbox", name="Text").fill("alcaldesa")  # stands in the answer only
    assert visible(shown) == ["question-q41"]
    shown.get_by_role("searchbox", name="Text").fill("nada semejante")
    assert visible(shown) == []
    assert shown.get_by_text("No question is like that.").is_visible()


def test_a_view_can_be_linked(browser: Browser, address: str, shown: Page) -> None:
    of_outcome(shown, "right").click()
    shown.get_by_role("combobox", name="Type").select_option("follow_up")
    shown.get_by_role("searchbox", name="Text").fill("¿Y quién")
    expected, link = visible(shown), shown.url
    assert expected == ["question-q41"]
    assert link.startswith(f"{address}#")
    with Opened(browser, link) as again:
        assert visible(again) == expected
        assert again.get_by_role("searchbox", name="Text").input_value() == "¿Y quién"


def test_a_link_to_a_question_opens_it_whatever_is_filtered(shown: Page) -> None:
    of_outcome(shown, "invented").click()
    shown.locator(".change a", has_text="Where was the ferry").click()
    question = shown.locator("[id=question-lost]")
    question.locator(".source").wait_for()
    assert question.get_attribute("open") is not None
    top, bottom = (shown.locator("#filter").bounding_box(), question.bounding_box())
    assert top and bottom and top["y"] + top["height"] <= bottom["y"] < 900


def open_question(opened: Page, name: str) -> Locator:
    question = opened.locator(f"[id='{name}']")
    question.locator("> summary").click()
    question.locator(".source").first.wait_for()
    return question


def test_gold_and_cited_are_highlighted_on_the_right_words(shown: Page) -> None:
    question = open_question(shown, "question-q41")
    assert {
        kind: question.locator(f".source mark.{kind}").all_text_contents() for kind in ("gold", "cited", "both")
    } == {
        "cited": ["el 3 de mayo entre Puerto Calmo y la isla de Sarga, ", "El billete costará ocho euros"],
        "both": ["anunció el jueves"],
        "gold": [" la alcaldesa Elvira Montes."],
    }
    looks = {
        kind: question.locator(f".source mark.{kind}").first.evaluate(
            "mark => [getComputedStyle(mark).backgroundColor, getComputedStyle(mark).textDecorationStyle].join()"
        )
        for kind in ("gold", "cited", "both")
    }
    assert len(set(looks.values())) == 3
    assert len({look.rsplit(",", 1)[1] for look in looks.values()}) == 3  # told apart without colour


def test_hostile_article_is_shown_as_text(shown: Page) -> None:
    question = open_question(shown, "question-.41")
    assert question.locator(".source mark.gold").all_text_contents() == ["pidió ayudas </script><script>"]
    assert question.locator(".source mark.both").all_text_contents() == ["pérdidas de dos millones"]
    body = question.locator(".source .article").text_content() or ""
    assert "<b>El presidente</b>" in body and "�al revés�" in body and "�[31mcolores�" in body


def test_gaps_open_until_the_whole_article_is_there(shown: Page) -> None:
    question = open_question(shown, "question-q41")
    body = question.locator(".article")
    assert "Los vecinos de la isla" in (body.text_content() or "")
    hidden = question.locator("button.gap").count()
    assert hidden == 2
    for _ in range(hidden):
        question.locator("button.gap").first.press("Enter")
    assert question.locator("button.gap").count() == 0
    body.evaluate("body => body.querySelectorAll('.sr').forEach(each => each.remove())")
    assert body.text_content() == FERRY


def test_expand_and_collapse_what_is_shown(shown: Page) -> None:
    of_outcome(shown, "refused").click()
    shown.locator("#expand").click()
    assert shown.locator("details.question[open]").count() == wanted(outcome="refused")
    shown.locator("#collapse").click()
    assert shown.locator("details.question[open]").count() == 0


def test_works_by_keyboard(shown: Page) -> None:
    of_outcome(shown, "failed").focus()
    shown.keyboard.press("Space")
    assert len(visible(shown)) == wanted(outcome="failed")
    shown.locator("[id='question-.44'] > summary").focus()
    shown.keyboard.press("Enter")
    assert shown.get_by_text("Failed: Tiempo agotado").last.is_visible()


def test_says_as_much_without_script(browser: Browser, address: str) -> None:
    with Opened(browser, address, java_script_enabled=False) as plain:
        assert not plain.locator("#filter").is_visible()
        plain.locator("[id='question-q41'] > summary").click()
        question = plain.locator("[id='question-q41']")
        assert question.get_by_text("anunció el jueves la alcaldesa Elvira Montes.").is_visible()
        assert question.locator("q", has_text="El billete costará ocho euros").is_visible()


def test_print_leaves_the_controls_out_and_is_light(shown: Page) -> None:
    shown.emulate_media(media="print", color_scheme="dark")
    assert luminance(Image.open(io.BytesIO(shown.screenshot()))).mean() > 0.6
    assert not shown.locator("#filter").is_visible()
    assert shown.locator("#plot-risk svg").is_visible()


# What it looks like. Each check is tried on a page that was spoilt, too.

OVERLAPS = """
selector => [...document.querySelectorAll(selector)].flatMap(group => {
  const boxes = [...group.querySelectorAll("text, th")]
    .filter(each => each.textContent.trim())
    .map(each => [each.textContent, each.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], place) => boxes.slice(place + 1)
    .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
    .map(([other]) => `${one} / ${other}`));
})
"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRASTS = """
selectors => selectors.flatMap(selector => {
  const rgb = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => rgb(color).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = node => {
    const color = getComputedStyle(node).backgroundColor;
    return rgb(color)[3] === 0 ? ground(node.parentElement) : color;
  };
  return [...document.querySelectorAll(selector)].filter(each => each.textContent.trim()).map(each => {
    const pair = [light(getComputedStyle(each).color), light(ground(each))].sort((a, b) => b - a);
    return [(pair[0] + 0.05) / (pair[1] + 0.05), `${selector} ${each.textContent.trim().slice(0, 20)}`];
  });
})
"""
READ = [
    "h1", "h2", "h3", "h4", ".lead", ".facts", ".small", ".words", ".value", ".badge", ".part", ".count", "figcaption",
    "caption", "th", "td b", ".nothing", ".first", ".turn", ".meta", ".place", ".answer", "q", "mark", ".gap", "a",
    "button", "output", "label", ".or", ".alarm", "code", "dt", "dd",
]  # fmt: skip


def luminance(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    parts = np.asarray(picture.convert("RGB"), dtype=np.float64) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def drawn(plot: Locator) -> float:
    """The share of a plot that is coloured, not grey like axes and text, and stands out from what is around it."""
    picture = Image.open(io.BytesIO(plot.screenshot()))
    light, rgb = luminance(picture), np.asarray(picture.convert("RGB"), dtype=np.int32)
    ground = light[1, 1]
    contrast = (np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)
    return float(np.mean((contrast >= 3) & (np.ptp(rgb, axis=2) > 40)))


ENOUGH = 0.002
"""Share of a plot that is drawn in colour, at least."""


@pytest.mark.parametrize("width", [400, 420, 1300, 1400])
def test_nothing_overlaps_or_sticks_out(browser: Browser, address: str, width: int) -> None:
    with Opened(browser, address, width) as shown:
        shown.locator(".fold").evaluate_all("all => all.forEach(each => each.open = true)")
        open_question(shown, "question-q41")
        open_question(shown, "question-.41")
        assert shown.evaluate(OVERFLOW) == 0
        assert shown.evaluate(OVERLAPS, ".plot svg") == []
        assert shown.evaluate(OVERLAPS, "thead") == []
        assert shown.locator(".plot svg").count() == 4


def test_overlap_and_overflow_are_caught(shown: Page) -> None:
    assert shown.evaluate(OVERLAPS, ".plot svg") == []
    shown.evaluate(
        """() => {
          const text = document.querySelector("#plot-types svg text");
          text.parentElement.append(text.cloneNode(true));
          const wide = document.createElement("p");
          wide.textContent = "wide";
          wide.style.width = "3000px";
          document.body.append(wide);
        }"""
    )
    assert len(shown.evaluate(OVERLAPS, ".plot svg")) == 1
    assert shown.evaluate(OVERFLOW) > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plots_are_drawn_and_stand_out(browser: Browser, address: str, scheme: Any) -> None:
    with Opened(browser, address, color_scheme=scheme) as shown:
        coverage = {
            name: drawn(shown.locator(f"#plot-{name} svg")) for name in ("types", "risk", "calibration", "latency")
        }
        assert min(coverage.values()) > ENOUGH, coverage


def test_empty_plot_is_caught(shown: Page) -> None:
    plot = shown.locator("#plot-risk svg")
    assert drawn(plot) > ENOUGH
    # The axes and their texts stay, the curve goes.
    plot.evaluate("svg => svg.querySelectorAll('[style*=\"--accent\"]').forEach(each => each.remove())")
    assert plot.locator("text").count() > 5
    assert drawn(plot) <= ENOUGH


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(browser: Browser, address: str, scheme: Any) -> None:
    with Opened(browser, address, color_scheme=scheme) as shown:
        open_question(shown, "question-q41")
        of_outcome(shown, "right").click()
        faint = [found for found in shown.evaluate(CONTRASTS, READ) if found[0] < 4.5]
        assert faint == []
        shown.evaluate("() => document.querySelector('h1').style.color = 'var(--rule)'")
        assert [found for found in shown.evaluate(CONTRASTS, READ) if found[0] < 4.5]


def test_the_two_schemes_differ(browser: Browser, address: str) -> None:
    with Opened(browser, address, color_scheme="light") as light, Opened(browser, address, color_scheme="dark") as dark:
        bright, dim = (luminance(Image.open(io.BytesIO(each.screenshot()))).mean() for each in (light, dark))
    assert bright > 0.6
    assert dim < 0.2
