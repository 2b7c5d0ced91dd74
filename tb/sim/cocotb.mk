# SPDX-License-Identifier: Apache-2.0
# For makefiles of cocotb's usual form: include this before cocotb's Makefile.sim. It names the
# sources of the controller and its testbench and hooks in the mailbox library; on Verilator it
# puts our main in the place of cocotb's. (`plugfest run` builds a much faster simulation: cocotb's
# flow makes every signal visible to Python.)
#
# May be set before: SIM (verilator, icarus), TIME_SCALE, and the other parameters of rtl/udc.v in
# UDC_PARAMETERS, e.g. "NUM_IN_EPS=3 TRACE=1".

PLUGFEST_ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
PLUGFEST_PYTHON ?= $(firstword $(wildcard $(PLUGFEST_ROOT)/build/venv/bin/python) python3)
export PYTHONPATH := $(PLUGFEST_ROOT):$(PYTHONPATH)

SIM ?= verilator
TIME_SCALE ?= $(if $(filter icarus,$(SIM)),1000,100)
UDC_PARAMETERS ?=
# Optimization of the C++ that Verilator makes
PLUGFEST_OPT ?= -O2
SIM_BUILD ?= $(PLUGFEST_ROOT)/build/cocotb/$(SIM)
PLUGFEST_VALUES := TIME_SCALE=$(TIME_SCALE) $(UDC_PARAMETERS)

TOPLEVEL_LANG := verilog
COCOTB_TOPLEVEL := tb_top
VERILOG_SOURCES += $(shell find $(PLUGFEST_ROOT)/rtl -name '*.v' | sort)
VERILOG_SOURCES += $(sort $(wildcard $(PLUGFEST_ROOT)/tb/hdl/*.v))
VERILOG_INCLUDE_DIRS += $(PLUGFEST_ROOT)/tb/hdl $(PLUGFEST_ROOT)/rtl/gen

ifeq ($(SIM),icarus)
export PLUGFEST_LIBRARY := $(SIM_BUILD)/plugfest.vpi
COMPILE_ARGS += -DGENCLK $(foreach value,$(PLUGFEST_VALUES),-Ptb_top.$(value))
SIM_ARGS += -m $(PLUGFEST_LIBRARY)
CUSTOM_SIM_DEPS += $(PLUGFEST_LIBRARY)
else
export PLUGFEST_LIBRARY := $(SIM_BUILD)/libplugfest.so
VERILATOR_BIN_DIR := $(patsubst %/,%,$(dir $(shell cd $(PLUGFEST_ROOT) && \
  $(PLUGFEST_PYTHON) -m tb.sim.verilator_root)))
override VERILATOR_CPP := $(PLUGFEST_ROOT)/tb/hdl/main.cpp
VERILOG_SOURCES := $(SIM_BUILD)/pf_imports.sv $(VERILOG_SOURCES)
COMPILE_ARGS += +1364-2005ext+v -O3 -Wno-fatal -Wno-lint -Wno-style
COMPILE_ARGS += $(addprefix -G,$(PLUGFEST_VALUES))
COMPILE_ARGS += -CFLAGS "-I$(PLUGFEST_ROOT)/tb/hdl/c -DVL_USER_FINISH"
COMPILE_ARGS += -LDFLAGS "-L$(SIM_BUILD) -lplugfest -Wl,-rpath,$(SIM_BUILD)"
BUILD_ARGS += OPT_FAST=$(PLUGFEST_OPT) OPT_GLOBAL=$(PLUGFEST_OPT)
export OBJCACHE ?= $(notdir $(shell command -v ccache))
CUSTOM_COMPILE_DEPS += $(PLUGFEST_LIBRARY)
$(SIM_BUILD)/pf_imports.sv: $(PLUGFEST_LIBRARY)
endif

$(PLUGFEST_LIBRARY): $(wildcard $(PLUGFEST_ROOT)/tb/hdl/c/*)
	$(PLUGFEST_PYTHON) -m tb.sim.build $(SIM) $(SIM_BUILD)

# The first target that counts is cocotb's.
.DEFAULT_GOAL :=
