"""The floor to beat: the sentence of the articles that BM25 puts first, as the answer to each handwritten question.

python -m eval.floor
"""

import statistics

from eval.metrics import holds_fact, overlaps
from eval.run import load_questions
from index.corpus import load
from index.lexical import LexicalIndex
from index.spanish import sentences
from qa.settings import resolve


def main() -> None:
    """Print the share of answerable questions whose fact, and whose evidence, the best BM25 sentence holds."""
    places = [
        (document.file, start, end, document.text[start:end])
        for document in load(resolve({}).corpus).documents
        for start, end in sentences(document.text)
    ]
    index = LexicalIndex.build([text for *_, text in places])
    right, on_evidence = [], []
    questions = [each for each in load_questions("") if each["answerable"] and "form" not in each]
    for question in questions:
        file, start, end, text = places[int(index.scores(question["question"]).argmax())]
        right.append(holds_fact(question["answers"], text))
        on_evidence.append(overlaps({"file": file, "start": start, "end": end}, question["evidence"]))
    print(f"in answer {statistics.mean(right):.3f}, on evidence {statistics.mean(on_evidence):.3f} of {len(questions)}")


if __name__ == "__main__":
    main()
