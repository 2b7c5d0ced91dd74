# SPDX-License-Identifier: Apache-2.0
"""acm: CDC ACM serial port (functions.md section 1, requirements S004-40 to S004-45, S004-81)."""

from __future__ import annotations

import errno
import logging
import struct

from tb.kernel import os_error
from tb.usb import (
    DIR_IN,
    Descriptor,
    DescriptorType,
    EndpointCompanion,
    EndpointDescriptor,
    InterfaceAssociation,
    InterfaceDescriptor,
    RawDescriptor,
    SetupPacket,
    Speed,
    TransferType,
)

from ..autoconfig import config_ep_by_speed, usb_ep_autoconfig
from ..composite import (
    UsbConfiguration,
    UsbFunction,
    usb_assign_descriptors,
    usb_gstrings_attach,
    usb_interface_id,
)
from ..endpoint import (
    UsbEp,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_disable,
    usb_ep_enable,
    usb_ep_queue,
)
from ..function import UsbFunctionDriver, UsbFunctionInstance, usb_function_register
from ..strings import ENGLISH_US, UsbGadgetStrings, UsbString
from ..vfs import FunctionFile, Node
from .u_serial import (
    GserialLink,
    gserial_alloc_line,
    gserial_connect,
    gserial_disconnect,
    gserial_free_line,
)

__all__ = ["AcmFunction", "AcmInstance"]

log = logging.getLogger(__name__)

_NOTIFY_BYTES = 10
_NOTIFY_INTERVAL_FS = 32  # ms
_NOTIFY_INTERVAL_HS = 9  # 2**(9-1) microframes = 32 ms

SET_LINE_CODING = 0x20
GET_LINE_CODING = 0x21
SET_CONTROL_LINE_STATE = 0x22
SEND_BREAK = 0x23
NOTIFY_SERIAL_STATE = 0x20

STATE_DCD = 1 << 0
STATE_DSR = 1 << 1
STATE_BREAK = 1 << 2

_STRINGS = [
    UsbGadgetStrings(
        ENGLISH_US,
        [
            UsbString("CDC Abstract Control Model (ACM)"),
            UsbString("CDC ACM Data"),
            UsbString("CDC Serial"),
        ],
    )
]


class AcmInstance(UsbFunctionInstance):
    """An instance owns a serial port; configfs shows its number."""

    def __init__(self) -> None:
        """Take the next free port.

        Raises:
            OSError: EBUSY if there is none.
        """
        super().__init__()
        self.port = gserial_alloc_line()

    def attributes(self) -> dict[str, Node]:
        """Return the configfs files."""
        return {"port_num": FunctionFile(lambda: f"{self.port.number}\n")}

    def free(self) -> None:
        """Give the port back."""
        gserial_free_line(self.port)


class AcmFunction(UsbFunction):
    """The function: a control interface with notifications, a data interface with bulk pipes.

    Attributes:
        line_coding: the 7 bytes of the last SET_LINE_CODING.
        handshake_bits: wValue of the last SET_CONTROL_LINE_STATE (bit 0 DTR, bit 1 RTS).
        serial_state: bits of the SERIAL_STATE notification.
    """

    def __init__(self, port_num: int) -> None:
        """Serve a port."""
        super().__init__("acm")
        self.port_num = port_num
        self.ctrl_id = 0
        self.data_id = 0
        # 9600 baud; the other start values are swapped in Linux 6.1, and so they are here.
        self.line_coding = struct.pack("<IBBB", 9600, 8, 0, 0)
        self.handshake_bits = 0
        self.serial_state = 0
        self.link = GserialLink(self._tty_opened, self._tty_closed)
        self.notify: UsbEp | None = None
        self._notify_request: UsbRequest | None = None
        self._notify_spare: UsbRequest | None = None
        self._pending = False
        self._control_running = False

    # -- binding ---------------------------------------------------------------------------

    async def bind(self, config: UsbConfiguration) -> None:
        """Claim two interfaces and three endpoints.

        Raises:
            OSError: ENODEV if endpoints or interfaces are missing.
        """
        cdev = self.cdev
        gadget = cdev.the_gadget
        texts = usb_gstrings_attach(cdev, _STRINGS, 3)
        self.ctrl_id = usb_interface_id(config, self)
        self.data_id = usb_interface_id(config, self)
        bulk, interrupt = int(TransferType.BULK), int(TransferType.INTERRUPT)
        fs_in = EndpointDescriptor(DIR_IN, bulk)
        fs_out = EndpointDescriptor(0, bulk)
        fs_notify = EndpointDescriptor(DIR_IN, interrupt, _NOTIFY_BYTES, _NOTIFY_INTERVAL_FS)
        self.link.ep_in = usb_ep_autoconfig(gadget, fs_in)
        self.link.ep_out = usb_ep_autoconfig(gadget, fs_out)
        self.notify = usb_ep_autoconfig(gadget, fs_notify)
        for what, ep in (
            ("bulk IN", self.link.ep_in),
            ("bulk OUT", self.link.ep_out),
            ("interrupt IN", self.notify),
        ):
            if ep is None:
                raise os_error(errno.ENODEV, f"acm: {gadget.name} has no {what} endpoint left")
        assert self.notify is not None
        self._notify_request = alloc_ep_req(self.notify, _NOTIFY_BYTES)
        self._notify_request.complete = self._notified
        self._notify_spare = self._notify_request

        head: list[Descriptor | RawDescriptor] = [
            InterfaceAssociation(self.ctrl_id, 2, 0x02, 0x02, 0x01, texts[2].id),
            InterfaceDescriptor(self.ctrl_id, 0, 1, 0x02, 0x02, 0x01, texts[0].id),
            RawDescriptor(DescriptorType.CS_INTERFACE, bytes((0x00, 0x10, 0x01))),
            RawDescriptor(DescriptorType.CS_INTERFACE, bytes((0x01, 0x00, self.data_id))),
            RawDescriptor(DescriptorType.CS_INTERFACE, bytes((0x02, 0x02))),
            RawDescriptor(DescriptorType.CS_INTERFACE, bytes((0x06, self.ctrl_id, self.data_id))),
        ]
        data = InterfaceDescriptor(self.data_id, 0, 2, 0x0A, 0x00, 0x00, texts[1].id)

        def hs_notify() -> EndpointDescriptor:
            return EndpointDescriptor(
                fs_notify.bEndpointAddress, interrupt, _NOTIFY_BYTES, _NOTIFY_INTERVAL_HS
            )

        def pipe(like: EndpointDescriptor, size: int) -> EndpointDescriptor:
            return EndpointDescriptor(like.bEndpointAddress, bulk, size)

        none = EndpointCompanion()
        ss: list[Descriptor | RawDescriptor] = [
            *head,
            hs_notify(),
            none,
            data,
            pipe(fs_in, 1024),
            none,
            pipe(fs_out, 1024),
            none,
        ]
        usb_assign_descriptors(
            self,
            [*head, fs_notify, data, fs_in, fs_out],
            [*head, hs_notify(), data, pipe(fs_in, 512), pipe(fs_out, 512)],
            ss,
            None,
        )
        log.info("acm: port %d, IN %s OUT %s", self.port_num, self.link.ep_in, self.link.ep_out)

    async def unbind(self, config: UsbConfiguration) -> None:
        """Free the notification request."""
        if self._notify_spare is not None and self.notify is not None:
            free_ep_req(self.notify, self._notify_spare)
        self._notify_request = self._notify_spare = None

    # -- configuration ---------------------------------------------------------------------

    async def set_alt(self, interface: int, alt: int) -> int:
        """Start the control or the data interface (S004-81, S004-82).

        Raises:
            OSError: EINVAL for another interface or missing descriptors.
        """
        gadget = self.cdev.the_gadget
        assert self.notify is not None
        if interface == self.ctrl_id:
            await usb_ep_disable(self.notify)
            if self.notify.desc is None or not self._described(self.notify):
                try:
                    config_ep_by_speed(gadget, self, self.notify)
                except OSError as error:
                    self.notify.desc = None
                    raise os_error(errno.EINVAL, f"acm: {error.strerror}") from error
            await usb_ep_enable(self.notify)
            return 0
        if interface == self.data_id:
            ep_in, ep_out = self.link.endpoints
            if self.link.port is not None:
                await gserial_disconnect(self.link)
            try:
                config_ep_by_speed(gadget, self, ep_in)
                config_ep_by_speed(gadget, self, ep_out)
            except OSError as error:
                ep_in.desc = ep_out.desc = None
                raise os_error(errno.EINVAL, f"acm: {error.strerror}") from error
            await gserial_connect(self.link, self.port_num)
            return 0
        raise os_error(errno.EINVAL, f"acm: interface {interface} is not mine")

    def _described(self, ep: UsbEp) -> bool:
        """Tell whether the endpoint's descriptor is that of the present speed."""
        tables = {Speed.HIGH: self.hs_descriptors, Speed.SUPER: self.ss_descriptors}
        table = tables.get(self.cdev.the_gadget.speed, self.fs_descriptors)
        return any(one is ep.desc for one in table or ())

    async def disable(self) -> None:
        """Stop both interfaces."""
        await gserial_disconnect(self.link)
        if self.notify is not None:
            await usb_ep_disable(self.notify)

    async def suspend(self) -> None:
        """Tell the port."""
        if self.link.port is not None:
            self.link.port.suspend()

    async def resume(self) -> None:
        """Tell the port."""
        if self.link.port is not None:
            self.link.port.resume()

    # -- requests --------------------------------------------------------------------------

    async def setup(self, ctrl: SetupPacket) -> int:
        """Handle the class requests; anything else stalls."""
        wrong = os_error(
            errno.EOPNOTSUPP, f"acm: request 0x{ctrl.bmRequestType:02x} 0x{ctrl.bRequest:02x}"
        )
        request = self.cdev.request
        out, in_ = 0x21, 0xA1
        if ctrl.wIndex & 0xFF != self.ctrl_id:
            raise wrong
        if (ctrl.bmRequestType, ctrl.bRequest) == (out, SET_LINE_CODING):
            if ctrl.wLength != 7:
                raise wrong
            request.length = 7
            request.complete = self._line_coding_came
        elif (ctrl.bmRequestType, ctrl.bRequest) == (in_, GET_LINE_CODING):
            request.length = min(ctrl.wLength, 7)
            request.data()[: request.length] = self.line_coding[: request.length]
        elif (ctrl.bmRequestType, ctrl.bRequest) == (out, SET_CONTROL_LINE_STATE):
            self.handshake_bits = ctrl.wValue
            request.length = 0
        elif (ctrl.bmRequestType, ctrl.bRequest) == (out, SEND_BREAK):
            # Linux 6.1 notifies and stalls all the same.
            if ctrl.wValue:
                self.serial_state |= STATE_BREAK
            else:
                self.serial_state &= ~STATE_BREAK
            self._notify_state()
            raise wrong
        else:
            raise wrong
        request.zero = False
        usb_ep_queue(self.cdev.ep0, request)
        return request.length

    def _line_coding_came(self, ep: UsbEp, request: UsbRequest) -> None:
        if request.status:
            log.debug("acm: line coding ended with %d", request.status)
            return
        if request.actual != 7:
            ep.stall_status = True
            return
        self.line_coding = bytes(request.data()[:7])

    # -- notifications ---------------------------------------------------------------------

    def _tty_opened(self) -> None:
        self.serial_state |= STATE_DSR | STATE_DCD
        self._notify_state()

    def _tty_closed(self) -> None:
        self.serial_state &= ~(STATE_DSR | STATE_DCD)
        self._notify_state()

    def _notify_state(self) -> None:
        """Send SERIAL_STATE, or remember to (S004-43 to S004-45)."""
        request = self._notify_request
        if request is None:
            self._pending = True
            return
        assert self.notify is not None
        self._pending = False
        # Taken while in flight; back before queue may complete it at once.
        self._notify_request = None
        header = struct.pack("<BBHHH", 0xA1, NOTIFY_SERIAL_STATE, 0, self.ctrl_id, 2)
        request.data()[:_NOTIFY_BYTES] = header + struct.pack("<H", self.serial_state)
        request.length = _NOTIFY_BYTES
        try:
            usb_ep_queue(self.notify, request)
        except OSError as error:
            log.debug("acm: cannot notify: %s", error)
            self._notify_request = request

    def _notified(self, ep: UsbEp, request: UsbRequest) -> None:
        again = self._pending and request.status != -errno.ESHUTDOWN
        self._notify_request = request
        if again:
            self._notify_state()


def _alloc_func(instance: UsbFunctionInstance) -> UsbFunction:
    assert isinstance(instance, AcmInstance)
    return AcmFunction(instance.port.number)


usb_function_register(UsbFunctionDriver("acm", AcmInstance, _alloc_func))
