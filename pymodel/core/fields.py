# SPDX-License-Identifier: Apache-2.0
"""Offsets and bits of the device map that the model computes with, as plain integers.

The generated register classes (`pymodel.gen.udc_regs`) name the same things for people; a test
holds the two together. Plain integers keep the hot paths of the model short.
"""

from __future__ import annotations

from typing import Final

M32: Final = 0xFFFFFFFF

# -- global registers (facts dwc2-registers section 3) ----------------------------------------
GOTGCTL: Final = 0x000
GOTGINT: Final = 0x004
GAHBCFG: Final = 0x008
GUSBCFG: Final = 0x00C
GRSTCTL: Final = 0x010
GINTSTS: Final = 0x014
GINTMSK: Final = 0x018
GRXSTSR: Final = 0x01C
GRXSTSP: Final = 0x020
GRXFSIZ: Final = 0x024
GNPTXFSIZ: Final = 0x028
GNPTXSTS: Final = 0x02C
GGPIO: Final = 0x038
GUID: Final = 0x03C
GSNPSID: Final = 0x040
GHWCFG1: Final = 0x044
GHWCFG2: Final = 0x048
GHWCFG3: Final = 0x04C
GHWCFG4: Final = 0x050
GLPMCFG: Final = 0x054
GDFIFOCFG: Final = 0x05C
DIEPTXF1: Final = 0x104

# -- device registers (section 4, 5, 6) -------------------------------------------------------
DCFG: Final = 0x800
DCTL: Final = 0x804
DSTS: Final = 0x808
DIEPMSK: Final = 0x810
DOEPMSK: Final = 0x814
DAINT: Final = 0x818
DAINTMSK: Final = 0x81C
DVBUSDIS: Final = 0x828
DVBUSPULSE: Final = 0x82C
DTHRCTL: Final = 0x830
DIEPEMPMSK: Final = 0x834
DEACHINT: Final = 0x838
DEACHINTMSK: Final = 0x83C
DIEPEACHMSK0: Final = 0x840
DOEPEACHMSK0: Final = 0x880
IN_BASE: Final = 0x900
OUT_BASE: Final = 0xB00
EP_STRIDE: Final = 0x20
EP_CTL: Final = 0x00
EP_INT: Final = 0x08
EP_TSIZ: Final = 0x10
EP_DMA: Final = 0x14
EP_TXFSTS: Final = 0x18
EP_DMAB: Final = 0x1C
PCGCCTL: Final = 0xE00
PCGCCTL1: Final = 0xE04
PCGC_STOPPCLK: Final = 1 << 0
PCGC_L1SUSPENDED: Final = 1 << 7
FIFO_BASE: Final = 0x1000
FIFO_END: Final = 0x11000

# -- GINTSTS ----------------------------------------------------------------------------------
INT_MODEMIS: Final = 1 << 1
INT_OTG: Final = 1 << 2
INT_SOF: Final = 1 << 3
INT_RXFLVL: Final = 1 << 4
INT_NPTXFEMP: Final = 1 << 5
INT_GINNAKEFF: Final = 1 << 6
INT_GOUTNAKEFF: Final = 1 << 7
INT_ERLYSUSP: Final = 1 << 10
INT_USBSUSP: Final = 1 << 11
INT_USBRST: Final = 1 << 12
INT_ENUMDONE: Final = 1 << 13
INT_ISOOUTDROP: Final = 1 << 14
INT_EOPF: Final = 1 << 15
INT_EPMIS: Final = 1 << 17
INT_IEP: Final = 1 << 18
INT_OEP: Final = 1 << 19
INT_INCOMPISOIN: Final = 1 << 20
INT_INCOMPISOOUT: Final = 1 << 21
INT_RESETDET: Final = 1 << 23
INT_PTXFEMP: Final = 1 << 26
INT_LPM: Final = 1 << 27
INT_SESSREQ: Final = 1 << 30
INT_WKUP: Final = 1 << 31
GINTSTS_W1C: Final = 0xF8F3FC0A
"""Latched causes: bits 1, 3, 10-17, 20-23, 27-31; the rest are levels or reserved."""
GOTGINT_W1C: Final = 0x001E0304
OTG_SESENDDET: Final = 1 << 2

# -- endpoint interrupts (section 5) ----------------------------------------------------------
EPI_XFERCOMPL: Final = 1 << 0
EPI_DISBLD: Final = 1 << 1
EPI_AHBERR: Final = 1 << 2
EPI_BNA: Final = 1 << 9
IEP_TIMEOUT: Final = 1 << 3
IEP_INTKNTXFEMP: Final = 1 << 4
IEP_INTKNEPMIS: Final = 1 << 5
IEP_INEPNAKEFF: Final = 1 << 6
IEP_TXFEMP: Final = 1 << 7
EPI_NAK: Final = 1 << 13
EPI_NYET: Final = 1 << 14
OEP_SETUP: Final = 1 << 3
OEP_OUTTKNEPDIS: Final = 1 << 4
OEP_STSPHSERCVD: Final = 1 << 5
OEP_BACK2BACK: Final = 1 << 6
EPI_PKTDRP: Final = 1 << 11
EPI_BBLE: Final = 1 << 12
OEP_STUPPKTRCVD: Final = 1 << 15
IEP_W1C: Final = 0x7B7F
"""Latched causes of DIEPINT: 0-6, 8, 9, 11-14."""
OEP_W1C: Final = 0xFB7F
"""Latched causes of DOEPINT: 0-6, 8, 9, 11-15."""
DIEPMSK_BITS: Final = 0x7BFF
DOEPMSK_BITS: Final = 0xFB7F

# -- endpoint control -------------------------------------------------------------------------
EPCTL_ACTIVE: Final = 1 << 15
EPCTL_DPID: Final = 1 << 16
EPCTL_NAKSTS: Final = 1 << 17
EPCTL_TYPE: Final = 3 << 18
EPCTL_SNP: Final = 1 << 20
EPCTL_STALL: Final = 1 << 21
EPCTL_CNAK: Final = 1 << 26
EPCTL_SNAK: Final = 1 << 27
EPCTL_SETD0: Final = 1 << 28
EPCTL_SETD1: Final = 1 << 29
EPCTL_DIS: Final = 1 << 30
EPCTL_ENA: Final = 1 << 31
EPTYPE_CONTROL: Final = 0
EPTYPE_ISO: Final = 1
EPTYPE_BULK: Final = 2
EPTYPE_INTERRUPT: Final = 3
EP0_MPS: Final = (64, 32, 16, 8)

# -- GAHBCFG, GRSTCTL, DCTL, others -----------------------------------------------------------
AHB_GLBLINTRMSK: Final = 1 << 0
AHB_DMAEN: Final = 1 << 5
AHB_NPTXFEMPLVL: Final = 1 << 7
AHB_PTXFEMPLVL: Final = 1 << 8
AHB_BITS: Final = 0x01E001BF
RST_CSFTRST: Final = 1 << 0
RST_RXFFLSH: Final = 1 << 4
RST_TXFFLSH: Final = 1 << 5
RST_TXFNUM: Final = 0x1F << 6
RST_DMAREQ: Final = 1 << 30
RST_AHBIDLE: Final = 1 << 31
DCTL_RMTWKUP: Final = 1 << 0
DCTL_SFTDISCON: Final = 1 << 1
DCTL_TSTCTL: Final = 7 << 4
TEST_J, TEST_K, TEST_SE0_NAK, TEST_PACKET = 1, 2, 3, 4
"""Values of DCTL.TstCtl (section 4); 5 is for hub ports, the rest is reserved."""
DCTL_SGNPINNAK: Final = 1 << 7
DCTL_CGNPINNAK: Final = 1 << 8
DCTL_SGOUTNAK: Final = 1 << 9
DCTL_CGOUTNAK: Final = 1 << 10
DCTL_STORED: Final = 0x000FE873
"""RmtWkUpSig, SftDiscon, TstCtl, PWROnPrgDone, 19:13; the rest are commands or read only."""
DCFG_NZSTS: Final = 1 << 2
DCFG_DESCDMA: Final = 1 << 23
DCFG_PERFRINT: Final = 3 << 11
PERIODIC_END: Final = (80, 85, 90, 95)
"""Per cent of a (micro)frame at which EOPF comes, by DCFG.PerFrInt."""
DCFG_BITS: Final = 0xFFFEFFFF
"""DescDMA (bit 23) reads 0 where it is not built."""
OTG_BVALIDOVEN: Final = 1 << 6
OTG_BVALIDOVVAL: Final = 1 << 7
LPM_CAP: Final = 1 << 0
LPM_APPL1RES: Final = 1 << 1
LPM_L1RESUMEOK: Final = 1 << 16
LPM_REJECTCTRL: Final = 1 << 21
LPM_ACCEPTISOC: Final = 1 << 22
GLPMCFG_RW: Final = 0xD17E1F83
"""RW bits of GLPMCFG; RstrSlpSts (29) reads 0."""
GOTGCTL_STORED: Final = 0x00109EFE
"""Every RW bit: 7:1, 12:9, 15, 20."""
DIEPTSIZ0_BITS: Final = 0x0018007F
DOEPTSIZ0_BITS: Final = 0x6008007F
TSIZ_SIZE: Final = 0x7FFFF
TSIZ_COUNT: Final = 0x3FF

# -- PktSts of a receive status word (section 3) ----------------------------------------------
PKTSTS_GOUTNAK: Final = 1
PKTSTS_DATA: Final = 2
PKTSTS_DONE: Final = 3
PKTSTS_SETUP_DONE: Final = 4
PKTSTS_SETUP: Final = 6

DPID_OF_PID: Final = {0x3: 0, 0x7: 1, 0xB: 2, 0xF: 3}
"""Code of a data PID in GRXSTSP and DOEPTSIZ: DATA0 0, DATA2 1, DATA1 2, MDATA 3."""

# -- the extension bank (DESIGN section 5) ----------------------------------------------------
XCAP: Final = 0x12000
XCFG: Final = 0x12004
XINTMSK: Final = 0x12010
EXT_BASE: Final = 0x12400
EXT_END: Final = 0x12800
EXT_CMD: Final = 0x08
EXT_INT: Final = 0x10
EXT_MSK: Final = 0x14
XCFG_CMDEN: Final = 1 << 2
XCFG_BITS: Final = 0xFFFF001F
CMD_IOC: Final = 1 << 8
CMD_ACT: Final = 1 << 10
CMD_STATUS: Final = 0xF << 12
CMD_STORED: Final = 0xFFFF010F
EPX_CMDCOMPL: Final = 1 << 0
EPX_BITS: Final = 0x3F
