# `make ask` and `make test` are all that a new machine needs: both set up .venv first, once.

Q = ¿Qué le regaló Putin a Kim en febrero?
PYTHON = python3
BIN = .venv/bin
READY = .venv/.ready

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: ask test torture eval bench lint audit check format setup clean help

# The question reaches the program through the environment, as it was typed: nothing in it is expanded by make
# or by the shell.
unexport Q
ask: export QUESTION = $(value Q)
ask: $(READY)
	@$(BIN)/qa ask -- "$$QUESTION"

test: $(READY)
	@$(BIN)/python -m pytest

# All trials of what SECURITY.md promises; `test` makes a sample of each.
torture: $(READY)
	@CONSTA_TORTURE=1 $(BIN)/python -m pytest tests/torture tests/test_network.py

eval: $(READY)
	@$(BIN)/qa eval --out build/eval
	@echo 'The report to look at: build/eval/report.html'

# Everything else on the machine should be at rest.
bench: $(READY)
	@$(BIN)/python -m eval.bench

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary

audit: $(READY)
	@$(BIN)/python .ci/audit

check: lint audit test

format: $(READY)
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

setup: $(READY)
	@:

# `clean` leaves the compiled llama-cpp-python, which is kept outside the checkout.
clean:
	@rm -rf .venv build dist consta.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@echo 'make ask [Q="¿...?"]   ask the articles in seeds/ a question'
	@echo 'make test              run the tests'
	@echo 'make eval              measure the answers on eval/questions.jsonl, report in build/eval/'
	@echo 'make bench             measure the speed against the bare libraries; over half an hour, alone on the machine'
	@echo 'make check             ruff, mypy, pip-audit and the tests'
	@echo 'make torture           attacks, crashes and faults by the thousand; under half an hour'
	@echo 'make format            let ruff rewrite the code'
	@echo 'make setup             create .venv; TORCH_INDEX=URL takes PyTorch from that index'
	@echo 'make clean             remove .venv and everything built'

$(READY): pyproject.toml .ci/constraints.txt .ci/setup
	@$(PYTHON) .ci/setup
	@touch $@
