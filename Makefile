# SPDX-License-Identifier: Apache-2.0
# What a user types. Everything that is made lies in build/.

VENV := build/venv
PYTHON_BIN := $(VENV)/bin/python
PLUGFEST := $(VENV)/bin/plugfest

# make sim: what to run it on
BACKEND ?= verilator
SPEED ?= high
MODE ?= dma
FIFO ?= dedicated
UTMI_WIDTH ?= 8
SEED ?= 1
WAVES ?=
PCAP ?=
OUT ?=
FILE ?=
SCENARIO ?= examples/acm_echo.py

# make test: what to run
TESTS ?= tests
JOBS ?= 2

RUN_OPTIONS = --backend $(BACKEND) --speed $(SPEED) --mode $(MODE) --fifo $(FIFO)
RUN_OPTIONS += --seed $(SEED) --utmi-width $(UTMI_WIDTH)
RUN_OPTIONS += $(if $(filter-out 0,$(WAVES)),--waves)
RUN_OPTIONS += $(if $(filter-out 0,$(PCAP)),--pcap)
RUN_OPTIONS += $(if $(OUT),--out '$(OUT)')
RUN_OPTIONS += $(if $(FILE),-- '$(abspath $(FILE))')

.PHONY: help sim test lint synth formal bench gen clean venv
.DEFAULT_GOAL := help

help: ## show this
	@echo "Plugfest: a USB device controller and its testbench. Targets:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-13s %s\n", $$1, $$2 }'
	@echo "Choices of make sim: BACKEND=model|verilator|icarus SPEED=full|high"
	@echo "  MODE=slave|dma|desc FIFO=dedicated|shared SEED=1 WAVES=1 PCAP=1 OUT=DIR"
	@echo "  UTMI_WIDTH=8|16 FILE=payload; of make test: TESTS=tests/kernel JOBS=2"

# The environment is made anew whenever the list of its packages changes.
$(VENV)/stamp: requirements.lock pyproject.toml tools/bootstrap.sh
	@tools/bootstrap.sh

venv: $(VENV)/stamp ## install what the project needs (the other targets do it by themselves)

sim: $(VENV)/stamp ## run the ACM echo on the RTL: a serial gadget, enumerated, file there and back
	@$(PLUGFEST) run $(SCENARIO) $(RUN_OPTIONS)

test: $(VENV)/stamp ## run all tests
	@$(PYTHON_BIN) -m pytest -n $(JOBS) $(TESTS)

lint: $(VENV)/stamp ## check style, types, Verilog and that generated files are fresh
	@$(PYTHON_BIN) -m tools.lint

synth: $(VENV)/stamp ## measure area and clock frequency on an ECP5, beside other controllers
	@$(PYTHON_BIN) -m tools.synth --timing

formal: $(VENV)/stamp ## prove FIFOs, clock crossing, interrupts, protocol, AXI master
	@$(PYTHON_BIN) -m tools.formal

bench: $(VENV)/stamp ## measure speed against a bare C++ loop and a per-clock driver
	@$(PYTHON_BIN) -m tests.bench.compare

gen: $(VENV)/stamp ## generate registers (Verilog, Python, C, manual) from rtl/udc.rdl
	@$(PYTHON_BIN) -m tools.registers
	@$(PYTHON_BIN) -m tools.registers.browse build/docs/registers

clean: ## remove everything that was built, the environment included
	rm -rf build
