"use strict";

(() => {
  // Characters shown around a marked run; a gap that hides less than SLACK is not worth a button.
  const CONTEXT = 300;
  const SLACK = 120;
  const WORDS = { gold: "gold evidence", cited: "cited", both: "gold evidence and cited" };

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const questions = [...document.querySelectorAll("details.question")];
  const buttons = [...document.querySelectorAll("#filter [data-outcome]")];
  const type = byId("type");
  const text = byId("text");

  function element(name, className, content) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  }

  // Articles. Offsets count code points, the strings of this language do not: texts are cut as arrays of code points.

  const cut = new Map();

  function pointsOf(number) {
    if (!cut.has(number)) cut.set(number, Array.from(data.articles[number].text));
    return cut.get(number);
  }

  // The next place from `at` on, forwards or backwards, where no word is cut in two.
  function wordEdge(points, at, step) {
    for (let moved = 0; moved < 30; moved += 1) {
      const place = at + moved * step;
      if (place <= 0 || place >= points.length || /\s/u.test(points[place])) return place;
    }
    return at;
  }

  function gap(content) {
    const count = Array.from(content).length.toLocaleString("en");
    const button = element("button", "gap", `… ${count} characters …`);
    button.type = "button";
    button.setAttribute("aria-label", `Show ${count} more characters`);
    button.addEventListener("click", () => {
      const shown = element("span", "", content);
      shown.tabIndex = -1;
      button.replaceWith(shown);
      shown.focus({ preventScroll: true });
    });
    return button;
  }

  function unmarked(points, start, end) {
    const from = start === 0 ? 0 : wordEdge(points, start + CONTEXT, 1);
    const to = end === points.length ? end : wordEdge(points, end - CONTEXT, -1);
    const slice = (first, last) => points.slice(first, last).join("");
    if (to - from < SLACK) return [slice(start, end)];
    return [slice(start, from), gap(slice(from, to)), slice(to, end)];
  }

  function marked(points, start, end, kind) {
    const mark = element("mark", kind, points.slice(start, end).join(""));
    return [element("span", "sr", `[${WORDS[kind]}: `), mark, element("span", "sr", "]")];
  }

  function articleOf(number, runs) {
    const points = pointsOf(number);
    const article = element("article", "source");
    const body = element("p", "article");
    body.lang = "es";
    for (const [start, end, kind] of runs) {
      body.append(...(kind ? marked(points, start, end, kind) : unmarked(points, start, end)));
    }
    article.append(element("h4", "", data.articles[number].file), body);
    return article;
  }

  function fill(question) {
    const context = question.querySelector(".context");
    const articles = data.questions[question.id];
    if (!context.hidden || !articles.length) return;
    context.append(...articles.map(([number, runs]) => articleOf(number, runs)));
    context.hidden = false;
  }

  // Filter.

  const folded = (words) => words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  const haystacks = new Map(
    questions.map((question) => {
      const parts = [...question.querySelectorAll("summary .text, .turn, .answer, .id")];
      return [question, folded(parts.map((part) => part.textContent).join("\n"))];
    }),
  );

  const pressed = () => buttons.filter((button) => button.ariaPressed === "true").map((button) => button.dataset.outcome);
  const shown = () => questions.filter((question) => !question.parentElement.hidden);

  function apply() {
    const outcomes = pressed();
    const words = folded(text.value).split(/\s+/).filter(Boolean);
    for (const question of questions) {
      const fits =
        (!outcomes.length || outcomes.includes(question.dataset.outcome)) &&
        (!type.value || question.dataset.type === type.value) &&
        words.every((word) => haystacks.get(question).includes(word));
      question.parentElement.hidden = !fits;
    }
    const count = shown().length;
    byId("count").textContent = `${count} of ${questions.length} questions`;
    byId("none").hidden = count > 0;
  }

  function set(outcomes, kind, words) {
    for (const button of buttons) button.ariaPressed = String(outcomes.includes(button.dataset.outcome));
    type.value = kind;
    if (type.selectedIndex < 0) type.value = "";
    text.value = words;
    apply();
  }

  // The address holds what is chosen, so that a view can be linked.

  function remember() {
    const state = new URLSearchParams();
    if (pressed().length) state.set("outcome", pressed().join(","));
    if (type.value) state.set("type", type.value);
    if (text.value.trim()) state.set("text", text.value.trim());
    const address = location.href.split("#")[0];
    history.replaceState(null, "", state.size ? `${address}#${state}` : address);
  }

  function recall() {
    const hash = location.hash.slice(1);
    const question = questions.find((each) => each.id === hash);
    if (question) {
      if (question.parentElement.hidden) set([], "", "");
      question.open = true;
      fill(question);
      question.scrollIntoView();
      question.querySelector("summary").focus({ preventScroll: true });
    } else if (!hash || hash.includes("=")) {
      const state = new URLSearchParams(hash);
      set((state.get("outcome") ?? "").split(","), state.get("type") ?? "", state.get("text") ?? "");
    }
  }

  function changed() {
    apply();
    remember();
  }

  for (const question of questions) {
    question.addEventListener("toggle", () => question.open && fill(question));
    if (question.open) fill(question);
  }
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.ariaPressed = String(button.ariaPressed !== "true");
      changed();
    });
  }
  type.addEventListener("change", changed);
  text.addEventListener("input", changed);
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", () => {
    set([], "", "");
    remember();
  });
  byId("expand").addEventListener("click", () => shown().forEach((question) => (question.open = true)));
  byId("collapse").addEventListener("click", () => questions.forEach((question) => (question.open = false)));
  window.addEventListener("hashchange", recall);
  byId("filter").hidden = false;
  recall();
})();
