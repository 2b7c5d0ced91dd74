# SPDX-License-Identifier: Apache-2.0
# Generated from rtl/udc.rdl by `make gen`; do not edit.
# ruff: noqa: E501, N815
# fmt: off
"""The registers of the controller, one class each; `lookup` finds the one at an offset."""

from __future__ import annotations

from typing import ClassVar, Protocol

from pymodel.register_types import Field, Register

__all__ = [
    "DAINT",
    "DAINTMSK",
    "DCFG",
    "DCTL",
    "DEACHINT",
    "DEACHMSK",
    "DIEPCTL",
    "DIEPCTL0",
    "DIEPDMA",
    "DIEPDMAB",
    "DIEPEACHMSK",
    "DIEPEMPMSK",
    "DIEPINT",
    "DIEPMSK",
    "DIEPTSIZ",
    "DIEPTSIZ0",
    "DIEPTXF",
    "DOEPCTL",
    "DOEPCTL0",
    "DOEPDMA",
    "DOEPDMAB",
    "DOEPEACHMSK",
    "DOEPINT",
    "DOEPMSK",
    "DOEPTSIZ",
    "DOEPTSIZ0",
    "DSTS",
    "DTHRCTL",
    "DTKNQR1",
    "DTKNQR2",
    "DTKNQR3",
    "DTKNQR4",
    "DTXFSTS",
    "DVBUSDIS",
    "DVBUSPULSE",
    "EPCMD",
    "EPCMDPAR0",
    "EPCMDPAR1",
    "EPXINT",
    "EPXMSK",
    "EPXSTS",
    "FIFO",
    "GAHBCFG",
    "GDFIFOCFG",
    "GGPIO",
    "GHWCFG1",
    "GHWCFG2",
    "GHWCFG3",
    "GHWCFG4",
    "GI2CCTL",
    "GINTMSK",
    "GINTSTS",
    "GLPMCFG",
    "GNPTXFSIZ",
    "GNPTXSTS",
    "GOTGCTL",
    "GOTGINT",
    "GPVNDCTL",
    "GPWRDN",
    "GRSTCTL",
    "GRXFSIZ",
    "GRXSTSP",
    "GRXSTSR",
    "GSNPSID",
    "GUID",
    "GUSBCFG",
    "PCGCCTL",
    "PCGCCTL1",
    "REGISTERS",
    "XCAP",
    "XCFG",
    "XINT",
    "XINTMSK",
    "XNOTE",
    "XSTS",
    "lookup",
    "reset_values",
]


class GOTGCTL(Register):
    """Session and role state. Drivers look at it to learn whether VBUS is there."""

    NAME: ClassVar[str] = "GOTGCTL"
    OFFSET: ClassVar[int] = 0x00000
    RESET: ClassVar[int] = 0x00010000
    RW: ClassVar[int] = 0x00109EFE
    READABLE: ClassVar[int] = 0x003F9FFF
    EXACT: ClassVar[int] = 0x00379FFF
    BOUND: ClassVar[int] = 0x00080000

    SesReqScs: ClassVar[Field] = Field("SesReqScs", 0, 1, "RO")
    """Session request success; a peripheral keeps 0."""
    SesReq: ClassVar[Field] = Field("SesReq", 1, 1, "RW")
    """Session request; stored, without effect."""
    VbvalidOvEn: ClassVar[Field] = Field("VbvalidOvEn", 2, 1, "RW")
    """Override of VBUS valid (host); stored."""
    VbvalidOvVal: ClassVar[Field] = Field("VbvalidOvVal", 3, 1, "RW")
    """Value of that override; stored."""
    AvalidOvEn: ClassVar[Field] = Field("AvalidOvEn", 4, 1, "RW")
    """Override of the A session; stored."""
    AvalidOvVal: ClassVar[Field] = Field("AvalidOvVal", 5, 1, "RW")
    """Value of that override; stored."""
    BvalidOvEn: ClassVar[Field] = Field("BvalidOvEn", 6, 1, "RW")
    """Take BvalidOvVal instead of the PHY's VBUS for the B session."""
    BvalidOvVal: ClassVar[Field] = Field("BvalidOvVal", 7, 1, "RW")
    """Session valid while BvalidOvEn is set."""
    HstNegScs: ClassVar[Field] = Field("HstNegScs", 8, 1, "RO")
    """Host negotiation success; 0."""
    HNPReq: ClassVar[Field] = Field("HNPReq", 9, 1, "RW")
    """Host negotiation request; stored."""
    HstSetHNPEn: ClassVar[Field] = Field("HstSetHNPEn", 10, 1, "RW")
    """Host negotiation enable by host; stored."""
    DevHNPEn: ClassVar[Field] = Field("DevHNPEn", 11, 1, "RW")
    """Host negotiation enable by device; stored."""
    EHEn: ClassVar[Field] = Field("EHEn", 12, 1, "RW")
    """Embedded host enable; stored."""
    DbnceFltrBypass: ClassVar[Field] = Field("DbnceFltrBypass", 15, 1, "RW")
    """Debounce filter bypass; stored."""
    ConIDSts: ClassVar[Field] = Field("ConIDSts", 16, 1, "RO")
    """Connector ID: 1 = B device."""
    DbncTime: ClassVar[Field] = Field("DbncTime", 17, 1, "RO")
    """Debounce time of a host; 0."""
    ASesVld: ClassVar[Field] = Field("ASesVld", 18, 1, "RO")
    """A session valid; 0."""
    BSesVld: ClassVar[Field] = Field("BSesVld", 19, 1, "RO", "bound", "VBUS passes a synchronizer")
    """B session valid: VBUS is there, or the override says so."""
    OTGVer: ClassVar[Field] = Field("OTGVer", 20, 1, "RW")
    """OTG version; stored."""
    CurMod: ClassVar[Field] = Field("CurMod", 21, 1, "RO")
    """Current mode: 0 device."""
    FIELDS: ClassVar[tuple[Field, ...]] = (SesReqScs, SesReq, VbvalidOvEn, VbvalidOvVal, AvalidOvEn, AvalidOvVal, BvalidOvEn, BvalidOvVal, HstNegScs, HNPReq, HstSetHNPEn, DevHNPEn, EHEn, DbnceFltrBypass, ConIDSts, DbncTime, ASesVld, BSesVld, OTGVer, CurMod,)


class GOTGINT(Register):
    """Session events; any set bit shows as GINTSTS.OTGInt."""

    NAME: ClassVar[str] = "GOTGINT"
    OFFSET: ClassVar[int] = 0x00004
    RESET: ClassVar[int] = 0x00000000
    W1C: ClassVar[int] = 0x001E0304
    READABLE: ClassVar[int] = 0x001E0304
    EXACT: ClassVar[int] = 0x001E0304

    SesEndDet: ClassVar[Field] = Field("SesEndDet", 2, 1, "W1C")
    """Session ended: VBUS went away."""
    SesReqSucStsChng: ClassVar[Field] = Field("SesReqSucStsChng", 8, 1, "W1C")
    """Session request answered; never set."""
    HstNegSucStsChng: ClassVar[Field] = Field("HstNegSucStsChng", 9, 1, "W1C")
    """Role negotiated; never set."""
    HstNegDet: ClassVar[Field] = Field("HstNegDet", 17, 1, "W1C")
    """Role negotiation seen; never set."""
    ADevTOUTChg: ClassVar[Field] = Field("ADevTOUTChg", 18, 1, "W1C")
    """A device timed out; never set."""
    DbnceDone: ClassVar[Field] = Field("DbnceDone", 19, 1, "W1C")
    """Debounce done (host); never set."""
    MultValIpChng: ClassVar[Field] = Field("MultValIpChng", 20, 1, "W1C")
    """Charger input changed; never set."""
    FIELDS: ClassVar[tuple[Field, ...]] = (SesEndDet, SesReqSucStsChng, HstNegSucStsChng, HstNegDet, ADevTOUTChg, DbnceDone, MultValIpChng,)


class GAHBCFG(Register):
    """Bus side configuration."""

    NAME: ClassVar[str] = "GAHBCFG"
    OFFSET: ClassVar[int] = 0x00008
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x01E001BF
    READABLE: ClassVar[int] = 0x01E001BF
    EXACT: ClassVar[int] = 0x01E001BF

    GlblIntrMsk: ClassVar[Field] = Field("GlblIntrMsk", 0, 1, "RW")
    """1 = the interrupt line is enabled."""
    HBstLen: ClassVar[Field] = Field("HBstLen", 1, 4, "RW")
    """Burst code. Stored; the bus master bursts as its parameters allow."""
    DMAEn: ClassVar[Field] = Field("DMAEn", 5, 1, "RW")
    """1 = DMA mode, 0 = slave mode. Changed only after a core reset. Reads 0 without DMA."""
    NPTxFEmpLvl: ClassVar[Field] = Field("NPTxFEmpLvl", 7, 1, "RW")
    """TxFEmp at 0 = half empty, 1 = completely empty Tx FIFO."""
    PTxFEmpLvl: ClassVar[Field] = Field("PTxFEmpLvl", 8, 1, "RW")
    """The same for the periodic FIFOs (shared scheme)."""
    RemMemSupp: ClassVar[Field] = Field("RemMemSupp", 21, 1, "RW")
    """Remote memory support; stored."""
    NotiAllDmaWrit: ClassVar[Field] = Field("NotiAllDmaWrit", 22, 1, "RW")
    """Notify every DMA write; stored."""
    AHBSingle: ClassVar[Field] = Field("AHBSingle", 23, 1, "RW")
    """Single transfers for the remainder; stored."""
    InvDescEndianess: ClassVar[Field] = Field("InvDescEndianess", 24, 1, "RW")
    """Descriptor byte order; stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (GlblIntrMsk, HBstLen, DMAEn, NPTxFEmpLvl, PTxFEmpLvl, RemMemSupp, NotiAllDmaWrit, AHBSingle, InvDescEndianess,)


class GUSBCFG(Register):
    """PHY configuration. A core soft reset leaves it as it is."""

    NAME: ClassVar[str] = "GUSBCFG"
    OFFSET: ClassVar[int] = 0x0000C
    RESET: ClassVar[int] = 0x00001400
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    TOutCal: ClassVar[Field] = Field("TOutCal", 0, 3, "RW")
    """Time-out calibration; stored."""
    PHYIf16: ClassVar[Field] = Field("PHYIf16", 3, 1, "RW")
    """0 = 8-bit, 1 = 16-bit UTMI; stored, the build decides."""
    ULPI_UTMI_Sel: ClassVar[Field] = Field("ULPI_UTMI_Sel", 4, 1, "RW")
    """0 = UTMI+; stored."""
    FSIntf: ClassVar[Field] = Field("FSIntf", 5, 1, "RW")
    """Full-speed serial interface; stored."""
    PHYSel: ClassVar[Field] = Field("PHYSel", 6, 1, "RW")
    """1 = full-speed serial PHY; stored."""
    DDRSel: ClassVar[Field] = Field("DDRSel", 7, 1, "RW")
    """ULPI double rate; stored."""
    SRPCap: ClassVar[Field] = Field("SRPCap", 8, 1, "RW")
    """Session request capable; stored."""
    HNPCap: ClassVar[Field] = Field("HNPCap", 9, 1, "RW")
    """Host negotiation capable; stored."""
    USBTrdTim: ClassVar[Field] = Field("USBTrdTim", 10, 4, "RW")
    """Turnaround budget in PHY clocks; stored."""
    NPTxFRewindEn: ClassVar[Field] = Field("NPTxFRewindEn", 14, 1, "RW")
    """Old rewind enable; stored."""
    PhyLPwrClkSel: ClassVar[Field] = Field("PhyLPwrClkSel", 15, 1, "RW")
    """Low-power clock; stored."""
    OtgI2CSel: ClassVar[Field] = Field("OtgI2CSel", 16, 1, "RW")
    """I2C interface; stored."""
    ULPIFsLs: ClassVar[Field] = Field("ULPIFsLs", 17, 1, "RW")
    """ULPI serial mode; stored."""
    ULPIAutoRes: ClassVar[Field] = Field("ULPIAutoRes", 18, 1, "RW")
    """ULPI automatic resume; stored."""
    ULPIClkSusM: ClassVar[Field] = Field("ULPIClkSusM", 19, 1, "RW")
    """ULPI clock in suspend; stored."""
    ULPIExtVbusDrv: ClassVar[Field] = Field("ULPIExtVbusDrv", 20, 1, "RW")
    """ULPI external VBUS drive; stored."""
    ULPIExtVbusIndicator: ClassVar[Field] = Field("ULPIExtVbusIndicator", 21, 1, "RW")
    """ULPI VBUS indicator; stored."""
    TermSelDLPulse: ClassVar[Field] = Field("TermSelDLPulse", 22, 1, "RW")
    """Line pulsing by TermSelect; stored."""
    IndComple: ClassVar[Field] = Field("IndComple", 23, 1, "RW")
    """Indicator complement; stored."""
    IndPassThrough: ClassVar[Field] = Field("IndPassThrough", 24, 1, "RW")
    """Indicator pass through; stored."""
    ULPIProtDis: ClassVar[Field] = Field("ULPIProtDis", 25, 1, "RW")
    """ULPI protection off; stored."""
    ICUSBCap: ClassVar[Field] = Field("ICUSBCap", 26, 1, "RW")
    """Inter-chip USB; stored."""
    ICTrafPullRemove: ClassVar[Field] = Field("ICTrafPullRemove", 27, 1, "RW")
    """Inter-chip pull removal; stored."""
    TxEndDelay: ClassVar[Field] = Field("TxEndDelay", 28, 1, "RW")
    """Transmit end delay; stored."""
    ForceHstMode: ClassVar[Field] = Field("ForceHstMode", 29, 1, "RW")
    """Force host mode; stored, there is no host."""
    ForceDevMode: ClassVar[Field] = Field("ForceDevMode", 30, 1, "RW")
    """Force device mode; stored."""
    CorruptTxPkt: ClassVar[Field] = Field("CorruptTxPkt", 31, 1, "RW")
    """Corrupt packets (debug); stored, no effect."""
    FIELDS: ClassVar[tuple[Field, ...]] = (TOutCal, PHYIf16, ULPI_UTMI_Sel, FSIntf, PHYSel, DDRSel, SRPCap, HNPCap, USBTrdTim, NPTxFRewindEn, PhyLPwrClkSel, OtgI2CSel, ULPIFsLs, ULPIAutoRes, ULPIClkSusM, ULPIExtVbusDrv, ULPIExtVbusIndicator, TermSelDLPulse, IndComple, IndPassThrough, ULPIProtDis, ICUSBCap, ICTrafPullRemove, TxEndDelay, ForceHstMode, ForceDevMode, CorruptTxPkt,)


class GRSTCTL(Register):
    """Resets and flushes. Every command bit is set by writing 1 and falls when it is done; a write of 0 disturbs nothing."""

    NAME: ClassVar[str] = "GRSTCTL"
    OFFSET: ClassVar[int] = 0x00010
    RESET: ClassVar[int] = 0x80000000
    RW: ClassVar[int] = 0x000007C0
    W1S: ClassVar[int] = 0x0000003F
    READABLE: ClassVar[int] = 0xE00007FF
    EXACT: ClassVar[int] = 0x200007C0
    BOUND: ClassVar[int] = 0x0000003F

    CSftRst: ClassVar[Field] = Field("CSftRst", 0, 1, "W1S/SC", "bound", "length of the reset")
    """Core soft reset: all registers except GUSBCFG and GUID, all FIFOs, all endpoint state."""
    PIUFSSftRst: ClassVar[Field] = Field("PIUFSSftRst", 1, 1, "W1S/SC", "bound", "length of the command")
    """Bus interface reset; falls at once."""
    HSftRst: ClassVar[Field] = PIUFSSftRst
    FrmCntrRst: ClassVar[Field] = Field("FrmCntrRst", 2, 1, "W1S/SC", "bound", "length of the command")
    """Host frame counter; falls at once."""
    INTknQFlsh: ClassVar[Field] = Field("INTknQFlsh", 3, 1, "W1S/SC", "bound", "length of the command")
    """IN token queue (shared FIFOs); falls at once."""
    RxFFlsh: ClassVar[Field] = Field("RxFFlsh", 4, 1, "W1S/SC", "bound", "length of the flush")
    """Empty the Rx FIFO."""
    TxFFlsh: ClassVar[Field] = Field("TxFFlsh", 5, 1, "W1S/SC", "bound", "length of the flush")
    """Empty the Tx FIFO that TxFNum names."""
    TxFNum: ClassVar[Field] = Field("TxFNum", 6, 5, "RW")
    """FIFO to flush: 0 = of EP0 (or the non-periodic one), n, or 0x10 = all."""
    CSftRstDone: ClassVar[Field] = Field("CSftRstDone", 29, 1, "RO")
    """Only of cores from 4.20a on; 0."""
    DMAReq: ClassVar[Field] = Field("DMAReq", 30, 1, "RO", "no", "shows the bus master from clock to clock")
    """DMA request in progress (debug)."""
    AHBIdle: ClassVar[Field] = Field("AHBIdle", 31, 1, "RO", "no", "shows the bus master from clock to clock")
    """The bus master is idle."""
    FIELDS: ClassVar[tuple[Field, ...]] = (CSftRst, PIUFSSftRst, FrmCntrRst, INTknQFlsh, RxFFlsh, TxFFlsh, TxFNum, CSftRstDone, DMAReq, AHBIdle,)


class GINTSTS(Register):
    """Interrupt causes. The line is GAHBCFG.GlblIntrMsk and any bit of GINTSTS & GINTMSK."""

    NAME: ClassVar[str] = "GINTSTS"
    OFFSET: ClassVar[int] = 0x00014
    RESET: ClassVar[int] = 0x04000020
    W1C: ClassVar[int] = 0xF8F3FC0A
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFBFFFF0F
    BOUND: ClassVar[int] = 0x040000F0

    CurMod: ClassVar[Field] = Field("CurMod", 0, 1, "RO")
    """Current mode: 0 device."""
    ModeMis: ClassVar[Field] = Field("ModeMis", 1, 1, "W1C")
    """Register of the other mode accessed."""
    OTGInt: ClassVar[Field] = Field("OTGInt", 2, 1, "RO")
    """Level: GOTGINT is not 0."""
    SOF: ClassVar[Field] = Field("SOF", 3, 1, "W1C")
    """Start of a (micro)frame."""
    RxFLvl: ClassVar[Field] = Field("RxFLvl", 4, 1, "RO", "bound", "a word is visible some clocks after its commit")
    """Level, slave mode: the Rx FIFO holds a status word. Falls when the last word and its data are popped."""
    NPTxFEmp: ClassVar[Field] = Field("NPTxFEmp", 5, 1, "RO", "bound", "space returns some clocks after the packet")
    """Level: FIFO 0 is (half) empty, by NPTxFEmpLvl."""
    GINNakEff: ClassVar[Field] = Field("GINNakEff", 6, 1, "RO", "bound", "time from the command to its effect")
    """Level: global non-periodic IN NAK is in effect; falls by CGNPInNak."""
    GOUTNakEff: ClassVar[Field] = Field("GOUTNakEff", 7, 1, "RO", "bound", "time from the command to its effect")
    """Level: global OUT NAK is in effect; falls by CGOUTNak. In slave mode it comes with the pop of status word 1."""
    ULPICkInt: ClassVar[Field] = Field("ULPICkInt", 8, 1, "RO")
    """ULPI carkit; never set."""
    I2CInt: ClassVar[Field] = Field("I2CInt", 9, 1, "RO")
    """Level: an unmasked cause of the extension bank (XINT & XINTMSK). In DWC2 the I2C interrupt."""
    ErlySusp: ClassVar[Field] = Field("ErlySusp", 10, 1, "W1C")
    """The bus has been idle for 3 ms."""
    USBSusp: ClassVar[Field] = Field("USBSusp", 11, 1, "W1C")
    """Suspended."""
    USBRst: ClassVar[Field] = Field("USBRst", 12, 1, "W1C")
    """Reset signalling has started."""
    EnumDone: ClassVar[Field] = Field("EnumDone", 13, 1, "W1C")
    """Reset is over; DSTS.EnumSpd tells the speed."""
    ISOOutDrop: ClassVar[Field] = Field("ISOOutDrop", 14, 1, "W1C")
    """Isochronous OUT packet lost, Rx FIFO full."""
    EOPF: ClassVar[Field] = Field("EOPF", 15, 1, "W1C")
    """End of the periodic part of the frame (DCFG.PerFrInt)."""
    RstrDoneInt: ClassVar[Field] = Field("RstrDoneInt", 16, 1, "W1C")
    """Hibernation; never set."""
    EPMis: ClassVar[Field] = Field("EPMis", 17, 1, "W1C")
    """Shared FIFO: IN token for an endpoint that is not first."""
    IEPInt: ClassVar[Field] = Field("IEPInt", 18, 1, "RO")
    """Level: any of DAINT & DAINTMSK, bits 15:0."""
    OEPInt: ClassVar[Field] = Field("OEPInt", 19, 1, "RO")
    """Level: any of DAINT & DAINTMSK, bits 31:16."""
    incompISOIN: ClassVar[Field] = Field("incompISOIN", 20, 1, "W1C")
    """At EOPF: an enabled isochronous IN endpoint was not served in this frame."""
    incompISOOUT: ClassVar[Field] = Field("incompISOOUT", 21, 1, "W1C")
    """The same for OUT."""
    incomplP: ClassVar[Field] = incompISOOUT
    FetSusp: ClassVar[Field] = Field("FetSusp", 22, 1, "W1C")
    """DMA fetch suspended."""
    ResetDet: ClassVar[Field] = Field("ResetDet", 23, 1, "W1C")
    """Reset seen while suspended, or with PCGCCTL.StopPclk set."""
    PrtInt: ClassVar[Field] = Field("PrtInt", 24, 1, "RO")
    """Host port; 0."""
    HChInt: ClassVar[Field] = Field("HChInt", 25, 1, "RO")
    """Host channels; 0."""
    PTxFEmp: ClassVar[Field] = Field("PTxFEmp", 26, 1, "RO", "bound", "space returns some clocks after the packet")
    """Level: periodic Tx FIFO is (half) empty (shared FIFOs)."""
    LPMTranRcvd: ClassVar[Field] = Field("LPMTranRcvd", 27, 1, "W1C")
    """LPM token answered."""
    ConIDStsChng: ClassVar[Field] = Field("ConIDStsChng", 28, 1, "W1C")
    """Connector ID changed; never set."""
    DisconnInt: ClassVar[Field] = Field("DisconnInt", 29, 1, "W1C")
    """Host: disconnected; never set."""
    SessReqInt: ClassVar[Field] = Field("SessReqInt", 30, 1, "W1C")
    """Session starts: VBUS has come."""
    WkUpInt: ClassVar[Field] = Field("WkUpInt", 31, 1, "W1C")
    """Resume or remote wake-up seen on the bus."""
    FIELDS: ClassVar[tuple[Field, ...]] = (CurMod, ModeMis, OTGInt, SOF, RxFLvl, NPTxFEmp, GINNakEff, GOUTNakEff, ULPICkInt, I2CInt, ErlySusp, USBSusp, USBRst, EnumDone, ISOOutDrop, EOPF, RstrDoneInt, EPMis, IEPInt, OEPInt, incompISOIN, incompISOOUT, FetSusp, ResetDet, PrtInt, HChInt, PTxFEmp, LPMTranRcvd, ConIDStsChng, DisconnInt, SessReqInt, WkUpInt,)


class GINTMSK(Register):
    """Enables of GINTSTS, same bit numbers; 1 = enabled."""

    NAME: ClassVar[str] = "GINTMSK"
    OFFSET: ClassVar[int] = 0x00018
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFE
    READABLE: ClassVar[int] = 0xFFFFFFFE
    EXACT: ClassVar[int] = 0xFFFFFFFE

    ModeMis: ClassVar[Field] = Field("ModeMis", 1, 1, "RW")
    OTGInt: ClassVar[Field] = Field("OTGInt", 2, 1, "RW")
    SOF: ClassVar[Field] = Field("SOF", 3, 1, "RW")
    RxFLvl: ClassVar[Field] = Field("RxFLvl", 4, 1, "RW")
    NPTxFEmp: ClassVar[Field] = Field("NPTxFEmp", 5, 1, "RW")
    GINNakEff: ClassVar[Field] = Field("GINNakEff", 6, 1, "RW")
    GOUTNakEff: ClassVar[Field] = Field("GOUTNakEff", 7, 1, "RW")
    ULPICkInt: ClassVar[Field] = Field("ULPICkInt", 8, 1, "RW")
    I2CInt: ClassVar[Field] = Field("I2CInt", 9, 1, "RW")
    ErlySusp: ClassVar[Field] = Field("ErlySusp", 10, 1, "RW")
    USBSusp: ClassVar[Field] = Field("USBSusp", 11, 1, "RW")
    USBRst: ClassVar[Field] = Field("USBRst", 12, 1, "RW")
    EnumDone: ClassVar[Field] = Field("EnumDone", 13, 1, "RW")
    ISOOutDrop: ClassVar[Field] = Field("ISOOutDrop", 14, 1, "RW")
    EOPF: ClassVar[Field] = Field("EOPF", 15, 1, "RW")
    RstrDoneInt: ClassVar[Field] = Field("RstrDoneInt", 16, 1, "RW")
    EPMis: ClassVar[Field] = Field("EPMis", 17, 1, "RW")
    IEPInt: ClassVar[Field] = Field("IEPInt", 18, 1, "RW")
    OEPInt: ClassVar[Field] = Field("OEPInt", 19, 1, "RW")
    incompISOIN: ClassVar[Field] = Field("incompISOIN", 20, 1, "RW")
    incompISOOUT: ClassVar[Field] = Field("incompISOOUT", 21, 1, "RW")
    incomplP: ClassVar[Field] = incompISOOUT
    FetSusp: ClassVar[Field] = Field("FetSusp", 22, 1, "RW")
    ResetDet: ClassVar[Field] = Field("ResetDet", 23, 1, "RW")
    PrtInt: ClassVar[Field] = Field("PrtInt", 24, 1, "RW")
    HChInt: ClassVar[Field] = Field("HChInt", 25, 1, "RW")
    PTxFEmp: ClassVar[Field] = Field("PTxFEmp", 26, 1, "RW")
    LPMTranRcvd: ClassVar[Field] = Field("LPMTranRcvd", 27, 1, "RW")
    ConIDStsChng: ClassVar[Field] = Field("ConIDStsChng", 28, 1, "RW")
    DisconnInt: ClassVar[Field] = Field("DisconnInt", 29, 1, "RW")
    SessReqInt: ClassVar[Field] = Field("SessReqInt", 30, 1, "RW")
    WkUpInt: ClassVar[Field] = Field("WkUpInt", 31, 1, "RW")
    FIELDS: ClassVar[tuple[Field, ...]] = (ModeMis, OTGInt, SOF, RxFLvl, NPTxFEmp, GINNakEff, GOUTNakEff, ULPICkInt, I2CInt, ErlySusp, USBSusp, USBRst, EnumDone, ISOOutDrop, EOPF, RstrDoneInt, EPMis, IEPInt, OEPInt, incompISOIN, incompISOOUT, FetSusp, ResetDet, PrtInt, HChInt, PTxFEmp, LPMTranRcvd, ConIDStsChng, DisconnInt, SessReqInt, WkUpInt,)


class GRXSTSR(Register):
    """First status word of the Rx FIFO, left in place (slave mode)."""

    NAME: ClassVar[str] = "GRXSTSR"
    OFFSET: ClassVar[int] = 0x0001C
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0x01FFFFFF
    EXACT: ClassVar[int] = 0x01FFFFFF

    EPNum: ClassVar[Field] = Field("EPNum", 0, 4, "RO")
    """Endpoint."""
    BCnt: ClassVar[Field] = Field("BCnt", 4, 11, "RO")
    """Bytes of the packet."""
    DPID: ClassVar[Field] = Field("DPID", 15, 2, "RO", values={0: "DATA0", 1: "DATA2", 2: "DATA1", 3: "MDATA"})
    """Data PID of the packet."""
    PktSts: ClassVar[Field] = Field("PktSts", 17, 4, "RO", values={1: "global_nak", 2: "out_data", 3: "out_done", 4: "setup_done", 6: "setup_data"})
    """What the word stands for."""
    FN: ClassVar[Field] = Field("FN", 21, 4, "RO")
    """Low four bits of the (micro)frame number."""
    FIELDS: ClassVar[tuple[Field, ...]] = (EPNum, BCnt, DPID, PktSts, FN,)


class GRXSTSP(Register):
    """First status word of the Rx FIFO; reading takes it away (slave mode). The next ceil(BCnt/4) reads of a FIFO window return the data of the packet. The effect of status words 1, 3 and 4 (GOUTNakEff, XferCompl, SetUp) comes with the pop."""

    NAME: ClassVar[str] = "GRXSTSP"
    OFFSET: ClassVar[int] = 0x00020
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0x01FFFFFF
    EXACT: ClassVar[int] = 0x01FFFFFF

    EPNum: ClassVar[Field] = Field("EPNum", 0, 4, "POP")
    """Endpoint."""
    BCnt: ClassVar[Field] = Field("BCnt", 4, 11, "POP")
    """Bytes of the packet."""
    DPID: ClassVar[Field] = Field("DPID", 15, 2, "POP", values={0: "DATA0", 1: "DATA2", 2: "DATA1", 3: "MDATA"})
    """Data PID of the packet."""
    PktSts: ClassVar[Field] = Field("PktSts", 17, 4, "POP", values={1: "global_nak", 2: "out_data", 3: "out_done", 4: "setup_done", 6: "setup_data"})
    """What the word stands for."""
    FN: ClassVar[Field] = Field("FN", 21, 4, "POP")
    """Low four bits of the (micro)frame number."""
    FIELDS: ClassVar[tuple[Field, ...]] = (EPNum, BCnt, DPID, PktSts, FN,)


class GRXFSIZ(Register):
    """Depth of the Rx FIFO, which starts at word 0. The reset value is the largest legal one. A write empties the FIFO."""

    NAME: ClassVar[str] = "GRXFSIZ"
    OFFSET: ClassVar[int] = 0x00024
    RESET: ClassVar[int] = 0x00000400
    RW: ClassVar[int] = 0x0000FFFF
    READABLE: ClassVar[int] = 0x0000FFFF
    EXACT: ClassVar[int] = 0x0000FFFF

    RxFDep: ClassVar[Field] = Field("RxFDep", 0, 16, "RW")
    """Words."""
    FIELDS: ClassVar[tuple[Field, ...]] = (RxFDep,)


class GNPTXFSIZ(Register):
    """Place of Tx FIFO 0 (EP0 IN; in the shared scheme of all non-periodic IN endpoints). The depth at reset is the largest legal one. A write empties the FIFO."""

    NAME: ClassVar[str] = "GNPTXFSIZ"
    OFFSET: ClassVar[int] = 0x00028
    RESET: ClassVar[int] = 0x01000400
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    NPTxFStAddr: ClassVar[Field] = Field("NPTxFStAddr", 0, 16, "RW")
    """First word."""
    NPTxFDep: ClassVar[Field] = Field("NPTxFDep", 16, 16, "RW")
    """Words."""
    FIELDS: ClassVar[tuple[Field, ...]] = (NPTxFStAddr, NPTxFDep,)


class GNPTXSTS(Register):
    """Space in Tx FIFO 0."""

    NAME: ClassVar[str] = "GNPTXSTS"
    OFFSET: ClassVar[int] = 0x0002C
    RESET: ClassVar[int] = 0x00080100
    READABLE: ClassVar[int] = 0x7FFFFFFF
    BOUND: ClassVar[int] = 0x00FFFFFF

    NPTxFSpcAvail: ClassVar[Field] = Field("NPTxFSpcAvail", 0, 16, "RO", "bound", "space returns some clocks after the packet")
    """Words free."""
    NPTxQSpcAvail: ClassVar[Field] = Field("NPTxQSpcAvail", 16, 8, "RO", "bound", "places return some clocks after the packet")
    """Request queue places free."""
    NPTxQTop: ClassVar[Field] = Field("NPTxQTop", 24, 7, "RO", "no", "debug view of an internal queue")
    """Head of the request queue (debug)."""
    FIELDS: ClassVar[tuple[Field, ...]] = (NPTxFSpcAvail, NPTxQSpcAvail, NPTxQTop,)


class GI2CCTL(Register):
    """Vendor register without effect here."""

    NAME: ClassVar[str] = "GI2CCTL"
    OFFSET: ClassVar[int] = 0x00030
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Value: ClassVar[Field] = Field("Value", 0, 32, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Value,)


class GPVNDCTL(Register):
    """Vendor register without effect here."""

    NAME: ClassVar[str] = "GPVNDCTL"
    OFFSET: ClassVar[int] = 0x00034
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Value: ClassVar[Field] = Field("Value", 0, 32, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Value,)


class GGPIO(Register):
    """Vendor register without effect here."""

    NAME: ClassVar[str] = "GGPIO"
    OFFSET: ClassVar[int] = 0x00038
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Value: ClassVar[Field] = Field("Value", 0, 32, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Value,)


class GUID(Register):
    """User identity. A core soft reset leaves it as it is."""

    NAME: ClassVar[str] = "GUID"
    OFFSET: ClassVar[int] = 0x0003C
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    UserID: ClassVar[Field] = Field("UserID", 0, 32, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (UserID,)


class GSNPSID(Register):
    """Identity of the register map: DWC2 4.00a."""

    NAME: ClassVar[str] = "GSNPSID"
    OFFSET: ClassVar[int] = 0x00040
    RESET: ClassVar[int] = 0x4F54400A
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Release: ClassVar[Field] = Field("Release", 0, 16, "RO")
    """Release as hexadecimal digits."""
    Family: ClassVar[Field] = Field("Family", 16, 16, "RO")
    """The letters OT."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Release, Family,)


class GHWCFG1(Register):
    """Direction of each endpoint, two bits for endpoint n at 2n: 0 both (or none at all), 1 IN only, 2 OUT only: what NUM_IN_EPS, NUM_OUT_EPS and EP_DIRECTIONS together allow."""

    NAME: ClassVar[str] = "GHWCFG1"
    OFFSET: ClassVar[int] = 0x00044
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Ep0Dir: ClassVar[Field] = Field("Ep0Dir", 0, 2, "RO")
    """Endpoint 0: both."""
    Ep1Dir: ClassVar[Field] = Field("Ep1Dir", 2, 2, "RO")
    """Endpoint 1."""
    Ep2Dir: ClassVar[Field] = Field("Ep2Dir", 4, 2, "RO")
    """Endpoint 2."""
    Ep3Dir: ClassVar[Field] = Field("Ep3Dir", 6, 2, "RO")
    """Endpoint 3."""
    Ep4Dir: ClassVar[Field] = Field("Ep4Dir", 8, 2, "RO")
    """Endpoint 4."""
    Ep5Dir: ClassVar[Field] = Field("Ep5Dir", 10, 2, "RO")
    """Endpoint 5."""
    Ep6Dir: ClassVar[Field] = Field("Ep6Dir", 12, 2, "RO")
    """Endpoint 6."""
    Ep7Dir: ClassVar[Field] = Field("Ep7Dir", 14, 2, "RO")
    """Endpoint 7."""
    Ep8Dir: ClassVar[Field] = Field("Ep8Dir", 16, 2, "RO")
    """Endpoint 8."""
    Ep9Dir: ClassVar[Field] = Field("Ep9Dir", 18, 2, "RO")
    """Endpoint 9."""
    Ep10Dir: ClassVar[Field] = Field("Ep10Dir", 20, 2, "RO")
    """Endpoint 10."""
    Ep11Dir: ClassVar[Field] = Field("Ep11Dir", 22, 2, "RO")
    """Endpoint 11."""
    Ep12Dir: ClassVar[Field] = Field("Ep12Dir", 24, 2, "RO")
    """Endpoint 12."""
    Ep13Dir: ClassVar[Field] = Field("Ep13Dir", 26, 2, "RO")
    """Endpoint 13."""
    Ep14Dir: ClassVar[Field] = Field("Ep14Dir", 28, 2, "RO")
    """Endpoint 14."""
    Ep15Dir: ClassVar[Field] = Field("Ep15Dir", 30, 2, "RO")
    """Endpoint 15."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Ep0Dir, Ep1Dir, Ep2Dir, Ep3Dir, Ep4Dir, Ep5Dir, Ep6Dir, Ep7Dir, Ep8Dir, Ep9Dir, Ep10Dir, Ep11Dir, Ep12Dir, Ep13Dir, Ep14Dir, Ep15Dir,)


class GHWCFG2(Register):
    """What the hardware was built with, part 2."""

    NAME: ClassVar[str] = "GHWCFG2"
    OFFSET: ClassVar[int] = 0x00048
    RESET: ClassVar[int] = 0x029C1E74
    READABLE: ClassVar[int] = 0xFFDFFFFF
    EXACT: ClassVar[int] = 0xFFDFFFFF

    OtgMode: ClassVar[Field] = Field("OtgMode", 0, 3, "RO")
    """4 = device without OTG."""
    OtgArch: ClassVar[Field] = Field("OtgArch", 3, 2, "RO")
    """0 slave only, 2 internal DMA."""
    SingPnt: ClassVar[Field] = Field("SingPnt", 5, 1, "RO")
    """1 = point to point."""
    HSPhyType: ClassVar[Field] = Field("HSPhyType", 6, 2, "RO")
    """1 = UTMI+."""
    FSPhyType: ClassVar[Field] = Field("FSPhyType", 8, 2, "RO")
    """2 = shared with UTMI+."""
    NumDevEps: ClassVar[Field] = Field("NumDevEps", 10, 4, "RO")
    """Highest endpoint number, EP0 not counted."""
    NumHstChnl: ClassVar[Field] = Field("NumHstChnl", 14, 4, "RO")
    """Host channels - 1; 0."""
    PerioSupport: ClassVar[Field] = Field("PerioSupport", 18, 1, "RO")
    """Periodic endpoints."""
    DynFifoSizing: ClassVar[Field] = Field("DynFifoSizing", 19, 1, "RO")
    """FIFO sizes are programmable."""
    MultiProcIntrpt: ClassVar[Field] = Field("MultiProcIntrpt", 20, 1, "RO")
    """One interrupt line per endpoint."""
    NPTxQDepth: ClassVar[Field] = Field("NPTxQDepth", 22, 2, "RO")
    """Non-periodic request queue: 8 entries."""
    PTxQDepth: ClassVar[Field] = Field("PTxQDepth", 24, 2, "RO")
    """Periodic request queue: 8 entries."""
    TknQDepth: ClassVar[Field] = Field("TknQDepth", 26, 5, "RO")
    """IN token learning queue (shared FIFOs)."""
    OTG_ENABLE_IC_USB: ClassVar[Field] = Field("OTG_ENABLE_IC_USB", 31, 1, "RO")
    """Inter-chip USB; 0."""
    FIELDS: ClassVar[tuple[Field, ...]] = (OtgMode, OtgArch, SingPnt, HSPhyType, FSPhyType, NumDevEps, NumHstChnl, PerioSupport, DynFifoSizing, MultiProcIntrpt, NPTxQDepth, PTxQDepth, TknQDepth, OTG_ENABLE_IC_USB,)


class GHWCFG3(Register):
    """What the hardware was built with, part 3."""

    NAME: ClassVar[str] = "GHWCFG3"
    OFFSET: ClassVar[int] = 0x0004C
    RESET: ClassVar[int] = 0x10000868
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    XferSizeWidth: ClassVar[Field] = Field("XferSizeWidth", 0, 4, "RO")
    """Transfer size has 11 + n bits."""
    PktSizeWidth: ClassVar[Field] = Field("PktSizeWidth", 4, 3, "RO")
    """Packet count has 4 + n bits."""
    OtgEn: ClassVar[Field] = Field("OtgEn", 7, 1, "RO")
    """OTG; 0."""
    I2CIntSel: ClassVar[Field] = Field("I2CIntSel", 8, 1, "RO")
    """I2C interface; 0."""
    VndctlSupt: ClassVar[Field] = Field("VndctlSupt", 9, 1, "RO")
    """Vendor control interface; 0."""
    OptFeature: ClassVar[Field] = Field("OptFeature", 10, 1, "RO")
    """1 = GUID and GGPIO left out; 0."""
    RstType: ClassVar[Field] = Field("RstType", 11, 1, "RO")
    """1 = synchronous reset."""
    ADPSupport: ClassVar[Field] = Field("ADPSupport", 12, 1, "RO")
    """Attach detection; 0."""
    HSICMode: ClassVar[Field] = Field("HSICMode", 13, 1, "RO")
    """HSIC; 0."""
    BCSupport: ClassVar[Field] = Field("BCSupport", 14, 1, "RO")
    """Battery charging; 0."""
    LPMMode: ClassVar[Field] = Field("LPMMode", 15, 1, "RO")
    """Link power management."""
    DfifoDepth: ClassVar[Field] = Field("DfifoDepth", 16, 16, "RO")
    """Packet RAM in words."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferSizeWidth, PktSizeWidth, OtgEn, I2CIntSel, VndctlSupt, OptFeature, RstType, ADPSupport, HSICMode, BCSupport, LPMMode, DfifoDepth,)


class GHWCFG4(Register):
    """What the hardware was built with, part 4."""

    NAME: ClassVar[str] = "GHWCFG4"
    OFFSET: ClassVar[int] = 0x00050
    RESET: ClassVar[int] = 0x1E000000
    READABLE: ClassVar[int] = 0xFFFFFEFF
    EXACT: ClassVar[int] = 0xFFFFFEFF

    NumDevPerioEps: ClassVar[Field] = Field("NumDevPerioEps", 0, 4, "RO")
    """Periodic Tx FIFOs (shared scheme)."""
    PartialPwrDn: ClassVar[Field] = Field("PartialPwrDn", 4, 1, "RO")
    """Partial power down; 0."""
    AhbFreq: ClassVar[Field] = Field("AhbFreq", 5, 1, "RO")
    """1 = core clock may be below 60 MHz."""
    Hibernation: ClassVar[Field] = Field("Hibernation", 6, 1, "RO")
    """Hibernation; 0."""
    ExtendedHibernation: ClassVar[Field] = Field("ExtendedHibernation", 7, 1, "RO")
    """Extended hibernation; 0."""
    EnhancedLPM1: ClassVar[Field] = Field("EnhancedLPM1", 9, 1, "RO")
    """0."""
    ServiceIntFlow: ClassVar[Field] = Field("ServiceIntFlow", 10, 1, "RO")
    """Service interval flow; 0."""
    IpgIsocSupt: ClassVar[Field] = Field("IpgIsocSupt", 11, 1, "RO")
    """0."""
    ACGSupt: ClassVar[Field] = Field("ACGSupt", 12, 1, "RO")
    """Active clock gating; 0."""
    EnhancedLPM: ClassVar[Field] = Field("EnhancedLPM", 13, 1, "RO")
    """0."""
    PhyDataWidth: ClassVar[Field] = Field("PhyDataWidth", 14, 2, "RO")
    """0 = 8 bit, 1 = 16 bit."""
    NumCtlEps: ClassVar[Field] = Field("NumCtlEps", 16, 4, "RO")
    """Control endpoints besides EP0."""
    IddgFltr: ClassVar[Field] = Field("IddgFltr", 20, 1, "RO")
    """ID filter; 0."""
    VbusValidFltr: ClassVar[Field] = Field("VbusValidFltr", 21, 1, "RO")
    """VBUS filter; 0."""
    AValidFltr: ClassVar[Field] = Field("AValidFltr", 22, 1, "RO")
    """A session filter; 0."""
    BValidFltr: ClassVar[Field] = Field("BValidFltr", 23, 1, "RO")
    """B session filter; 0."""
    SessEndFltr: ClassVar[Field] = Field("SessEndFltr", 24, 1, "RO")
    """Session end filter; 0."""
    DedFifoMode: ClassVar[Field] = Field("DedFifoMode", 25, 1, "RO")
    """1 = one Tx FIFO per IN endpoint."""
    InEps: ClassVar[Field] = Field("InEps", 26, 4, "RO")
    """IN endpoints without EP0."""
    DescDMAEnabled: ClassVar[Field] = Field("DescDMAEnabled", 30, 1, "RO")
    """Descriptor DMA."""
    DescDMA: ClassVar[Field] = Field("DescDMA", 31, 1, "RO")
    """Descriptor DMA may be chosen at run time."""
    FIELDS: ClassVar[tuple[Field, ...]] = (NumDevPerioEps, PartialPwrDn, AhbFreq, Hibernation, ExtendedHibernation, EnhancedLPM1, ServiceIntFlow, IpgIsocSupt, ACGSupt, EnhancedLPM, PhyDataWidth, NumCtlEps, IddgFltr, VbusValidFltr, AValidFltr, BValidFltr, SessEndFltr, DedFifoMode, InEps, DescDMAEnabled, DescDMA,)


class GLPMCFG(Register):
    """Link power management."""

    NAME: ClassVar[str] = "GLPMCFG"
    NEEDS: ClassVar[str] = "LPM"
    OFFSET: ClassVar[int] = 0x00054
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xD17E1F83
    W1S: ClassVar[int] = 0x20000000
    READABLE: ClassVar[int] = 0xFF7FFFFF
    EXACT: ClassVar[int] = 0xFF7FFFFF

    LPMCap: ClassVar[Field] = Field("LPMCap", 0, 1, "RW")
    """LPM is answered."""
    AppL1Res: ClassVar[Field] = Field("AppL1Res", 1, 1, "RW")
    """1 = ACK, 0 = NYET to an LPM token."""
    HIRD: ClassVar[Field] = Field("HIRD", 2, 4, "RO")
    """Resume duration or BESL of the last token."""
    bRemoteWake: ClassVar[Field] = Field("bRemoteWake", 6, 1, "RO")
    """Remote wake flag of the last token."""
    EnblSlpM: ClassVar[Field] = Field("EnblSlpM", 7, 1, "RW")
    """Use the PHY's sleep mode."""
    HIRD_Thres: ClassVar[Field] = Field("HIRD_Thres", 8, 5, "RW")
    """Threshold for deep sleep; bit 4 enables it."""
    CoreL1Res: ClassVar[Field] = Field("CoreL1Res", 13, 2, "RO")
    """Answer given to the last token."""
    SlpSts: ClassVar[Field] = Field("SlpSts", 15, 1, "RO")
    """In L1."""
    L1ResumeOK: ClassVar[Field] = Field("L1ResumeOK", 16, 1, "RO")
    """Resume may be signalled."""
    LPMChnlIndx: ClassVar[Field] = Field("LPMChnlIndx", 17, 4, "RW")
    """Host; stored."""
    LPM_RejectCtrl: ClassVar[Field] = Field("LPM_RejectCtrl", 21, 1, "RW")
    """Refuse while control traffic is pending."""
    LPM_AcceptIsoc: ClassVar[Field] = Field("LPM_AcceptIsoc", 22, 1, "RW")
    """Accept with isochronous traffic."""
    SndLPM: ClassVar[Field] = Field("SndLPM", 24, 1, "RW")
    """Host; stored."""
    RetryCntSts: ClassVar[Field] = Field("RetryCntSts", 25, 3, "RO")
    """Host; 0."""
    EnBESL: ClassVar[Field] = Field("EnBESL", 28, 1, "RW")
    """BESL instead of HIRD."""
    RstrSlpSts: ClassVar[Field] = Field("RstrSlpSts", 29, 1, "W1S/SC")
    """Restore the sleep state."""
    HSICCon: ClassVar[Field] = Field("HSICCon", 30, 1, "RW")
    """HSIC; stored."""
    InvSelHsic: ClassVar[Field] = Field("InvSelHsic", 31, 1, "RW")
    """HSIC; stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (LPMCap, AppL1Res, HIRD, bRemoteWake, EnblSlpM, HIRD_Thres, CoreL1Res, SlpSts, L1ResumeOK, LPMChnlIndx, LPM_RejectCtrl, LPM_AcceptIsoc, SndLPM, RetryCntSts, EnBESL, RstrSlpSts, HSICCon, InvSelHsic,)


class GPWRDN(Register):
    """Power down control of hibernation."""

    NAME: ClassVar[str] = "GPWRDN"
    NEEDS: ClassVar[str] = "HIBERNATION"
    OFFSET: ClassVar[int] = 0x00058
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0005557F
    W1C: ClassVar[int] = 0x0082AA80
    READABLE: ClassVar[int] = 0x1FFFFFFF
    EXACT: ClassVar[int] = 0x1FFFFFFF

    PMUIntSel: ClassVar[Field] = Field("PMUIntSel", 0, 1, "RW")
    PMUActv: ClassVar[Field] = Field("PMUActv", 1, 1, "RW")
    Restore: ClassVar[Field] = Field("Restore", 2, 1, "RW")
    PwrDnClmp: ClassVar[Field] = Field("PwrDnClmp", 3, 1, "RW")
    PwrDnRst_n: ClassVar[Field] = Field("PwrDnRst_n", 4, 1, "RW")
    PwrDnSwtch: ClassVar[Field] = Field("PwrDnSwtch", 5, 1, "RW")
    DisableVBUS: ClassVar[Field] = Field("DisableVBUS", 6, 1, "RW")
    LnStsChng: ClassVar[Field] = Field("LnStsChng", 7, 1, "W1C")
    LnStsChngMsk: ClassVar[Field] = Field("LnStsChngMsk", 8, 1, "RW")
    ResetDetected: ClassVar[Field] = Field("ResetDetected", 9, 1, "W1C")
    ResetDetMsk: ClassVar[Field] = Field("ResetDetMsk", 10, 1, "RW")
    DisconnectDet: ClassVar[Field] = Field("DisconnectDet", 11, 1, "W1C")
    DisconnectDetMsk: ClassVar[Field] = Field("DisconnectDetMsk", 12, 1, "RW")
    ConnDet: ClassVar[Field] = Field("ConnDet", 13, 1, "W1C")
    ConnDetMsk: ClassVar[Field] = Field("ConnDetMsk", 14, 1, "RW")
    SRPDet: ClassVar[Field] = Field("SRPDet", 15, 1, "W1C")
    SRPDetMsk: ClassVar[Field] = Field("SRPDetMsk", 16, 1, "RW")
    StsChngInt: ClassVar[Field] = Field("StsChngInt", 17, 1, "W1C")
    StsChngIntMsk: ClassVar[Field] = Field("StsChngIntMsk", 18, 1, "RW")
    LineState: ClassVar[Field] = Field("LineState", 19, 2, "RO")
    IDDIG: ClassVar[Field] = Field("IDDIG", 21, 1, "RO")
    BSessVld: ClassVar[Field] = Field("BSessVld", 22, 1, "RO")
    ADPInt: ClassVar[Field] = Field("ADPInt", 23, 1, "W1C")
    MultValIdBC: ClassVar[Field] = Field("MultValIdBC", 24, 5, "RO")
    FIELDS: ClassVar[tuple[Field, ...]] = (PMUIntSel, PMUActv, Restore, PwrDnClmp, PwrDnRst_n, PwrDnSwtch, DisableVBUS, LnStsChng, LnStsChngMsk, ResetDetected, ResetDetMsk, DisconnectDet, DisconnectDetMsk, ConnDet, ConnDetMsk, SRPDet, SRPDetMsk, StsChngInt, StsChngIntMsk, LineState, IDDIG, BSessVld, ADPInt, MultValIdBC,)


class GDFIFOCFG(Register):
    """Split of the packet RAM. Storage: endpoint state does not live in the RAM here."""

    NAME: ClassVar[str] = "GDFIFOCFG"
    OFFSET: ClassVar[int] = 0x0005C
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    GDFIFOCfg: ClassVar[Field] = Field("GDFIFOCfg", 0, 16, "RW")
    """Words for data."""
    EPInfoBaseAddr: ClassVar[Field] = Field("EPInfoBaseAddr", 16, 16, "RW")
    """First word of the endpoint area."""
    FIELDS: ClassVar[tuple[Field, ...]] = (GDFIFOCfg, EPInfoBaseAddr,)


class DIEPTXF(Register):
    """Place of Tx FIFO n. The depth at reset is the largest legal one. A write empties the FIFO. FIFOs above NUM_IN_EPS do not exist: they read 0."""

    NAME: ClassVar[str] = "DIEPTXF"
    OFFSET: ClassVar[int] = 0x00104
    FIRST: ClassVar[int] = 1
    COUNT: ClassVar[int] = 15
    STRIDE: ClassVar[int] = 0x4
    RESET: ClassVar[int] = 0x01000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    TxFStAddr: ClassVar[Field] = Field("TxFStAddr", 0, 16, "RW")
    """First word. At reset (FIFO_WORDS >> 2) + (FIFO_WORDS >> 4) + (n - 1) * depth."""
    TxFDep: ClassVar[Field] = Field("TxFDep", 16, 16, "RW")
    """Words."""
    FIELDS: ClassVar[tuple[Field, ...]] = (TxFStAddr, TxFDep,)


class DCFG(Register):
    """Device configuration."""

    NAME: ClassVar[str] = "DCFG"
    OFFSET: ClassVar[int] = 0x00800
    RESET: ClassVar[int] = 0x08100000
    RW: ClassVar[int] = 0xFFFEFFFF
    READABLE: ClassVar[int] = 0xFFFEFFFF
    EXACT: ClassVar[int] = 0xFFFEFFFF

    DevSpd: ClassVar[Field] = Field("DevSpd", 0, 2, "RW", values={0: "high", 1: "full", 2: "low", 3: "full48"})
    """Highest speed to negotiate."""
    NZStsOUTHShk: ClassVar[Field] = Field("NZStsOUTHShk", 2, 1, "RW")
    """1 = answer a status OUT that carries data with STALL and do not deliver it."""
    Ena32KhzSusp: ClassVar[Field] = Field("Ena32KhzSusp", 3, 1, "RW")
    """32 kHz in suspend; stored."""
    DevAddr: ClassVar[Field] = Field("DevAddr", 4, 7, "RW")
    """Device address. Software writes it before the status stage of SET_ADDRESS; it takes effect when that status IN has been acknowledged."""
    PerFrInt: ClassVar[Field] = Field("PerFrInt", 11, 2, "RW")
    """EOPF at 80, 85, 90, 95 % of the frame."""
    EnDevOutNak: ClassVar[Field] = Field("EnDevOutNak", 13, 1, "RW")
    """Stored."""
    XcvrDly: ClassVar[Field] = Field("XcvrDly", 14, 1, "RW")
    """Stored."""
    ErraticIntMsk: ClassVar[Field] = Field("ErraticIntMsk", 15, 1, "RW")
    """Stored."""
    IPGIsocSupt: ClassVar[Field] = Field("IPGIsocSupt", 17, 1, "RW")
    """Stored."""
    EPMisCnt: ClassVar[Field] = Field("EPMisCnt", 18, 5, "RW")
    """IN tokens before EPMis (shared FIFOs)."""
    DescDMA: ClassVar[Field] = Field("DescDMA", 23, 1, "RW")
    """Descriptor DMA. Reads 0 where it is not built."""
    PerSchIntvl: ClassVar[Field] = Field("PerSchIntvl", 24, 2, "RW")
    """Stored."""
    ResValid: ClassVar[Field] = Field("ResValid", 26, 6, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DevSpd, NZStsOUTHShk, Ena32KhzSusp, DevAddr, PerFrInt, EnDevOutNak, XcvrDly, ErraticIntMsk, IPGIsocSupt, EPMisCnt, DescDMA, PerSchIntvl, ResValid,)


class DCTL(Register):
    """Device control."""

    NAME: ClassVar[str] = "DCTL"
    OFFSET: ClassVar[int] = 0x00804
    RESET: ClassVar[int] = 0x00002002
    RW: ClassVar[int] = 0x000FE873
    WO1: ClassVar[int] = 0x00000780
    READABLE: ClassVar[int] = 0x000FE87F
    EXACT: ClassVar[int] = 0x000FEFFF

    RmtWkUpSig: ClassVar[Field] = Field("RmtWkUpSig", 0, 1, "RW")
    """Drive resume signalling while 1."""
    SftDiscon: ClassVar[Field] = Field("SftDiscon", 1, 1, "RW")
    """1 = pull-up off."""
    GNPINNakSts: ClassVar[Field] = Field("GNPINNakSts", 2, 1, "RO")
    """Global non-periodic IN NAK is set."""
    GOUTNakSts: ClassVar[Field] = Field("GOUTNakSts", 3, 1, "RO")
    """Global OUT NAK is set."""
    TstCtl: ClassVar[Field] = Field("TstCtl", 4, 3, "RW", values={0: "off", 1: "test_j", 2: "test_k", 3: "test_se0_nak", 4: "test_packet", 5: "test_force_enable"})
    """Test mode."""
    SGNPInNak: ClassVar[Field] = Field("SGNPInNak", 7, 1, "WO1")
    """Set the global non-periodic IN NAK."""
    CGNPInNak: ClassVar[Field] = Field("CGNPInNak", 8, 1, "WO1")
    """Clear it."""
    SGOUTNak: ClassVar[Field] = Field("SGOUTNak", 9, 1, "WO1")
    """Set the global OUT NAK."""
    CGOUTNak: ClassVar[Field] = Field("CGOUTNak", 10, 1, "WO1")
    """Clear it."""
    PWROnPrgDone: ClassVar[Field] = Field("PWROnPrgDone", 11, 1, "RW")
    """Stored."""
    GMC: ClassVar[Field] = Field("GMC", 13, 2, "RW")
    """Stored."""
    IgnrFrmNum: ClassVar[Field] = Field("IgnrFrmNum", 15, 1, "RW")
    """Stored."""
    NakOnBble: ClassVar[Field] = Field("NakOnBble", 16, 1, "RW")
    """Stored."""
    EnContOnBNA: ClassVar[Field] = Field("EnContOnBNA", 17, 1, "RW")
    """Stored."""
    DeepSleepBESLReject: ClassVar[Field] = Field("DeepSleepBESLReject", 18, 1, "RW")
    """Stored."""
    ServiceInterval: ClassVar[Field] = Field("ServiceInterval", 19, 1, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (RmtWkUpSig, SftDiscon, GNPINNakSts, GOUTNakSts, TstCtl, SGNPInNak, CGNPInNak, SGOUTNak, CGOUTNak, PWROnPrgDone, GMC, IgnrFrmNum, NakOnBble, EnContOnBNA, DeepSleepBESLReject, ServiceInterval,)


class DSTS(Register):
    """Device status."""

    NAME: ClassVar[str] = "DSTS"
    OFFSET: ClassVar[int] = 0x00808
    RESET: ClassVar[int] = 0x00000002
    READABLE: ClassVar[int] = 0x00FFFF0F
    EXACT: ClassVar[int] = 0x003FFF0F

    SuspSts: ClassVar[Field] = Field("SuspSts", 0, 1, "RO")
    """Suspended."""
    EnumSpd: ClassVar[Field] = Field("EnumSpd", 1, 2, "RO", values={0: "high", 1: "full", 2: "low", 3: "full48"})
    """Speed found at reset; valid from EnumDone."""
    ErrticErr: ClassVar[Field] = Field("ErrticErr", 3, 1, "RO")
    """Erratic error of the PHY."""
    SOFFN: ClassVar[Field] = Field("SOFFN", 8, 14, "RO")
    """Frame number of the last SOF: high speed frame and microframe (14 bits), full speed frame (11 bits)."""
    DevLnSts: ClassVar[Field] = Field("DevLnSts", 22, 2, "RO", "no", "the bus seen through a synchronizer")
    """Line state: bit 1 D+, bit 0 D-."""
    FIELDS: ClassVar[tuple[Field, ...]] = (SuspSts, EnumSpd, ErrticErr, SOFFN, DevLnSts,)


class DIEPMSK(Register):
    """Enables of DIEPINT for DAINT, all IN endpoints."""

    NAME: ClassVar[str] = "DIEPMSK"
    OFFSET: ClassVar[int] = 0x00810
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x00007BFF
    READABLE: ClassVar[int] = 0x00007BFF
    EXACT: ClassVar[int] = 0x00007BFF

    XferCompl: ClassVar[Field] = Field("XferCompl", 0, 1, "RW")
    EPDisbld: ClassVar[Field] = Field("EPDisbld", 1, 1, "RW")
    AHBErr: ClassVar[Field] = Field("AHBErr", 2, 1, "RW")
    Timeout: ClassVar[Field] = Field("Timeout", 3, 1, "RW")
    INTknTXFEmp: ClassVar[Field] = Field("INTknTXFEmp", 4, 1, "RW")
    INTknEPMis: ClassVar[Field] = Field("INTknEPMis", 5, 1, "RW")
    INEPNakEff: ClassVar[Field] = Field("INEPNakEff", 6, 1, "RW")
    TxFEmp: ClassVar[Field] = Field("TxFEmp", 7, 1, "RW")
    """Stored, but lets nothing through: TxFEmp has its own mask, DIEPEMPMSK."""
    TxfifoUndrn: ClassVar[Field] = Field("TxfifoUndrn", 8, 1, "RW")
    BNAIntr: ClassVar[Field] = Field("BNAIntr", 9, 1, "RW")
    PktDrpSts: ClassVar[Field] = Field("PktDrpSts", 11, 1, "RW")
    BbleErr: ClassVar[Field] = Field("BbleErr", 12, 1, "RW")
    NAKIntrpt: ClassVar[Field] = Field("NAKIntrpt", 13, 1, "RW")
    NYETIntrpt: ClassVar[Field] = Field("NYETIntrpt", 14, 1, "RW")
    FIELDS: ClassVar[tuple[Field, ...]] = (XferCompl, EPDisbld, AHBErr, Timeout, INTknTXFEmp, INTknEPMis, INEPNakEff, TxFEmp, TxfifoUndrn, BNAIntr, PktDrpSts, BbleErr, NAKIntrpt, NYETIntrpt,)


class DOEPMSK(Register):
    """Enables of DOEPINT for DAINT, all OUT endpoints."""

    NAME: ClassVar[str] = "DOEPMSK"
    OFFSET: ClassVar[int] = 0x00814
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0000FB7F
    READABLE: ClassVar[int] = 0x0000FB7F
    EXACT: ClassVar[int] = 0x0000FB7F

    XferCompl: ClassVar[Field] = Field("XferCompl", 0, 1, "RW")
    EPDisbld: ClassVar[Field] = Field("EPDisbld", 1, 1, "RW")
    AHBErr: ClassVar[Field] = Field("AHBErr", 2, 1, "RW")
    SetUp: ClassVar[Field] = Field("SetUp", 3, 1, "RW")
    OUTTknEPdis: ClassVar[Field] = Field("OUTTknEPdis", 4, 1, "RW")
    StsPhseRcvd: ClassVar[Field] = Field("StsPhseRcvd", 5, 1, "RW")
    Back2BackSETup: ClassVar[Field] = Field("Back2BackSETup", 6, 1, "RW")
    OutPktErr: ClassVar[Field] = Field("OutPktErr", 8, 1, "RW")
    BNA: ClassVar[Field] = Field("BNA", 9, 1, "RW")
    BNAIntr: ClassVar[Field] = BNA
    PktDrpSts: ClassVar[Field] = Field("PktDrpSts", 11, 1, "RW")
    BbleErr: ClassVar[Field] = Field("BbleErr", 12, 1, "RW")
    NAKIntrpt: ClassVar[Field] = Field("NAKIntrpt", 13, 1, "RW")
    NYETIntrpt: ClassVar[Field] = Field("NYETIntrpt", 14, 1, "RW")
    StupPktRcvd: ClassVar[Field] = Field("StupPktRcvd", 15, 1, "RW")
    FIELDS: ClassVar[tuple[Field, ...]] = (XferCompl, EPDisbld, AHBErr, SetUp, OUTTknEPdis, StsPhseRcvd, Back2BackSETup, OutPktErr, BNA, PktDrpSts, BbleErr, NAKIntrpt, NYETIntrpt, StupPktRcvd,)


class DAINT(Register):
    """Endpoints with an enabled cause. IN n: DIEPINTn & DIEPMSK without bit 7, or DIEPINTn.TxFEmp with DIEPEMPMSK bit n. OUT n: DOEPINTn & DOEPMSK. DAINTMSK does not gate it."""

    NAME: ClassVar[str] = "DAINT"
    OFFSET: ClassVar[int] = 0x00818
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFF0000
    BOUND: ClassVar[int] = 0x0000FFFF

    InEpInt: ClassVar[Field] = Field("InEpInt", 0, 16, "RO", "bound", "contains DIEPINT.TxFEmp")
    """IN endpoints."""
    OutEpInt: ClassVar[Field] = Field("OutEpInt", 16, 16, "RO")
    """OUT endpoints."""
    FIELDS: ClassVar[tuple[Field, ...]] = (InEpInt, OutEpInt,)


class DAINTMSK(Register):
    """Enables of DAINT for GINTSTS.IEPInt and OEPInt."""

    NAME: ClassVar[str] = "DAINTMSK"
    OFFSET: ClassVar[int] = 0x0081C
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    InEpMsk: ClassVar[Field] = Field("InEpMsk", 0, 16, "RW")
    """IN endpoints."""
    OutEpMsk: ClassVar[Field] = Field("OutEpMsk", 16, 16, "RW")
    """OUT endpoints."""
    FIELDS: ClassVar[tuple[Field, ...]] = (InEpMsk, OutEpMsk,)


class DTKNQR1(Register):
    """IN token learning queue (shared FIFOs)."""

    NAME: ClassVar[str] = "DTKNQR1"
    NEEDS: ClassVar[str] = "SHARED_FIFO"
    OFFSET: ClassVar[int] = 0x00820
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Tokens: ClassVar[Field] = Field("Tokens", 0, 32, "RO")
    """Endpoint numbers of the last IN tokens."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Tokens,)


class DTKNQR2(Register):
    """IN token learning queue (shared FIFOs)."""

    NAME: ClassVar[str] = "DTKNQR2"
    NEEDS: ClassVar[str] = "SHARED_FIFO"
    OFFSET: ClassVar[int] = 0x00824
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Tokens: ClassVar[Field] = Field("Tokens", 0, 32, "RO")
    """Endpoint numbers of the last IN tokens."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Tokens,)


class DVBUSDIS(Register):
    """VBUS discharge time; stored."""

    NAME: ClassVar[str] = "DVBUSDIS"
    OFFSET: ClassVar[int] = 0x00828
    RESET: ClassVar[int] = 0x000017D7
    RW: ClassVar[int] = 0x0000FFFF
    READABLE: ClassVar[int] = 0x0000FFFF
    EXACT: ClassVar[int] = 0x0000FFFF

    DVBUSDis: ClassVar[Field] = Field("DVBUSDis", 0, 16, "RW")
    """PHY clocks / 1024."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DVBUSDis,)


class DVBUSPULSE(Register):
    """VBUS pulsing time; stored."""

    NAME: ClassVar[str] = "DVBUSPULSE"
    OFFSET: ClassVar[int] = 0x0082C
    RESET: ClassVar[int] = 0x000005B8
    RW: ClassVar[int] = 0x00000FFF
    READABLE: ClassVar[int] = 0x00000FFF
    EXACT: ClassVar[int] = 0x00000FFF

    DVBUSPulse: ClassVar[Field] = Field("DVBUSPulse", 0, 12, "RW")
    """PHY clocks / 1024."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DVBUSPulse,)


class DTHRCTL(Register):
    """Thresholds; stored, packets are always sent whole (dedicated FIFOs)."""

    NAME: ClassVar[str] = "DTHRCTL"
    OFFSET: ClassVar[int] = 0x00830
    RESET: ClassVar[int] = 0x08020020
    RW: ClassVar[int] = 0x0BFF1FFF
    READABLE: ClassVar[int] = 0x0BFF1FFF
    EXACT: ClassVar[int] = 0x0BFF1FFF

    NonISOThrEn: ClassVar[Field] = Field("NonISOThrEn", 0, 1, "RW")
    ISOThrEn: ClassVar[Field] = Field("ISOThrEn", 1, 1, "RW")
    TxThrLen: ClassVar[Field] = Field("TxThrLen", 2, 9, "RW")
    AHBThrRatio: ClassVar[Field] = Field("AHBThrRatio", 11, 2, "RW")
    RxThrEn: ClassVar[Field] = Field("RxThrEn", 16, 1, "RW")
    RxThrLen: ClassVar[Field] = Field("RxThrLen", 17, 9, "RW")
    ArbPrkEn: ClassVar[Field] = Field("ArbPrkEn", 27, 1, "RW")
    FIELDS: ClassVar[tuple[Field, ...]] = (NonISOThrEn, ISOThrEn, TxThrLen, AHBThrRatio, RxThrEn, RxThrLen, ArbPrkEn,)


class DTKNQR3(Register):
    """IN token learning queue (shared FIFOs)."""

    NAME: ClassVar[str] = "DTKNQR3"
    NEEDS: ClassVar[str] = "SHARED_FIFO"
    OFFSET: ClassVar[int] = 0x00830
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Tokens: ClassVar[Field] = Field("Tokens", 0, 32, "RO")
    """Endpoint numbers of the last IN tokens."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Tokens,)


class DIEPEMPMSK(Register):
    """Lets DIEPINTn.TxFEmp into DAINT (dedicated FIFOs)."""

    NAME: ClassVar[str] = "DIEPEMPMSK"
    OFFSET: ClassVar[int] = 0x00834
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0000FFFF
    READABLE: ClassVar[int] = 0x0000FFFF
    EXACT: ClassVar[int] = 0x0000FFFF

    InEpTxfEmpMsk: ClassVar[Field] = Field("InEpTxfEmpMsk", 0, 16, "RW")
    """One bit per IN endpoint."""
    FIELDS: ClassVar[tuple[Field, ...]] = (InEpTxfEmpMsk,)


class DTKNQR4(Register):
    """IN token learning queue (shared FIFOs)."""

    NAME: ClassVar[str] = "DTKNQR4"
    NEEDS: ClassVar[str] = "SHARED_FIFO"
    OFFSET: ClassVar[int] = 0x00834
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Tokens: ClassVar[Field] = Field("Tokens", 0, 32, "RO")
    """Endpoint numbers of the last IN tokens."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Tokens,)


class DEACHINT(Register):
    """Endpoints with a cause enabled for their own interrupt line: DxEPINTn & DxEPEACHMSKn."""

    NAME: ClassVar[str] = "DEACHINT"
    OFFSET: ClassVar[int] = 0x00838
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFF0000
    BOUND: ClassVar[int] = 0x0000FFFF

    EachInEpInt: ClassVar[Field] = Field("EachInEpInt", 0, 16, "RO", "bound", "may contain DIEPINT.TxFEmp")
    """IN endpoints."""
    EachOutEpInt: ClassVar[Field] = Field("EachOutEpInt", 16, 16, "RO")
    """OUT endpoints."""
    FIELDS: ClassVar[tuple[Field, ...]] = (EachInEpInt, EachOutEpInt,)


class DEACHMSK(Register):
    """Enables of the endpoint interrupt lines: ep_irq is DEACHINT & DEACHMSK."""

    NAME: ClassVar[str] = "DEACHMSK"
    OFFSET: ClassVar[int] = 0x0083C
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    EachInEpMsk: ClassVar[Field] = Field("EachInEpMsk", 0, 16, "RW")
    """IN endpoints."""
    EachOutEpMsk: ClassVar[Field] = Field("EachOutEpMsk", 16, 16, "RW")
    """OUT endpoints."""
    FIELDS: ClassVar[tuple[Field, ...]] = (EachInEpMsk, EachOutEpMsk,)


class DIEPEACHMSK(Register):
    """Causes of IN endpoint n that raise its own interrupt line; bits as DIEPINT."""

    NAME: ClassVar[str] = "DIEPEACHMSK"
    OFFSET: ClassVar[int] = 0x00840
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x4
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0000FFFF
    READABLE: ClassVar[int] = 0x0000FFFF
    EXACT: ClassVar[int] = 0x0000FFFF

    Mask: ClassVar[Field] = Field("Mask", 0, 16, "RW")
    """Enables."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Mask,)


class DOEPEACHMSK(Register):
    """Causes of OUT endpoint n that raise its own interrupt line; bits as DOEPINT."""

    NAME: ClassVar[str] = "DOEPEACHMSK"
    OFFSET: ClassVar[int] = 0x00880
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x4
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0000FFFF
    READABLE: ClassVar[int] = 0x0000FFFF
    EXACT: ClassVar[int] = 0x0000FFFF

    Mask: ClassVar[Field] = Field("Mask", 0, 16, "RW")
    """Enables."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Mask,)


class DIEPCTL0(Register):
    """Control of EP0 IN."""

    NAME: ClassVar[str] = "DIEPCTL0"
    OFFSET: ClassVar[int] = 0x00900
    RESET: ClassVar[int] = 0x00008000
    RW: ClassVar[int] = 0x03C07803
    WO1: ClassVar[int] = 0x0C000000
    W1S: ClassVar[int] = 0xC0200000
    READABLE: ClassVar[int] = 0xC3EEF803
    EXACT: ClassVar[int] = 0x8FEEF803
    BOUND: ClassVar[int] = 0x40000000

    MPS: ClassVar[Field] = Field("MPS", 0, 2, "RW", values={0: "bytes64", 1: "bytes32", 2: "bytes16", 3: "bytes8"})
    """Packet size of EP0, both directions."""
    NextEp: ClassVar[Field] = Field("NextEp", 11, 4, "RW")
    """Stored."""
    USBActEP: ClassVar[Field] = Field("USBActEP", 15, 1, "RO")
    """EP0 is always active."""
    NAKSts: ClassVar[Field] = Field("NAKSts", 17, 1, "RO")
    """1 = IN tokens are answered with NAK."""
    EPType: ClassVar[Field] = Field("EPType", 18, 2, "RO", values={0: "control", 1: "isochronous", 2: "bulk", 3: "interrupt"})
    """Control."""
    Stall: ClassVar[Field] = Field("Stall", 21, 1, "W1S/SC")
    """Answer with STALL; the next SETUP clears it."""
    TxFNum: ClassVar[Field] = Field("TxFNum", 22, 4, "RW")
    """Tx FIFO."""
    CNAK: ClassVar[Field] = Field("CNAK", 26, 1, "WO1")
    """Clear NAKSts."""
    SNAK: ClassVar[Field] = Field("SNAK", 27, 1, "WO1")
    """Set NAKSts."""
    EPDis: ClassVar[Field] = Field("EPDis", 30, 1, "W1S/SC", "bound", "time to disable")
    """Disable: acts only on an enabled endpoint (or with EPEna in the same word); falls with EPDisbld."""
    EPEna: ClassVar[Field] = Field("EPEna", 31, 1, "W1S/SC")
    """Enable. Writing 1 to a busy endpoint does not restart it; falls before XferCompl and EPDisbld."""
    FIELDS: ClassVar[tuple[Field, ...]] = (MPS, NextEp, USBActEP, NAKSts, EPType, Stall, TxFNum, CNAK, SNAK, EPDis, EPEna,)


class DIEPINT(Register):
    """Causes of IN endpoint n."""

    NAME: ClassVar[str] = "DIEPINT"
    OFFSET: ClassVar[int] = 0x00908
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000080
    W1C: ClassVar[int] = 0x00007B7F
    READABLE: ClassVar[int] = 0x00007BFF
    EXACT: ClassVar[int] = 0x00007B7F
    BOUND: ClassVar[int] = 0x00000080

    XferCompl: ClassVar[Field] = Field("XferCompl", 0, 1, "W1C")
    """Transfer complete: the last packet was acknowledged (isochronous: sent)."""
    EPDisbld: ClassVar[Field] = Field("EPDisbld", 1, 1, "W1C")
    """Disabled as asked by EPDis."""
    AHBErr: ClassVar[Field] = Field("AHBErr", 2, 1, "W1C")
    """Bus error of the DMA."""
    Timeout: ClassVar[Field] = Field("Timeout", 3, 1, "W1C")
    """No handshake from the host."""
    INTknTXFEmp: ClassVar[Field] = Field("INTknTXFEmp", 4, 1, "W1C")
    """IN token while the FIFO held no packet for it."""
    INTknEPMis: ClassVar[Field] = Field("INTknEPMis", 5, 1, "W1C")
    """Shared FIFO: token for another endpoint."""
    INEPNakEff: ClassVar[Field] = Field("INEPNakEff", 6, 1, "W1C")
    """SNAK took effect; also cleared by CNAK."""
    TxFEmp: ClassVar[Field] = Field("TxFEmp", 7, 1, "RO", "bound", "space returns some clocks after the packet")
    """Level: the Tx FIFO is (half) empty, by GAHBCFG.NPTxFEmpLvl."""
    TxfifoUndrn: ClassVar[Field] = Field("TxfifoUndrn", 8, 1, "W1C")
    """Underrun; never set without thresholds."""
    BNAIntr: ClassVar[Field] = Field("BNAIntr", 9, 1, "W1C")
    """Descriptor not ready."""
    BNA: ClassVar[Field] = BNAIntr
    PktDrpSts: ClassVar[Field] = Field("PktDrpSts", 11, 1, "W1C")
    """Packet dropped."""
    BbleErr: ClassVar[Field] = Field("BbleErr", 12, 1, "W1C")
    """Babble."""
    NAKIntrpt: ClassVar[Field] = Field("NAKIntrpt", 13, 1, "W1C")
    """NAK sent, or isochronous IN answered with nothing."""
    NYETIntrpt: ClassVar[Field] = Field("NYETIntrpt", 14, 1, "W1C")
    """NYET sent."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferCompl, EPDisbld, AHBErr, Timeout, INTknTXFEmp, INTknEPMis, INEPNakEff, TxFEmp, TxfifoUndrn, BNAIntr, PktDrpSts, BbleErr, NAKIntrpt, NYETIntrpt,)


class DIEPTSIZ0(Register):
    """Transfer size of EP0 IN."""

    NAME: ClassVar[str] = "DIEPTSIZ0"
    OFFSET: ClassVar[int] = 0x00910
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0018007F
    READABLE: ClassVar[int] = 0x0018007F
    EXACT: ClassVar[int] = 0x0018007F

    XferSize: ClassVar[Field] = Field("XferSize", 0, 7, "RW")
    """Bytes not yet in the Tx FIFO."""
    PktCnt: ClassVar[Field] = Field("PktCnt", 19, 2, "RW")
    """Packets not yet acknowledged."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferSize, PktCnt,)


class DIEPDMA(Register):
    """DMA address of the endpoint (word aligned byte address); advances while data moves."""

    NAME: ClassVar[str] = "DIEPDMA"
    OFFSET: ClassVar[int] = 0x00914
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    BOUND: ClassVar[int] = 0xFFFFFFFF

    DMAAddr: ClassVar[Field] = Field("DMAAddr", 0, 32, "RW", "bound", "advances while a packet moves")
    """Next byte."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DMAAddr,)


class DTXFSTS(Register):
    """Space in Tx FIFO n."""

    NAME: ClassVar[str] = "DTXFSTS"
    OFFSET: ClassVar[int] = 0x00918
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000100
    READABLE: ClassVar[int] = 0x0000FFFF
    BOUND: ClassVar[int] = 0x0000FFFF

    TxFSpcAvail: ClassVar[Field] = Field("TxFSpcAvail", 0, 16, "RO", "bound", "space returns some clocks after the packet")
    """Words free."""
    FIELDS: ClassVar[tuple[Field, ...]] = (TxFSpcAvail,)


class DIEPDMAB(Register):
    """Current buffer of descriptor DMA."""

    NAME: ClassVar[str] = "DIEPDMAB"
    NEEDS: ClassVar[str] = "DESC_DMA"
    OFFSET: ClassVar[int] = 0x0091C
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    BOUND: ClassVar[int] = 0xFFFFFFFF

    DMABuffer: ClassVar[Field] = Field("DMABuffer", 0, 32, "RO", "bound", "advances while a packet moves")
    """Buffer address."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DMABuffer,)


class DIEPCTL(Register):
    """Control of IN endpoint n."""

    NAME: ClassVar[str] = "DIEPCTL"
    _HAS_ZERO: ClassVar[bool] = True
    OFFSET: ClassVar[int] = 0x00920
    FIRST: ClassVar[int] = 1
    COUNT: ClassVar[int] = 15
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x03ECFFFF
    WO1: ClassVar[int] = 0x3C000000
    W1S: ClassVar[int] = 0xC0000000
    READABLE: ClassVar[int] = 0xC3EFFFFF
    EXACT: ClassVar[int] = 0xBFEFFFFF
    BOUND: ClassVar[int] = 0x40000000

    MPS: ClassVar[Field] = Field("MPS", 0, 11, "RW")
    """Packet size in bytes."""
    NextEp: ClassVar[Field] = Field("NextEp", 11, 4, "RW")
    """Next endpoint (shared FIFOs); stored."""
    USBActEP: ClassVar[Field] = Field("USBActEP", 15, 1, "RW")
    """1 = part of the configuration. A USB reset clears it; without it tokens are not answered."""
    DPID: ClassVar[Field] = Field("DPID", 16, 1, "RO")
    """Next data PID, or parity of the frame to send in."""
    EO_FrNum: ClassVar[Field] = DPID
    NAKSts: ClassVar[Field] = Field("NAKSts", 17, 1, "RO")
    """1 = IN tokens are answered with NAK."""
    EPType: ClassVar[Field] = Field("EPType", 18, 2, "RW", values={0: "control", 1: "isochronous", 2: "bulk", 3: "interrupt"})
    """Transfer type."""
    Stall: ClassVar[Field] = Field("Stall", 21, 1, "RW")
    """Answer with STALL."""
    TxFNum: ClassVar[Field] = Field("TxFNum", 22, 4, "RW")
    """Tx FIFO."""
    CNAK: ClassVar[Field] = Field("CNAK", 26, 1, "WO1")
    """Clear NAKSts."""
    SNAK: ClassVar[Field] = Field("SNAK", 27, 1, "WO1")
    """Set NAKSts."""
    SetD0PID: ClassVar[Field] = Field("SetD0PID", 28, 1, "WO1")
    """Next PID is DATA0; or send in even frames."""
    SetEvenFr: ClassVar[Field] = SetD0PID
    SetD1PID: ClassVar[Field] = Field("SetD1PID", 29, 1, "WO1")
    """Next PID is DATA1; or send in odd frames."""
    SetOddFr: ClassVar[Field] = SetD1PID
    EPDis: ClassVar[Field] = Field("EPDis", 30, 1, "W1S/SC", "bound", "time to disable")
    """Disable: acts only on an enabled endpoint (or with EPEna in the same word); falls with EPDisbld."""
    EPEna: ClassVar[Field] = Field("EPEna", 31, 1, "W1S/SC")
    """Enable. Writing 1 to a busy endpoint does not restart it; falls before XferCompl and EPDisbld."""
    FIELDS: ClassVar[tuple[Field, ...]] = (MPS, NextEp, USBActEP, DPID, NAKSts, EPType, Stall, TxFNum, CNAK, SNAK, SetD0PID, SetD1PID, EPDis, EPEna,)


class DIEPTSIZ(Register):
    """Transfer size of IN endpoint n."""

    NAME: ClassVar[str] = "DIEPTSIZ"
    _HAS_ZERO: ClassVar[bool] = True
    OFFSET: ClassVar[int] = 0x00930
    FIRST: ClassVar[int] = 1
    COUNT: ClassVar[int] = 15
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x7FFFFFFF
    READABLE: ClassVar[int] = 0x7FFFFFFF
    EXACT: ClassVar[int] = 0x7FFFFFFF

    XferSize: ClassVar[Field] = Field("XferSize", 0, 19, "RW")
    """Bytes not yet in the Tx FIFO."""
    PktCnt: ClassVar[Field] = Field("PktCnt", 19, 10, "RW")
    """Packets not yet acknowledged."""
    MC: ClassVar[Field] = Field("MC", 29, 2, "RW")
    """Packets per microframe of a periodic endpoint."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferSize, PktCnt, MC,)


class DOEPCTL0(Register):
    """Control of EP0 OUT. A SETUP is always accepted, whatever stands here."""

    NAME: ClassVar[str] = "DOEPCTL0"
    OFFSET: ClassVar[int] = 0x00B00
    RESET: ClassVar[int] = 0x00008000
    RW: ClassVar[int] = 0x00100000
    WO1: ClassVar[int] = 0x0C000000
    W1S: ClassVar[int] = 0x80200000
    READABLE: ClassVar[int] = 0xC03E8003
    EXACT: ClassVar[int] = 0xCC3E8003

    MPS: ClassVar[Field] = Field("MPS", 0, 2, "RO", values={0: "bytes64", 1: "bytes32", 2: "bytes16", 3: "bytes8"})
    """Copy of DIEPCTL0.MPS."""
    USBActEP: ClassVar[Field] = Field("USBActEP", 15, 1, "RO")
    """EP0 is always active."""
    NAKSts: ClassVar[Field] = Field("NAKSts", 17, 1, "RO")
    """1 = OUT data is answered with NAK."""
    EPType: ClassVar[Field] = Field("EPType", 18, 2, "RO", values={0: "control", 1: "isochronous", 2: "bulk", 3: "interrupt"})
    """Control."""
    Snp: ClassVar[Field] = Field("Snp", 20, 1, "RW")
    """Snoop mode; stored."""
    Stall: ClassVar[Field] = Field("Stall", 21, 1, "W1S/SC")
    """Answer with STALL; the next SETUP clears it."""
    CNAK: ClassVar[Field] = Field("CNAK", 26, 1, "WO1")
    """Clear NAKSts."""
    SNAK: ClassVar[Field] = Field("SNAK", 27, 1, "WO1")
    """Set NAKSts."""
    EPDis: ClassVar[Field] = Field("EPDis", 30, 1, "RO")
    """EP0 OUT cannot be disabled."""
    EPEna: ClassVar[Field] = Field("EPEna", 31, 1, "W1S/SC")
    """Enable. Writing 1 to a busy endpoint does not restart it; falls before XferCompl and, with DMA, when a SETUP has been delivered."""
    FIELDS: ClassVar[tuple[Field, ...]] = (MPS, USBActEP, NAKSts, EPType, Snp, Stall, CNAK, SNAK, EPDis, EPEna,)


class DOEPINT(Register):
    """Causes of OUT endpoint n."""

    NAME: ClassVar[str] = "DOEPINT"
    OFFSET: ClassVar[int] = 0x00B08
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    W1C: ClassVar[int] = 0x0000FB7F
    READABLE: ClassVar[int] = 0x0000FB7F
    EXACT: ClassVar[int] = 0x0000FB7F

    XferCompl: ClassVar[Field] = Field("XferCompl", 0, 1, "W1C")
    """Transfer complete: in slave mode when status word 3 is popped, with DMA when all data is in memory."""
    EPDisbld: ClassVar[Field] = Field("EPDisbld", 1, 1, "W1C")
    """Disabled as asked by EPDis."""
    AHBErr: ClassVar[Field] = Field("AHBErr", 2, 1, "W1C")
    """Bus error of the DMA."""
    SetUp: ClassVar[Field] = Field("SetUp", 3, 1, "W1C")
    """SETUP stage done: the first IN or OUT token after the SETUP has come (slave mode: status word 4 popped)."""
    OUTTknEPdis: ClassVar[Field] = Field("OUTTknEPdis", 4, 1, "W1C")
    """OUT token while the endpoint was not enabled."""
    StsPhseRcvd: ClassVar[Field] = Field("StsPhseRcvd", 5, 1, "W1C")
    """Status stage of a control write (descriptor DMA)."""
    Back2BackSETup: ClassVar[Field] = Field("Back2BackSETup", 6, 1, "W1C")
    """More than three SETUPs in a row."""
    OutPktErr: ClassVar[Field] = Field("OutPktErr", 8, 1, "W1C")
    """Packet error; never set without thresholds."""
    BNA: ClassVar[Field] = Field("BNA", 9, 1, "W1C")
    """Descriptor not ready."""
    BNAIntr: ClassVar[Field] = BNA
    PktDrpSts: ClassVar[Field] = Field("PktDrpSts", 11, 1, "W1C")
    """Packet dropped."""
    BbleErr: ClassVar[Field] = Field("BbleErr", 12, 1, "W1C")
    """Babble."""
    NAKIntrpt: ClassVar[Field] = Field("NAKIntrpt", 13, 1, "W1C")
    """NAK sent."""
    NYETIntrpt: ClassVar[Field] = Field("NYETIntrpt", 14, 1, "W1C")
    """NYET sent."""
    StupPktRcvd: ClassVar[Field] = Field("StupPktRcvd", 15, 1, "W1C")
    """With DMA: a SETUP was written to memory."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferCompl, EPDisbld, AHBErr, SetUp, OUTTknEPdis, StsPhseRcvd, Back2BackSETup, OutPktErr, BNA, PktDrpSts, BbleErr, NAKIntrpt, NYETIntrpt, StupPktRcvd,)


class DOEPTSIZ0(Register):
    """Transfer size of EP0 OUT."""

    NAME: ClassVar[str] = "DOEPTSIZ0"
    OFFSET: ClassVar[int] = 0x00B10
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x6008007F
    READABLE: ClassVar[int] = 0x6008007F
    EXACT: ClassVar[int] = 0x6008007F

    XferSize: ClassVar[Field] = Field("XferSize", 0, 7, "RW")
    """Bytes of buffer left; a SETUP takes 8, not below 0."""
    PktCnt: ClassVar[Field] = Field("PktCnt", 19, 1, "RW")
    """Packets left."""
    SUPCnt: ClassVar[Field] = Field("SUPCnt", 29, 2, "RW")
    """Falls by one per SETUP, not below 0; limits nothing."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferSize, PktCnt, SUPCnt,)


class DOEPDMA(Register):
    """DMA address of the endpoint (word aligned byte address); advances while data moves."""

    NAME: ClassVar[str] = "DOEPDMA"
    OFFSET: ClassVar[int] = 0x00B14
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    BOUND: ClassVar[int] = 0xFFFFFFFF

    DMAAddr: ClassVar[Field] = Field("DMAAddr", 0, 32, "RW", "bound", "advances while a packet moves")
    """Next byte."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DMAAddr,)


class DOEPDMAB(Register):
    """Current buffer of descriptor DMA."""

    NAME: ClassVar[str] = "DOEPDMAB"
    NEEDS: ClassVar[str] = "DESC_DMA"
    OFFSET: ClassVar[int] = 0x00B1C
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    BOUND: ClassVar[int] = 0xFFFFFFFF

    DMABuffer: ClassVar[Field] = Field("DMABuffer", 0, 32, "RO", "bound", "advances while a packet moves")
    """Buffer address."""
    FIELDS: ClassVar[tuple[Field, ...]] = (DMABuffer,)


class DOEPCTL(Register):
    """Control of OUT endpoint n."""

    NAME: ClassVar[str] = "DOEPCTL"
    _HAS_ZERO: ClassVar[bool] = True
    OFFSET: ClassVar[int] = 0x00B20
    FIRST: ClassVar[int] = 1
    COUNT: ClassVar[int] = 15
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x003C87FF
    WO1: ClassVar[int] = 0x3C000000
    W1S: ClassVar[int] = 0xC0000000
    READABLE: ClassVar[int] = 0xC03F87FF
    EXACT: ClassVar[int] = 0xBC3F87FF
    BOUND: ClassVar[int] = 0x40000000

    MPS: ClassVar[Field] = Field("MPS", 0, 11, "RW")
    """Packet size in bytes."""
    USBActEP: ClassVar[Field] = Field("USBActEP", 15, 1, "RW")
    """1 = part of the configuration. A USB reset clears it; without it tokens are not answered."""
    DPID: ClassVar[Field] = Field("DPID", 16, 1, "RO")
    """Next data PID, or parity of the frame to receive in."""
    EO_FrNum: ClassVar[Field] = DPID
    NAKSts: ClassVar[Field] = Field("NAKSts", 17, 1, "RO")
    """1 = OUT data is answered with NAK."""
    EPType: ClassVar[Field] = Field("EPType", 18, 2, "RW", values={0: "control", 1: "isochronous", 2: "bulk", 3: "interrupt"})
    """Transfer type."""
    Snp: ClassVar[Field] = Field("Snp", 20, 1, "RW")
    """Snoop mode; stored."""
    Stall: ClassVar[Field] = Field("Stall", 21, 1, "RW")
    """Answer with STALL."""
    CNAK: ClassVar[Field] = Field("CNAK", 26, 1, "WO1")
    """Clear NAKSts."""
    SNAK: ClassVar[Field] = Field("SNAK", 27, 1, "WO1")
    """Set NAKSts."""
    SetD0PID: ClassVar[Field] = Field("SetD0PID", 28, 1, "WO1")
    """Next PID is DATA0; or receive in even frames."""
    SetEvenFr: ClassVar[Field] = SetD0PID
    SetD1PID: ClassVar[Field] = Field("SetD1PID", 29, 1, "WO1")
    """Next PID is DATA1; or receive in odd frames."""
    SetOddFr: ClassVar[Field] = SetD1PID
    EPDis: ClassVar[Field] = Field("EPDis", 30, 1, "W1S/SC", "bound", "time to disable")
    """Disable: acts only on an enabled endpoint (or with EPEna in the same word); falls with EPDisbld."""
    EPEna: ClassVar[Field] = Field("EPEna", 31, 1, "W1S/SC")
    """Enable. Writing 1 to a busy endpoint does not restart it; falls before XferCompl and EPDisbld."""
    FIELDS: ClassVar[tuple[Field, ...]] = (MPS, USBActEP, DPID, NAKSts, EPType, Snp, Stall, CNAK, SNAK, SetD0PID, SetD1PID, EPDis, EPEna,)


class DOEPTSIZ(Register):
    """Transfer size of OUT endpoint n."""

    NAME: ClassVar[str] = "DOEPTSIZ"
    _HAS_ZERO: ClassVar[bool] = True
    OFFSET: ClassVar[int] = 0x00B30
    FIRST: ClassVar[int] = 1
    COUNT: ClassVar[int] = 15
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x1FFFFFFF
    READABLE: ClassVar[int] = 0x7FFFFFFF
    EXACT: ClassVar[int] = 0x7FFFFFFF

    XferSize: ClassVar[Field] = Field("XferSize", 0, 19, "RW")
    """Bytes of buffer left, not below 0."""
    PktCnt: ClassVar[Field] = Field("PktCnt", 19, 10, "RW")
    """Packets left."""
    RxDPID: ClassVar[Field] = Field("RxDPID", 29, 2, "RO", values={0: "DATA0", 1: "DATA2", 2: "DATA1", 3: "MDATA"})
    """PID of the last isochronous packet."""
    FIELDS: ClassVar[tuple[Field, ...]] = (XferSize, PktCnt, RxDPID,)


class PCGCCTL(Register):
    """Clock gating. The registers stay accessible whatever is set here, and wake-up is seen."""

    NAME: ClassVar[str] = "PCGCCTL"
    OFFSET: ClassVar[int] = 0x00E00
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFE32F
    READABLE: ClassVar[int] = 0xFFFFE3EF
    EXACT: ClassVar[int] = 0xFFFFE3EF

    StopPclk: ClassVar[Field] = Field("StopPclk", 0, 1, "RW")
    """Stored."""
    GateHclk: ClassVar[Field] = Field("GateHclk", 1, 1, "RW")
    """Stored."""
    PwrClmp: ClassVar[Field] = Field("PwrClmp", 2, 1, "RW")
    """Stored."""
    RstPdwnModule: ClassVar[Field] = Field("RstPdwnModule", 3, 1, "RW")
    """Stored."""
    EnblSleepGating: ClassVar[Field] = Field("EnblSleepGating", 5, 1, "RW")
    """Stored."""
    PhySleep: ClassVar[Field] = Field("PhySleep", 6, 1, "RO")
    """PHY in sleep; 0."""
    L1Suspended: ClassVar[Field] = Field("L1Suspended", 7, 1, "RO")
    """In deep sleep of L1; 0."""
    ResetAfterSusp: ClassVar[Field] = Field("ResetAfterSusp", 8, 1, "RW")
    """Stored."""
    RestoreMode: ClassVar[Field] = Field("RestoreMode", 9, 1, "RW")
    """Stored."""
    EssRegRestored: ClassVar[Field] = Field("EssRegRestored", 13, 1, "RW")
    """Stored."""
    RestoreValue: ClassVar[Field] = Field("RestoreValue", 14, 18, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (StopPclk, GateHclk, PwrClmp, RstPdwnModule, EnblSleepGating, PhySleep, L1Suspended, ResetAfterSusp, RestoreMode, EssRegRestored, RestoreValue,)


class PCGCCTL1(Register):
    """Active clock gating; stored."""

    NAME: ClassVar[str] = "PCGCCTL1"
    OFFSET: ClassVar[int] = 0x00E04
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x00000007
    READABLE: ClassVar[int] = 0x00000007
    EXACT: ClassVar[int] = 0x00000007

    GateEn: ClassVar[Field] = Field("GateEn", 0, 1, "RW")
    """Stored."""
    CntGateClk: ClassVar[Field] = Field("CntGateClk", 1, 2, "RW")
    """Stored."""
    FIELDS: ClassVar[tuple[Field, ...]] = (GateEn, CntGateClk,)


class FIFO(Register):
    """FIFO window n, 4 KiB; every word of it is the same port. Writing pushes into the Tx FIFO of IN endpoint n (DIEPCTLn.TxFNum; into FIFO n while that is 0), reading any window pops the one Rx FIFO. Slave mode only."""

    NAME: ClassVar[str] = "FIFO"
    OFFSET: ClassVar[int] = 0x01000
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 16
    STRIDE: ClassVar[int] = 0x1000
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Data: ClassVar[Field] = Field("Data", 0, 32, "POP")
    """Four bytes, the first in bits 7:0."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Data,)


class XCAP(Register):
    """What the extension bank can do; 0 = there is nothing but this register. SuperSpeed and streams are specified here and not built."""

    NAME: ClassVar[str] = "XCAP"
    OFFSET: ClassVar[int] = 0x12000
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0xFFFFFFF7
    EXACT: ClassVar[int] = 0xFFFFFFF7

    SuperSpeed: ClassVar[Field] = Field("SuperSpeed", 0, 1, "RO")
    """SuperSpeed link."""
    Streams: ClassVar[Field] = Field("Streams", 1, 1, "RO")
    """Bulk streams."""
    Commands: ClassVar[Field] = Field("Commands", 2, 1, "RO")
    """Endpoint commands."""
    MaxBurst: ClassVar[Field] = Field("MaxBurst", 4, 4, "RO")
    """Largest burst - 1."""
    StreamContexts: ClassVar[Field] = Field("StreamContexts", 8, 8, "RO")
    """Streams of an endpoint that can have a transfer at a time."""
    CmdLatency: ClassVar[Field] = Field("CmdLatency", 16, 16, "RO")
    """Longest latency of an endpoint command, us."""
    FIELDS: ClassVar[tuple[Field, ...]] = (SuperSpeed, Streams, Commands, MaxBurst, StreamContexts, CmdLatency,)


class XCFG(Register):
    """Enables of the extension bank. Those of what is not built are stored and do nothing."""

    NAME: ClassVar[str] = "XCFG"
    NEEDS: ClassVar[str] = "SUPERSPEED | COMMANDS"
    OFFSET: ClassVar[int] = 0x12004
    RESET: ClassVar[int] = 0x03E80000
    RW: ClassVar[int] = 0xFFFF001F
    READABLE: ClassVar[int] = 0xFFFF001F
    EXACT: ClassVar[int] = 0xFFFF001F

    SSEn: ClassVar[Field] = Field("SSEn", 0, 1, "RW")
    """Train the SuperSpeed link when there is VBUS; 0 stays with USB 2.0."""
    StreamEn: ClassVar[Field] = Field("StreamEn", 1, 1, "RW")
    """Streams; 0 treats stream endpoints as plain bulk."""
    CmdEn: ClassVar[Field] = Field("CmdEn", 2, 1, "RW")
    """Endpoint commands start. One that is under way is not stopped by 0."""
    U1En: ClassVar[Field] = Field("U1En", 3, 1, "RW")
    """Accept U1, and ask for it (after SET_FEATURE U1_ENABLE)."""
    U2En: ClassVar[Field] = Field("U2En", 4, 1, "RW")
    """Accept U2, and ask for it (after SET_FEATURE U2_ENABLE)."""
    CmdLatency: ClassVar[Field] = Field("CmdLatency", 16, 16, "RW")
    """Latency of the endpoint commands that are written from now on, us; more than 2000 acts as 2000. A microsecond is 60 clocks of the core here, and so is shorter with a faster clock."""
    FIELDS: ClassVar[tuple[Field, ...]] = (SSEn, StreamEn, CmdEn, U1En, U2En, CmdLatency,)


class XSTS(Register):
    """State of the SuperSpeed link; valid where XCAP.SuperSpeed is 1, and 0 until it is built."""

    NAME: ClassVar[str] = "XSTS"
    NEEDS: ClassVar[str] = "SUPERSPEED"
    OFFSET: ClassVar[int] = 0x12008
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0x0000037F
    EXACT: ClassVar[int] = 0x0000037F

    LinkState: ClassVar[Field] = Field("LinkState", 0, 4, "RO", values={0: "u0", 1: "u1", 2: "u2", 3: "u3", 4: "disabled", 5: "rx_detect", 6: "inactive", 7: "polling", 8: "recovery", 9: "hot_reset", 10: "compliance", 11: "loopback"})
    """State of the link."""
    LinkSpeed: ClassVar[Field] = Field("LinkSpeed", 4, 3, "RO", values={0: "usb2", 1: "gen1"})
    """Speed."""
    U1Allowed: ClassVar[Field] = Field("U1Allowed", 8, 1, "RO")
    """The host's U1 timeout lets the device ask for U1."""
    U2Allowed: ClassVar[Field] = Field("U2Allowed", 9, 1, "RO")
    """The same of U2."""
    FIELDS: ClassVar[tuple[Field, ...]] = (LinkState, LinkSpeed, U1Allowed, U2Allowed,)


class XINT(Register):
    """Link events; an unmasked one sets GINTSTS.I2CInt. 0 until SuperSpeed is built."""

    NAME: ClassVar[str] = "XINT"
    NEEDS: ClassVar[str] = "SUPERSPEED"
    OFFSET: ClassVar[int] = 0x1200C
    RESET: ClassVar[int] = 0x00000000
    W1C: ClassVar[int] = 0x0000000F
    READABLE: ClassVar[int] = 0x0000000F
    EXACT: ClassVar[int] = 0x0000000F

    LinkChng: ClassVar[Field] = Field("LinkChng", 0, 1, "W1C")
    """Link state changed."""
    SSRst: ClassVar[Field] = Field("SSRst", 1, 1, "W1C")
    """Hot or warm reset: address 0, endpoints inactive, streams off; as USBRst."""
    SSConn: ClassVar[Field] = Field("SSConn", 2, 1, "W1C")
    """Link trained: U0 for the first time; as EnumDone."""
    SSDisc: ClassVar[Field] = Field("SSDisc", 3, 1, "W1C")
    """Link lost, or not trained: USB 2.0 goes on, SSEn = 0 and 1 again trains anew."""
    FIELDS: ClassVar[tuple[Field, ...]] = (LinkChng, SSRst, SSConn, SSDisc,)


class XINTMSK(Register):
    """Enables of XINT."""

    NAME: ClassVar[str] = "XINTMSK"
    NEEDS: ClassVar[str] = "SUPERSPEED | COMMANDS"
    OFFSET: ClassVar[int] = 0x12010
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0000000F
    READABLE: ClassVar[int] = 0x0000000F
    EXACT: ClassVar[int] = 0x0000000F

    LinkChng: ClassVar[Field] = Field("LinkChng", 0, 1, "RW")
    SSRst: ClassVar[Field] = Field("SSRst", 1, 1, "RW")
    SSConn: ClassVar[Field] = Field("SSConn", 2, 1, "RW")
    SSDisc: ClassVar[Field] = Field("SSDisc", 3, 1, "RW")
    FIELDS: ClassVar[tuple[Field, ...]] = (LinkChng, SSRst, SSConn, SSDisc,)


class XNOTE(Register):
    """Device notification to a SuperSpeed host. Not built: reads 0."""

    NAME: ClassVar[str] = "XNOTE"
    NEEDS: ClassVar[str] = "SUPERSPEED"
    OFFSET: ClassVar[int] = 0x12014
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFF0F
    W1S: ClassVar[int] = 0x00000010
    READABLE: ClassVar[int] = 0xFFFFFF1F
    EXACT: ClassVar[int] = 0xFFFFFF1F

    Type: ClassVar[Field] = Field("Type", 0, 4, "RW", values={1: "function_wake", 2: "latency", 3: "bus_interval", 4: "host_role"})
    """Notification."""
    Send: ClassVar[Field] = Field("Send", 4, 1, "W1S/SC")
    """Send it; falls when it is on its way. Wakes the link from U1 to U3."""
    Data: ClassVar[Field] = Field("Data", 8, 24, "RW")
    """Its data, bits 31:8 of the second word."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Type, Send, Data,)


class EPCMDPAR0(Register):
    """Parameter of an endpoint command; see EPCMD.Cmd. Not written while CMDACT is 1."""

    NAME: ClassVar[str] = "EPCMDPAR0"
    NEEDS: ClassVar[str] = "COMMANDS"
    OFFSET: ClassVar[int] = 0x12400
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 32
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Value: ClassVar[Field] = Field("Value", 0, 32, "RW")
    """Meaning by command."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Value,)


class EPCMDPAR1(Register):
    """Parameter of an endpoint command; see EPCMD.Cmd. Not written while CMDACT is 1."""

    NAME: ClassVar[str] = "EPCMDPAR1"
    NEEDS: ClassVar[str] = "COMMANDS"
    OFFSET: ClassVar[int] = 0x12404
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 32
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFFFFFF
    READABLE: ClassVar[int] = 0xFFFFFFFF
    EXACT: ClassVar[int] = 0xFFFFFFFF

    Value: ClassVar[Field] = Field("Value", 0, 32, "RW")
    """Meaning by command."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Value,)


class EPCMD(Register):
    """Endpoint command. Writes are ignored while CMDACT is 1."""

    NAME: ClassVar[str] = "EPCMD"
    NEEDS: ClassVar[str] = "COMMANDS"
    OFFSET: ClassVar[int] = 0x12408
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 32
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0xFFFF010F
    W1S: ClassVar[int] = 0x00000400
    READABLE: ClassVar[int] = 0xFFFFF50F
    EXACT: ClassVar[int] = 0xFFFFF10F
    BOUND: ClassVar[int] = 0x00000400

    Cmd: ClassVar[Field] = Field("Cmd", 0, 4, "RW", values={1: "start", 2: "end_transfer", 3: "update", 4: "set_stall", 5: "clear_stall", 6: "configure", 7: "ready"})
    """Command."""
    IOC: ClassVar[Field] = Field("IOC", 8, 1, "RW")
    """Interrupt on completion: EPXINT.CmdCompl, whatever the status."""
    CMDACT: ClassVar[Field] = Field("CMDACT", 10, 1, "W1S/SC", "bound", "length of the command")
    """Start (with XCFG.CmdEn, else nothing); falls when the command has completed."""
    CmdStatus: ClassVar[Field] = Field("CmdStatus", 12, 4, "RO", values={0: "done", 1: "no_endpoint", 2: "busy", 3: "unknown", 4: "no_context", 5: "bad_stream"})
    """How it ended; valid when CMDACT has fallen."""
    StreamID: ClassVar[Field] = Field("StreamID", 16, 16, "RW")
    """Stream of START, UPDATE, END and READY, 1 to 65533; 0 on endpoints without streams. Stored and without effect until streams are built."""
    FIELDS: ClassVar[tuple[Field, ...]] = (Cmd, IOC, CMDACT, CmdStatus, StreamID,)


class EPXSTS(Register):
    """Stream state of the endpoint. Not built: reads 0."""

    NAME: ClassVar[str] = "EPXSTS"
    NEEDS: ClassVar[str] = "SUPERSPEED"
    OFFSET: ClassVar[int] = 0x1240C
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 32
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    READABLE: ClassVar[int] = 0x001FFFFF
    EXACT: ClassVar[int] = 0x001FFFFF

    CurStream: ClassVar[Field] = Field("CurStream", 0, 16, "RO")
    """Current stream; 65535 none."""
    StreamState: ClassVar[Field] = Field("StreamState", 16, 4, "RO", values={0: "disabled", 1: "prime", 2: "idle", 3: "start", 4: "move"})
    """State of the stream protocol."""
    FlowControl: ClassVar[Field] = Field("FlowControl", 20, 1, "RO")
    """NRDY was sent: the host waits for ERDY."""
    FIELDS: ClassVar[tuple[Field, ...]] = (CurStream, StreamState, FlowControl,)


class EPXINT(Register):
    """Causes of the endpoint's extension; an unmasked one sets its DAINT bit. Those of streams stay 0 until streams are built."""

    NAME: ClassVar[str] = "EPXINT"
    NEEDS: ClassVar[str] = "COMMANDS"
    OFFSET: ClassVar[int] = 0x12410
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 32
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    W1C: ClassVar[int] = 0x0000003F
    READABLE: ClassVar[int] = 0x0000003F
    EXACT: ClassVar[int] = 0x0000003F

    CmdCompl: ClassVar[Field] = Field("CmdCompl", 0, 1, "W1C")
    """A command with IOC has completed."""
    StreamFound: ClassVar[Field] = Field("StreamFound", 1, 1, "W1C")
    """The host takes the stream that was offered."""
    StreamNotFound: ClassVar[Field] = Field("StreamNotFound", 2, 1, "W1C")
    """It does not (NoStream): wait for StreamPrime before it is offered again."""
    StreamPrime: ClassVar[Field] = Field("StreamPrime", 3, 1, "W1C")
    """The host has primed the pipe: buffers were added to some stream."""
    StreamEnd: ClassVar[Field] = Field("StreamEnd", 4, 1, "W1C")
    """Move Data was left: the transfer of CurStream is over, or suspended."""
    StreamErr: ClassVar[Field] = Field("StreamErr", 5, 1, "W1C")
    """The host named a stream that there cannot be."""
    FIELDS: ClassVar[tuple[Field, ...]] = (CmdCompl, StreamFound, StreamNotFound, StreamPrime, StreamEnd, StreamErr,)


class EPXMSK(Register):
    """Enables of EPXINT."""

    NAME: ClassVar[str] = "EPXMSK"
    NEEDS: ClassVar[str] = "COMMANDS"
    OFFSET: ClassVar[int] = 0x12414
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 32
    STRIDE: ClassVar[int] = 0x20
    RESET: ClassVar[int] = 0x00000000
    RW: ClassVar[int] = 0x0000003F
    READABLE: ClassVar[int] = 0x0000003F
    EXACT: ClassVar[int] = 0x0000003F

    CmdCompl: ClassVar[Field] = Field("CmdCompl", 0, 1, "RW")
    StreamFound: ClassVar[Field] = Field("StreamFound", 1, 1, "RW")
    StreamNotFound: ClassVar[Field] = Field("StreamNotFound", 2, 1, "RW")
    StreamPrime: ClassVar[Field] = Field("StreamPrime", 3, 1, "RW")
    StreamEnd: ClassVar[Field] = Field("StreamEnd", 4, 1, "RW")
    StreamErr: ClassVar[Field] = Field("StreamErr", 5, 1, "RW")
    FIELDS: ClassVar[tuple[Field, ...]] = (CmdCompl, StreamFound, StreamNotFound, StreamPrime, StreamEnd, StreamErr,)


REGISTERS: list[type[Register]] = [
    GOTGCTL,
    GOTGINT,
    GAHBCFG,
    GUSBCFG,
    GRSTCTL,
    GINTSTS,
    GINTMSK,
    GRXSTSR,
    GRXSTSP,
    GRXFSIZ,
    GNPTXFSIZ,
    GNPTXSTS,
    GI2CCTL,
    GPVNDCTL,
    GGPIO,
    GUID,
    GSNPSID,
    GHWCFG1,
    GHWCFG2,
    GHWCFG3,
    GHWCFG4,
    GLPMCFG,
    GPWRDN,
    GDFIFOCFG,
    DIEPTXF,
    DCFG,
    DCTL,
    DSTS,
    DIEPMSK,
    DOEPMSK,
    DAINT,
    DAINTMSK,
    DTKNQR1,
    DTKNQR2,
    DVBUSDIS,
    DVBUSPULSE,
    DTHRCTL,
    DTKNQR3,
    DIEPEMPMSK,
    DTKNQR4,
    DEACHINT,
    DEACHMSK,
    DIEPEACHMSK,
    DOEPEACHMSK,
    DIEPCTL0,
    DIEPINT,
    DIEPTSIZ0,
    DIEPDMA,
    DTXFSTS,
    DIEPDMAB,
    DIEPCTL,
    DIEPTSIZ,
    DOEPCTL0,
    DOEPINT,
    DOEPTSIZ0,
    DOEPDMA,
    DOEPDMAB,
    DOEPCTL,
    DOEPTSIZ,
    PCGCCTL,
    PCGCCTL1,
    FIFO,
    XCAP,
    XCFG,
    XSTS,
    XINT,
    XINTMSK,
    XNOTE,
    EPCMDPAR0,
    EPCMDPAR1,
    EPCMD,
    EPXSTS,
    EPXINT,
    EPXMSK,
]
"""All registers by offset; DTKNQR3 and 4 share theirs with the dedicated scheme."""

_BY_OFFSET: dict[int, tuple[type[Register], int]] = {}
for _register in reversed(REGISTERS):
    for _index in range(_register.FIRST, _register.FIRST + _register.COUNT):
        _BY_OFFSET[_register.at(_index)] = (_register, _index)


def lookup(offset: int) -> tuple[type[Register], int] | None:
    """Return (register, index) at a byte offset, None where there is nothing.

    Any word of a FIFO window finds FIFO with the window's number.
    """
    found = _BY_OFFSET.get(offset)
    if found is None and 0x1000 <= offset < 0x11000:
        return FIFO, (offset >> 12) - 1
    return found


class _Parameters(Protocol):
    @property
    def num_in_eps(self) -> int: ...
    @property
    def num_out_eps(self) -> int: ...
    @property
    def ep_directions(self) -> int: ...
    @property
    def fifo_words(self) -> int: ...
    @property
    def dedicated_fifo(self) -> int: ...
    @property
    def dma(self) -> int: ...
    @property
    def desc_dma(self) -> int: ...
    @property
    def lpm(self) -> int: ...
    @property
    def commands(self) -> int: ...
    @property
    def cmd_latency(self) -> int: ...
    @property
    def soft_disconnect(self) -> int: ...
    @property
    def superspeed(self) -> int: ...
    @property
    def utmi_width(self) -> int: ...


def reset_values(parameters: _Parameters) -> dict[int, int]:
    """Return offset -> value after reset of all that is not 0 or depends on parameters.

    Args:
        parameters: a `pymodel.config.UdcParameters` or anything with these attributes.
    """
    num_in_eps = parameters.num_in_eps
    num_out_eps = parameters.num_out_eps
    ep_directions = parameters.ep_directions
    fifo_words = parameters.fifo_words
    dedicated_fifo = parameters.dedicated_fifo
    dma = parameters.dma
    desc_dma = parameters.desc_dma
    lpm = parameters.lpm
    commands = parameters.commands
    soft_disconnect = parameters.soft_disconnect
    superspeed = parameters.superspeed
    utmi_width = parameters.utmi_width
    values: dict[int, int] = {}
    values[0x00000] = 0x00010000
    values[0x0000C] = 0x00001400
    values[0x00010] = 0x80000000
    values[0x00014] = 0x04000020
    values[0x00024] = int(fifo_words >> 2)
    values[0x00028] = int(fifo_words >> 2) | int(fifo_words >> 4) << 16
    values[0x0002C] = 0x00080000 | int(fifo_words >> 4)
    values[0x00040] = 0x4F54400A
    values[0x00044] = int(((num_in_eps >= 1) * ((ep_directions >> 2 & 3) != 2) > (num_out_eps >= 1) * ((ep_directions >> 2 & 3) != 1)) + 2 * ((num_out_eps >= 1) * ((ep_directions >> 2 & 3) != 1) > (num_in_eps >= 1) * ((ep_directions >> 2 & 3) != 2))) << 2 | int(((num_in_eps >= 2) * ((ep_directions >> 4 & 3) != 2) > (num_out_eps >= 2) * ((ep_directions >> 4 & 3) != 1)) + 2 * ((num_out_eps >= 2) * ((ep_directions >> 4 & 3) != 1) > (num_in_eps >= 2) * ((ep_directions >> 4 & 3) != 2))) << 4 | int(((num_in_eps >= 3) * ((ep_directions >> 6 & 3) != 2) > (num_out_eps >= 3) * ((ep_directions >> 6 & 3) != 1)) + 2 * ((num_out_eps >= 3) * ((ep_directions >> 6 & 3) != 1) > (num_in_eps >= 3) * ((ep_directions >> 6 & 3) != 2))) << 6 | int(((num_in_eps >= 4) * ((ep_directions >> 8 & 3) != 2) > (num_out_eps >= 4) * ((ep_directions >> 8 & 3) != 1)) + 2 * ((num_out_eps >= 4) * ((ep_directions >> 8 & 3) != 1) > (num_in_eps >= 4) * ((ep_directions >> 8 & 3) != 2))) << 8 | int(((num_in_eps >= 5) * ((ep_directions >> 10 & 3) != 2) > (num_out_eps >= 5) * ((ep_directions >> 10 & 3) != 1)) + 2 * ((num_out_eps >= 5) * ((ep_directions >> 10 & 3) != 1) > (num_in_eps >= 5) * ((ep_directions >> 10 & 3) != 2))) << 10 | int(((num_in_eps >= 6) * ((ep_directions >> 12 & 3) != 2) > (num_out_eps >= 6) * ((ep_directions >> 12 & 3) != 1)) + 2 * ((num_out_eps >= 6) * ((ep_directions >> 12 & 3) != 1) > (num_in_eps >= 6) * ((ep_directions >> 12 & 3) != 2))) << 12 | int(((num_in_eps >= 7) * ((ep_directions >> 14 & 3) != 2) > (num_out_eps >= 7) * ((ep_directions >> 14 & 3) != 1)) + 2 * ((num_out_eps >= 7) * ((ep_directions >> 14 & 3) != 1) > (num_in_eps >= 7) * ((ep_directions >> 14 & 3) != 2))) << 14 | int(((num_in_eps >= 8) * ((ep_directions >> 16 & 3) != 2) > (num_out_eps >= 8) * ((ep_directions >> 16 & 3) != 1)) + 2 * ((num_out_eps >= 8) * ((ep_directions >> 16 & 3) != 1) > (num_in_eps >= 8) * ((ep_directions >> 16 & 3) != 2))) << 16 | int(((num_in_eps >= 9) * ((ep_directions >> 18 & 3) != 2) > (num_out_eps >= 9) * ((ep_directions >> 18 & 3) != 1)) + 2 * ((num_out_eps >= 9) * ((ep_directions >> 18 & 3) != 1) > (num_in_eps >= 9) * ((ep_directions >> 18 & 3) != 2))) << 18 | int(((num_in_eps >= 10) * ((ep_directions >> 20 & 3) != 2) > (num_out_eps >= 10) * ((ep_directions >> 20 & 3) != 1)) + 2 * ((num_out_eps >= 10) * ((ep_directions >> 20 & 3) != 1) > (num_in_eps >= 10) * ((ep_directions >> 20 & 3) != 2))) << 20 | int(((num_in_eps >= 11) * ((ep_directions >> 22 & 3) != 2) > (num_out_eps >= 11) * ((ep_directions >> 22 & 3) != 1)) + 2 * ((num_out_eps >= 11) * ((ep_directions >> 22 & 3) != 1) > (num_in_eps >= 11) * ((ep_directions >> 22 & 3) != 2))) << 22 | int(((num_in_eps >= 12) * ((ep_directions >> 24 & 3) != 2) > (num_out_eps >= 12) * ((ep_directions >> 24 & 3) != 1)) + 2 * ((num_out_eps >= 12) * ((ep_directions >> 24 & 3) != 1) > (num_in_eps >= 12) * ((ep_directions >> 24 & 3) != 2))) << 24 | int(((num_in_eps >= 13) * ((ep_directions >> 26 & 3) != 2) > (num_out_eps >= 13) * ((ep_directions >> 26 & 3) != 1)) + 2 * ((num_out_eps >= 13) * ((ep_directions >> 26 & 3) != 1) > (num_in_eps >= 13) * ((ep_directions >> 26 & 3) != 2))) << 26 | int(((num_in_eps >= 14) * ((ep_directions >> 28 & 3) != 2) > (num_out_eps >= 14) * ((ep_directions >> 28 & 3) != 1)) + 2 * ((num_out_eps >= 14) * ((ep_directions >> 28 & 3) != 1) > (num_in_eps >= 14) * ((ep_directions >> 28 & 3) != 2))) << 28 | int(((num_in_eps >= 15) * ((ep_directions >> 30 & 3) != 2) > (num_out_eps >= 15) * ((ep_directions >> 30 & 3) != 1)) + 2 * ((num_out_eps >= 15) * ((ep_directions >> 30 & 3) != 1) > (num_in_eps >= 15) * ((ep_directions >> 30 & 3) != 2))) << 30
    values[0x00048] = 0x029C0264 | int(dma) << 3 | int(num_in_eps * (num_in_eps > num_out_eps) + num_out_eps * (num_out_eps >= num_in_eps)) << 10
    values[0x0004C] = 0x00000868 | int(lpm) << 15 | int(fifo_words) << 16
    values[0x00050] = int(num_in_eps * (1 - dedicated_fifo)) | int(utmi_width >> 4) << 14 | int(dedicated_fifo) << 25 | int(num_in_eps) << 26 | int(desc_dma) << 30 | int(desc_dma) << 31
    for index in range(1, num_in_eps + 1):
        values[0x00100 + 0x4 * index] = int(fifo_words >> (4 + (num_in_eps > 11))) << 16 | (fifo_words >> 2) + (fifo_words >> 4) + (index - 1) * (fifo_words >> (4 + (num_in_eps > 11)))
    values[0x00800] = 0x08100000
    values[0x00804] = 0x00002000 | int(soft_disconnect) << 1
    values[0x00808] = 0x00000002
    values[0x00828] = 0x000017D7
    values[0x0082C] = 0x000005B8
    values[0x00830] = int(8 * dedicated_fifo) << 2 | int(dedicated_fifo) << 17 | int(dedicated_fifo) << 27
    values[0x00900] = 0x00008000
    for index in range(num_in_eps + 1):
        if ep_directions >> 2 * index & 3 != 2:
            values[0x00908 + 0x20 * index] = 0x00000080
    for index in range(num_in_eps + 1):
        if ep_directions >> 2 * index & 3 != 2:
            values[0x00918 + 0x20 * index] = int(fifo_words >> (4 + (num_in_eps > 11)))
    values[0x00918] = fifo_words >> 4
    values[0x00B00] = 0x00008000
    values[0x12000] = int(superspeed) | int(superspeed) << 1 | int(commands) << 2 | int(15 * superspeed) << 4 | int(2000 * commands) << 16
    return values
