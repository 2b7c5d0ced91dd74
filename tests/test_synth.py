# SPDX-License-Identifier: Apache-2.0
"""The report of `make synth`, on small inputs; and that the tools still speak as it expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import synth
from tools.synth import Result, SynthError

ROOT = Path(__file__).resolve().parents[1]
STAT = {"design": {"num_cells_by_type": {"LUT4": 2800, "TRELLIS_FF": 1200, "DP16KD": 3}}}


def result(pairs: int, lut4: int, **changes: int) -> Result:
    parameters = {"NUM_IN_EPS": pairs, "NUM_OUT_EPS": pairs, "FIFO_WORDS": 1024, "DMA": 2}
    other = {name: value for name, value in changes.items() if name in parameters}
    return Result(parameters | other, lut4, 1200, changes.get("bram", 3), 60, 300)


def test_cells_are_read() -> None:
    cells = synth.read_stat(json.dumps(STAT))
    made = synth.result_of({"NUM_IN_EPS": 3}, cells)
    assert (made.lut4, made.ff, made.bram, made.lutram, made.carry) == (2800, 1200, 3, 0, 0)
    assert made.summary()["fmax_mhz"] is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"design": {}}', '{"design": 1}'])
def test_other_reports_are_refused(text: str) -> None:
    with pytest.raises(SynthError, match="no report of `stat -json`"):
        synth.read_stat(text)
    with pytest.raises(SynthError, match="no report of nextpnr"):
        synth.read_fmax(text)


def test_slowest_clock_counts() -> None:
    clocks = {"$glbnet$core_clk": {"achieved": 71.257}, "utmi_clk": {"achieved": 95.0}}
    fmax = synth.read_fmax(json.dumps({"fmax": clocks}))
    assert fmax == {"core_clk": 71.26, "utmi_clk": 95.0}
    made = result(3, 2800)
    made.fmax_mhz = fmax
    assert made.summary()["fmax_mhz"] == 71.26


def test_growth_counts_what_differs_in_pairs_only() -> None:
    results = {
        "reference": result(3, 2800),
        "slave_only": result(3, 2500, DMA=0),
        "pairs_8": result(8, 3300),
        "pairs_4": result(4, 2850),
        "everything": result(15, 5000, FIFO_WORDS=4096),
    }
    assert synth.growth(results) == [(3, 4, 50.0), (4, 8, 112.5), (3, 8, 100.0)]
    assert synth.growth({"pairs_4": result(4, 1)}) == []


def test_limits() -> None:
    good = {"reference": result(3, 2850), "pairs_4": result(4, 3000)}
    assert synth.failures(good) == []
    bad = {"reference": result(3, 2851), "pairs_4": result(4, 3002, bram=1)}
    bad["pairs_4"].fmax_mhz = {"core_clk": 59.9, "utmi_clk": 60.0}
    lines = synth.failures(bad)
    assert len(lines) == 4
    assert "reference: 2851 LUT4, at most 2850" in lines[0]
    assert "from 3 to 4 pairs: 151 LUT4" in lines[1]
    assert "pairs_4: 1 block RAMs, the FIFOs alone fill 2" in lines[2]
    assert "core_clk reaches 59.9 MHz of 60" in lines[3]


def test_table_has_results_peers_and_growth() -> None:
    text = synth.table({"reference": result(3, 2800), "pairs_4": result(4, 2900)})
    assert "reference: EP0 + 3 IN + 3 OUT        2800   1200" in text
    assert "usbf, 4 endpoints, no DMA            2850   1740" in text
    assert text.endswith("per further endpoint pair, 3 to 4: 100")


def test_features_that_are_not_built_stay_off() -> None:
    """Whatever udc.v refuses is left out, whatever it accepts is switched on."""
    refused = "ILLEGAL_PARAMETER_LPM_must_be_0_LPM_is_not_built error ();"
    assert "LPM" not in synth.features(refused)
    assert synth.features("")["LPM"] == 1
    assert synth.configurations("")["reference"]["LPM"] == 1
    assert "LPM" not in synth.configurations(refused)["reference"]
    assert synth.configurations("")["everything"]["DESC_DMA"] == 1


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert synth.main(["nothing"]) == 2
    assert "no configuration nothing; there are reference" in capsys.readouterr().err
    assert synth.main(["reference", "--out", str(tmp_path)]) == 2
    assert "must lie below" in capsys.readouterr().err


def test_failing_tool_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that the controller refuses ends with the words of Yosys."""
    directory = ROOT / "build/synth/test"
    directory.mkdir(parents=True, exist_ok=True)
    for name, value in (
        ("NUM_IN_EPS", 16),
        ("EP_DIRECTIONS", 1),
        ("EP_DIRECTIONS", 3 << 4),
        ("UTMI_WIDTH", 32),
    ):
        with pytest.raises(SynthError, match=f"ILLEGAL_PARAMETER_{name}"):
            synth.synthesize("illegal", {name: value}, directory)
    monkeypatch.setattr(synth, "_tool", lambda name: f"/nowhere/{name}")
    with pytest.raises(SynthError, match="make venv"):
        synth.synthesize("missing", {"NUM_IN_EPS": 3}, directory)


@pytest.mark.slow
def test_smallest_controller() -> None:
    """Yosys and the report of it: the FIFOs are in block RAM."""
    directory = ROOT / "build/synth/test"
    directory.mkdir(parents=True, exist_ok=True)
    parameters = {"NUM_IN_EPS": 1, "NUM_OUT_EPS": 1, "FIFO_WORDS": 512, "DMA": 0}
    made = synth.synthesize("smallest", parameters, directory)
    assert 500 < made.lut4 < synth.MOST_LUT4
    assert made.ff > 500
    assert synth.failures({"smallest": made}) == []
