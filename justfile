# The names of everything we do. `just` lists them; without `just`, read the line under a name and type it.
# `bash .ci/run` is what `just check` and CI run.

set shell := ["bash", "-euo", "pipefail", "-c"]

samples := "tests/samples"
data := "data"

# list the names
[private]
default:
    @just --list --unsorted

# everything that must hold before a commit, as CI runs it: format, clippy, docs, book, licences, unused, weights, test, browser, mail
[group('check')]
check:
    bash .ci/run

# one or more steps of check: tools format clippy docs book licences unused weights test browser mail fuzz
[group('check')]
step +names:
    bash .ci/run {{ names }}

# rewrite the code in our format
[group('check')]
fmt:
    cargo fmt --all

# clippy over everything; a warning is an error
[group('check')]
clippy:
    bash .ci/run clippy

# the crates' documentation in target/doc; a broken link is an error
[group('check')]
docs:
    bash .ci/run docs

# all tests, or those whose name holds WORD: `just test numbers`
[group('check')]
test *word:
    cargo test --workspace {{ word }}

# the public pages in a real browser: keyboard alone, no script, two widths, light and dark, three languages, axe-core
[group('check')]
browser:
    bash .ci/run browser

# a real mail server (dovecot): the sample letters come by IMAP and LMTP, twice, with kills between; Python's smtplib brings some
[group('check')]
mail:
    bash .ci/run mail

# licences, banned crates and sources of everything we are built of (deny.toml); offline
[group('check')]
licences:
    bash .ci/run licences

# dependencies that no code names
[group('check')]
unused:
    bash .ci/run unused

# known weaknesses and yanked crates; fetches the RustSec database from the network, so it is no step of check
[group('check')]
advisories:
    cargo deny --locked check advisories

# rewrite the JSON Schemas of the events after a change of their types; look at the diff
[group('make')]
schemas:
    ZHOLDARY_WRITE_SCHEMAS=1 cargo test -p zholdary-domain --test samples the_schemas
    git diff --stat -- crates/domain/schemas

# learn the weights of the shipped city anew from the labelled texts; tables of how texts that were left out are understood
[group('make')]
weights *args:
    cargo run --release -- learn crates/triage/corpus/*.jsonl --also crates/triage/corpus/known/*.jsonl crates/triage/cases/*.jsonl --city deploy/cities/almaty {{ args }}

# write docs/commands.md anew from the definitions of the command line; look at the diff
[group('make')]
commands:
    ZHOLDARY_WRITE_COMMANDS=1 cargo test -p zholdary the_page_of_commands
    git diff --stat -- docs/commands.md

# the book of docs/ in target/book; a broken link of any page of the repository is an error
[group('make')]
book:
    bash .ci/run book
    @echo "target/book/index.html"

# pictures of the demo's pages into docs/screenshots; look at each
[group('make')]
screenshots:
    bash .ci/run screenshots

# accept the snapshots of the last test run, after a look at each
[group('make')]
snapshots:
    INSTA_UPDATE=always cargo test --workspace
    git diff --stat -- '*.snap'

# kill -9 of a running `zholdary up` under load, 100 rounds; `just crash 10` for fewer
[group('long')]
crash rounds="100":
    cargo build --release
    ZHOLDARY_CRASH_ROUNDS={{ rounds }} cargo test -p zholdary-tests --release -- crash --nocapture

# the simulated city as a test, seed after seed, while everything goes wrong; `just simulate 500`, one seed alone: `just simulate 1 4711`
[group('long')]
simulate seeds="10000" from="1":
    ZHOLDARY_SIMULATE_SEEDS={{ seeds }} ZHOLDARY_SIMULATE_FROM={{ from }} cargo test -p zholdary-tests --release --test simulation -- every_seed --nocapture

# three servers and six processes, and everything goes wrong in turn for half an hour while people write; `just chaos 5` for less
[group('long')]
chaos minutes="30":
    ZHOLDARY_CHAOS_MINUTES={{ minutes }} cargo test -p zholdary-tests --release --features chaos -- chaos --nocapture

# what the log costs, engine beside engine, with a million records each, as tables; `just performance 50000` for less
[group('long')]
performance records="1000000":
    ZHOLDARY_PERFORMANCE_RECORDS={{ records }} cargo bench -p zholdary-tests --features performance --bench performance

# how fast texts are understood, beside what is asked: short messages, and a letter of a hundred kilobytes
[group('long')]
understanding:
    cargo bench -p zholdary-triage --bench speed

# property tests with many more cases: `just deep 20000`
[group('long')]
deep cases="5000":
    PROPTEST_CASES={{ cases }} cargo test --workspace --release -- --skip crash

# coverage-guided fuzzing of every target in turn, or of those named, for so many minutes each: `just fuzz 60 "email media"` (needs c++)
[group('long')]
fuzz minutes="10" targets="":
    ZHOLDARY_FUZZ_SECONDS=$(({{ minutes }} * 60)) ZHOLDARY_FUZZ_TARGETS="{{ targets }}" bash .ci/run fuzz

# 10,000 deliveries of WhatsApp in one minute, a third of them again, on each engine: what the hook answers and what became of them
[group('long')]
storm posts="10000":
    cargo build --release --bin zholdary
    ZHOLDARY_STORM_POSTS={{ posts }} cargo bench -p zholdary-tests --features performance --bench storm

# how many texts of a labelled file are understood as it says: the fifty sample appeals of Almaty, or another file; as tables
[group('try')]
sample file=(samples / "almaty/appeals-sample.jsonl"):
    cargo run --release -- triage {{ file }} --at 2026-11-20T09:00:00+05:00 --score

# check the city that ships with the product, or another folder
[group('try')]
city dir="deploy/cities/almaty":
    cargo run --release -- city check {{ dir }}

# the whole city in one process on http://127.0.0.1:8080, in ./data
[group('try')]
up *args:
    cargo run --release -- up --data {{ data }} {{ args }}

# a nats-server for development on 127.0.0.1:4222, in the foreground; its data in ./data-nats
[group('try')]
nats:
    exec "$(cargo run --quiet -p zholdary-natsd -- path)" -c deploy/nats/development.conf

# the roles as processes of their own on one nats-server: pages on :8080, the hook on :8081
[group('try')]
roles dir="data-roles":
    cargo build --release --bins -p zholdary -p zholdary-natsd
    target/release/zholdary-natsd with --folder {{ dir }}/nats deploy/roles.sh {{ dir }}

# two processes a role on a cluster of three nats-servers
[group('try')]
cluster dir="data-cluster":
    cargo build --release --bins -p zholdary -p zholdary-natsd
    REPLICAS=3 COPIES=2 target/release/zholdary-natsd with --servers 3 --folder {{ dir }}/nats deploy/roles.sh {{ dir }}

# a simulated city to look at, in ./data-demo
[group('try')]
demo *args:
    cargo run --release -- demo {{ args }}

# the fifty sample appeals through the real intake into a fresh folder, then its chain
[group('try')]
trial-ingest:
    into=$(mktemp -d) && echo "into $into" \
    && cargo run --release -- ingest jsonl {{ samples }}/almaty/appeals-sample.jsonl --at 2026-11-20T09:00:00+05:00 --data "$into" \
    && cargo run --release -- verify --data "$into"

# every file of a folder whose name ends so, as CHANNEL delivers it: real bodies that may not be copied here; what became of them, counted
[group('try')]
trial-bodies channel dir ending:
    cargo build --release --bin zholdary
    into=$(mktemp -d) && echo "into $into" && told="$into/told.jsonl" \
    && files=$(find "{{ dir }}" -name '*{{ ending }}' | wc -l) \
    && (find "{{ dir }}" -name '*{{ ending }}' -print0 | sort -z | xargs -0 target/release/zholdary ingest {{ channel }} --at 2026-11-20T09:00:00+05:00 --data "$into" > "$told" || true) \
    && python3 -c 'import json, sys; lines = [json.loads(line) for line in open(sys.argv[1])]; print(len(lines), "files;", "; ".join(f"{key} {sum(line[key] for line in lines)}" for key in ("messages", "new_appeals", "ignored", "parked"))); [print(line["file"], line["error"]) for line in lines if line["error"]]; sys.exit(len(lines) != int(sys.argv[2]))' "$told" "$files" \
    && target/release/zholdary verify --data "$into"

# the chain of the log in ./data, or another folder
[group('try')]
verify dir="data":
    cargo run --release -- verify --data {{ dir }}
