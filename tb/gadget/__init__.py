# SPDX-License-Identifier: Apache-2.0
"""The device machine and the Linux gadget API under its Linux names."""

from .autoconfig import (
    config_ep_by_speed,
    config_ep_by_speed_and_alt,
    usb_ep_autoconfig,
    usb_ep_autoconfig_release,
    usb_ep_autoconfig_reset,
    usb_ep_autoconfig_ss,
    usb_gadget_ep_match_desc,
)
from .composite import (
    USB_GADGET_DELAYED_STATUS,
    UsbCompositeDev,
    UsbConfiguration,
    UsbFunction,
    usb_add_config,
    usb_add_config_only,
    usb_add_function,
    usb_assign_descriptors,
    usb_function_activate,
    usb_function_deactivate,
    usb_gstrings_attach,
    usb_interface_id,
    usb_remove_function,
    usb_string_id,
    usb_string_ids_n,
    usb_string_ids_tab,
)
from .composite_setup import usb_composite_setup_continue
from .endpoint import (
    EpCaps,
    UsbEp,
    UsbEpOps,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_alloc_request,
    usb_ep_clear_halt,
    usb_ep_dequeue,
    usb_ep_disable,
    usb_ep_enable,
    usb_ep_fifo_flush,
    usb_ep_fifo_status,
    usb_ep_free_request,
    usb_ep_queue,
    usb_ep_set_halt,
    usb_ep_set_maxpacket_limit,
    usb_ep_set_wedge,
    usb_gadget_giveback_request,
)
from .function import (
    UsbFunctionDriver,
    UsbFunctionInstance,
    usb_function_register,
    usb_function_unregister,
    usb_get_function,
    usb_get_function_instance,
    usb_put_function,
    usb_put_function_instance,
)
from .gadget import (
    UsbGadget,
    UsbGadgetDriver,
    UsbGadgetOps,
    gadget_find_ep_by_name,
    gadget_is_dualspeed,
    gadget_is_superspeed,
    usb_gadget_activate,
    usb_gadget_check_config,
    usb_gadget_clear_selfpowered,
    usb_gadget_connect,
    usb_gadget_deactivate,
    usb_gadget_disconnect,
    usb_gadget_frame_number,
    usb_gadget_set_remote_wakeup,
    usb_gadget_set_selfpowered,
    usb_gadget_set_state,
    usb_gadget_udc_reset,
    usb_gadget_vbus_connect,
    usb_gadget_vbus_disconnect,
    usb_gadget_vbus_draw,
    usb_gadget_wakeup,
)
from .legacy import UsbCompositeDriver, usb_composite_probe, usb_composite_unregister
from .machine import DeviceMachine, default_node
from .strings import UsbGadgetStrings, UsbString, usb_gadget_get_string, usb_validate_langid
from .udc_core import (
    UdcCore,
    UsbUdc,
    usb_add_gadget_udc,
    usb_del_gadget_udc,
    usb_gadget_probe_driver,
    usb_gadget_register_driver,
    usb_gadget_unregister_driver,
    usb_udc_vbus_handler,
)

__all__ = [name for name in dir() if not name.startswith("_")]
