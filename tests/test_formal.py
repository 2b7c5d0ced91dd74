# SPDX-License-Identifier: Apache-2.0
"""The proofs close, and each of them finds a fault that is put into the RTL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import formal
from tools.formal import FormalError, prove, verdict

ROOT = Path(__file__).resolve().parents[1]

# proof, file, what is replaced, by what
FAULTS = [
    ("axi_master", "rtl/dma/dma_engine.v", "|| (to_line == 10'd0);", ";"),
    ("axi_master", "rtl/dma/dma_engine.v", "if (pending_reg == 4'd0)", "if (pending_reg < 4'd2)"),
    ("axi_master", "rtl/dma/dma_engine.v", "retire = m_axi_bvalid || ", "retire = "),
    ("axi_master", "rtl/dma/dma_engine.v", "&& receive_reg && (pending_reg != 4'd15)", ""),
    ("axi_master_wide", "rtl/dma/dma_widen.v", "{4{low_valid_reg}}", "4'b1111"),
    ("axi_master_wide", "rtl/dma/dma_widen.v", "{8'd0, odd};", "9'd0;"),
    ("axi_master_wide", "rtl/dma/dma_widen.v", "upper_reg || (left_reg == 8'd0)", "upper_reg"),
    ("causes", "rtl/ep/ep_causes.v", "(held_reg & ~clear) | set", "(held_reg | set) & ~clear"),
    ("causes", "rtl/ep/ep_causes.v", "in_reg && tx_low && each[7]", "in_reg && tx_low"),
    ("cdc_fifo", "rtl/cdc/cdc_fifo.v", "rd_gray_reg != wr_gray_sync", "1'b1"),
    ("cdc_fifo", "rtl/cdc/cdc_fifo.v", "wr_bin_next ^ (wr_bin_next >> 1)", "wr_bin_next"),
    ("endpoint", "rtl/ep/ep_receive.v", "(pid == pid_reg) || iso;", "1'b1;"),
    (
        "endpoint",
        "rtl/ep/ep_token.v",
        "disabling && !nak && !global_out",
        "disabling && !global_out",
    ),
    (
        "interrupts",
        "rtl/csr/csr_interrupts.v",
        "(gintsts_reg & ~clear) | set)",
        "(gintsts_reg | set) & ~clear)",
    ),
    (
        "interrupts",
        "rtl/csr/csr_interrupts.v",
        "deachint & deachmsk_reg",
        "deachint & daintmsk_reg",
    ),
    (
        "protocol",
        "rtl/usb2/usb2_protocol.v",
        "ans_kind == A_NYET && rx_pid == ans_pid",
        "ans_kind == A_NYET",
    ),
    (
        "protocol",
        "rtl/usb2/usb2_protocol.v",
        "if ((rx_word_strobe && !message_ready) || rx_error)",
        "if (rx_word_strobe && !message_ready)",
    ),
    ("rx_fifo", "rtl/fifo/rx_fifo.v", "write_reg <= ahead_reg;", "write_reg <= write_behind;"),
    (
        "rx_fifo",
        "rtl/fifo/rx_fifo.v",
        "word_valid && open_reg && (left_reg != 9'd0);",
        "word_valid;",
    ),
    ("np_queue", "rtl/fifo/np_queue.v", "open_reg && (open_ep_reg == ep)", "open_reg"),
    ("np_queue", "rtl/fifo/np_queue.v", "(left_reg == 9'd1)", "(left_reg == 9'd2)"),
    (
        "np_queue",
        "rtl/fifo/np_queue.v",
        "complete_reg[place] <= whole",
        "complete_reg[place] <= 1'b1",
    ),
    ("np_queue", "rtl/fifo/np_queue.v", "head_reg + 3'd1", "head_reg + 3'd2"),
    ("tx_fifo", "rtl/fifo/tx_fifo.v", "sum >= size_reg[16+A:16]", "sum > size_reg[16+A:16]"),
    ("tx_fifo", "rtl/fifo/tx_fifo.v", ".we(clear || release_words)", ".we(clear || change)"),
]


def test_every_proof_has_faults() -> None:
    assert sorted({fault[0] for fault in FAULTS}) == formal.names()


@pytest.mark.parametrize("name", formal.names())
def test_proof_closes(name: str, tmp_path: Path) -> None:
    assert prove(name, tmp_path / name) == "proved"


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    FAULTS,
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(FAULTS)],
)
def test_fault_is_found(name: str, file: str, old: str, new: str, tmp_path: Path) -> None:
    """With the fault the proof does not close."""
    shutil.copytree(ROOT / "rtl", tmp_path / "rtl")
    shutil.copytree(ROOT / formal.PROOFS, tmp_path / formal.PROOFS)
    text = (tmp_path / file).read_text()
    assert text.count(old) == 1
    (tmp_path / file).write_text(text.replace(old, new))
    assert prove(name, tmp_path / "out", root=tmp_path) != "proved"


def test_verdicts() -> None:
    base = "engine_0.basecase: Status returned by engine for basecase: "
    assert verdict(f"{base}FAIL\nDONE (FAIL, rc=2)", 4) == "failed"
    assert verdict(f"{base}pass\nDONE (PASS, rc=0)", 4) == "proved"
    assert verdict(f"{base}pass\nDONE (UNKNOWN, rc=4)", 4) == "bounded(4)"
    with pytest.raises(FormalError, match="ERROR: syntax"):
        verdict("ERROR: syntax", 4)


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert formal.main(["nothing"]) == 2
    assert "no proof nothing; there are axi_master" in capsys.readouterr().err
