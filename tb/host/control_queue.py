# SPDX-License-Identifier: Apache-2.0
"""Control transfers: SETUP, data and status stage (USB 2.0 section 8.5.3)."""

from __future__ import annotations

import errno

from pymodel.packets import PID
from pymodel.wire import Status, Transaction
from tb.kernel import us

from .queues import DATA, EndpointQueue, Td

__all__ = ["ControlQueue"]

_OUT, _IN, _PING, _SETUP = int(PID.OUT), int(PID.IN), int(PID.PING), int(PID.SETUP)
_STAGE_SETUP, _STAGE_DATA, _STAGE_STATUS = range(3)
_RETRY_LIMIT = us(125)


class ControlQueue(EndpointQueue):
    """The default endpoint, or another control endpoint: one transfer at a time, in stages."""

    def ready(self, when: int, extend: bool) -> bool:
        """Tell whether a stage can be planned; stages never overlap."""
        return bool(
            self.urbs
            and not self.outstanding
            and not self.stopped
            and not self.broken
            and self.retry_at <= when
        )

    def nak(self) -> None:
        """Come back soon: somebody waits for the answer."""
        self.naks += 1
        self.retry_at = self.hcd.kernel.now + min(us(5) << min(self.naks, 8), _RETRY_LIMIT)

    def plan(self, batch: list[Transaction], budget: int, frame: int) -> int:
        """Plan the present stage."""
        td = self.urbs[0]
        urb = td.urb
        setup = urb.setup_packet
        assert setup is not None
        self.chain = self.hcd.new_chain()
        count = len(batch)
        if td.stage == _STAGE_SETUP:
            used = self._add(batch, _SETUP, DATA[0], bytes(setup), 0)
        elif td.stage == _STAGE_DATA:
            used = self._plan_data(batch, td, budget)
        elif urb.is_in:
            if self.ping:
                self._add(batch, _PING, DATA[0], b"", 0)
            used = self._add(batch, _OUT, DATA[1], b"", 0)
        else:
            used = self._add(batch, _IN, DATA[1], b"", 0)
        self.outstanding = len(batch) - count
        return used

    def _plan_data(self, batch: list[Transaction], td: Td, budget: int) -> int:
        used = 0
        toggle = self.toggle
        if td.urb.is_in:
            many = td.packets - td.done
            for _ in range(max(1, min(many, budget // self.full_cost))):
                used += self._add(batch, _IN, DATA[0], b"", self.maxp)
            return used
        if self.ping:
            used += self._add(batch, _PING, DATA[0], b"", 0)
        planned = td.done
        while planned < td.packets:
            offset = planned * self.maxp
            data = td.view[offset : offset + self.maxp]
            if planned > td.done and used + self.full_cost > budget:
                break
            used += self._add(batch, _OUT, DATA[toggle], data, 0)
            toggle ^= 1
            planned += 1
        return used

    def _add(
        self,
        batch: list[Transaction],
        token: int,
        pid: int,
        data: bytes | memoryview,
        max_length: int,
    ) -> int:
        transaction = Transaction(
            token, self.dev.devnum, self.number, pid, data, max_length, False, None,
            self.chain, None, self,
        )  # fmt: skip
        batch.append(transaction)
        return self.base_cost + (len(data) + max_length) * self.byte_cost

    def done(self, transaction: Transaction) -> None:
        """Take a transaction back."""
        self.outstanding -= 1
        status = transaction.status
        token = transaction.token
        td = self.urbs[0] if self.urbs else None
        good = status is Status.OK or (status is Status.NYET and token == _OUT and self.high_speed)
        if td is None:
            pass
        elif good:
            self.errors = 0
            self.naks = 0
            self.retry_at = 0
            if token == _OUT:
                self.ping = status is Status.NYET
                self.broken = self.broken or self.ping
            self._advance(td, transaction)
        elif token == _SETUP and status in (Status.NAK, Status.NYET):
            # A device must acknowledge a SETUP (USB 2.0 section 8.4.6.4): this is an error.
            transaction.status = Status.PID
            self.failed(transaction)
        else:
            self.failed(transaction)
        if self.broken and not self.outstanding:
            self.settle()

    def _advance(self, td: Td, transaction: Transaction) -> None:
        urb = td.urb
        token = transaction.token
        if token == _PING:
            self.ping = False
        elif token == _SETUP:
            self.toggle = 1
            self.ping = False
            td.stage = _STAGE_DATA if urb.transfer_buffer_length else _STAGE_STATUS
        elif td.stage == _STAGE_STATUS:
            if token == _IN and transaction.rx_pid != DATA[1]:
                self.broken = True
                return
            self.urbs.popleft()
            self.hcd.giveback(td, 0, False)
        elif token == _OUT:
            self.toggle ^= 1
            td.done += 1
            urb.actual_length += len(transaction.data)
            if td.done == td.packets:
                td.stage = _STAGE_STATUS
        else:
            self._received(td, transaction)

    def _received(self, td: Td, transaction: Transaction) -> None:
        urb = td.urb
        if transaction.rx_pid != DATA[self.toggle]:
            self.broken = True
            return
        self.toggle ^= 1
        data = transaction.rx_data
        offset = urb.actual_length
        end = offset + len(data)
        length = urb.transfer_buffer_length
        if end > length:
            td.view[offset:] = data[: length - offset]
            urb.actual_length = length
            self.broken = True
            self.fault = -errno.EOVERFLOW
            return
        td.view[offset:end] = data
        urb.actual_length = end
        td.done += 1
        if end == length or len(data) < self.maxp:
            td.stage = _STAGE_STATUS
            self.broken = self.broken or bool(self.outstanding)

    def replan(self) -> None:
        """Nothing is planned ahead of what was done."""
