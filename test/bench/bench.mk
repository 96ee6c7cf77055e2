# BENCH_ROUNDS and BENCH_SERIES: how often everything is started, and how many runs there are in a row.
BENCH_ROUNDS ?= 40
BENCH_SERIES ?= 1000

## bench: starting a sandbox, and one more command in it, beside bubblewrap, crun, podman and the least that it can cost
.PHONY: bench
bench: all helpers fixtures
	@mkdir -p $(B)/bench
	@$(WITH_FIXTURES) $(DRIVER) $(if $(filter 0,$(shell id -u)),-r) -o $(B)/bench test/bench/start $(BENCH_ROUNDS) $(BENCH_SERIES)
	@echo "written to $(B)/bench: start.json start.svg start.tsv"

# BENCH_IMPORTS: how often every archive is unpacked. BENCH_REALTIME=1: under a real-time priority (as root).
BENCH_IMPORTS ?= 7

## bench-import: from an archive to a root file system, beside tar, bsdtar, podman, umoci and ch-convert
.PHONY: bench-import
bench-import: all helpers fixtures | $(PACKAGES)/bench
	@mkdir -p $(B)/bench
	@$(WITH_FIXTURES) $(DRIVER) $(if $(filter 0,$(shell id -u)),-r) -o $(B)/bench test/bench/import $(BENCH_IMPORTS)
	@echo "written to $(B)/bench: import.json import.svg import.tsv"
