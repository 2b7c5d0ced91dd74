/* SPDX-License-Identifier: Apache-2.0 */
/* Icarus: the functions of functions.def as system functions, and the pump as a VPI callback. */
#include "pf.h"

#include <stddef.h>
#include <vpi_user.h>

typedef int32_t (*anyfunction)(void);

struct entry {
    const char *name;
    int nargs;
    anyfunction function;
};

#define PF_FUNCTION(name, nargs) {"$" #name, nargs, (anyfunction)(void *)name},
static struct entry entries[] = {
#include "functions.def"
};
#undef PF_FUNCTION

static int scheduled = 0;
static vpiHandle wake_signal = NULL;

static void read_time(void) {
    s_vpi_time now = {.type = vpiSimTime};
    vpi_get_time(NULL, &now);
    pf_now_ps = ((int64_t)now.high << 32) | now.low;
}

static PLI_INT32 on_settled(p_cb_data data) {
    (void)data;
    scheduled = 0;
    read_time();
    pf_pump();
    if (pf_cocotb_wake) {
        pf_cocotb_wake = 0;
        /* cocotb runs its tasks when this signal changes. */
        if (wake_signal == NULL) wake_signal = vpi_handle_by_name("tb_top.pf_wake", NULL);
        if (wake_signal != NULL) {
            s_vpi_value value = {.format = vpiIntVal};
            vpi_get_value(wake_signal, &value);
            value.value.integer ^= 1;
            vpi_put_value(wake_signal, &value, NULL, vpiNoDelay);
        }
    }
    return 0;
}

static void schedule(void) {
    if (scheduled) return;
    scheduled = 1;
    s_vpi_time when = {.type = vpiSimTime};
    s_cb_data data = {.reason = cbReadWriteSynch, .cb_rtn = on_settled, .time = &when};
    vpiHandle handle = vpi_register_cb(&data);
    if (handle != NULL) vpi_free_object(handle);
}

static PLI_INT32 call(PLI_BYTE8 *user) {
    const struct entry *entry = (const struct entry *)user;
    vpiHandle self = vpi_handle(vpiSysTfCall, NULL);
    vpiHandle args = vpi_iterate(vpiArgument, self);
    int32_t a[6] = {0};
    s_vpi_value value = {.format = vpiIntVal};
    vpiHandle arg;
    int count = 0;
    read_time();
    while (args != NULL && (arg = vpi_scan(args)) != NULL) {
        vpi_get_value(arg, &value);
        if (count < 6) a[count] = value.value.integer;
        count++;
    }
    if (count != entry->nargs) {
        vpi_printf("%s: %d arguments instead of %d\n", entry->name, count, entry->nargs);
        vpi_control(vpiFinish, 1);
        return 0;
    }
    void *f = (void *)entry->function;
    int32_t result = 0;
    switch (entry->nargs) {
    case 1: result = ((int32_t(*)(int32_t))f)(a[0]); break;
    case 2: result = ((int32_t(*)(int32_t, int32_t))f)(a[0], a[1]); break;
    case 3: result = ((int32_t(*)(int32_t, int32_t, int32_t))f)(a[0], a[1], a[2]); break;
    case 4:
        result = ((int32_t(*)(int32_t, int32_t, int32_t, int32_t))f)(a[0], a[1], a[2], a[3]);
        break;
    case 5:
        result = ((int32_t(*)(int32_t, int32_t, int32_t, int32_t, int32_t))f)(a[0], a[1], a[2],
                                                                              a[3], a[4]);
        break;
    case 6:
        result = ((int32_t(*)(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t))f)(
            a[0], a[1], a[2], a[3], a[4], a[5]);
        break;
    default: break;
    }
    value.format = vpiIntVal;
    value.value.integer = result;
    vpi_put_value(self, &value, NULL, vpiNoDelay);
    return 0;
}

static PLI_INT32 size(PLI_BYTE8 *user) {
    (void)user;
    return 32;
}

static void register_all(void) {
    pf_schedule = schedule;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        s_vpi_systf_data data = {
            .type = vpiSysFunc,
            .sysfunctype = vpiIntFunc,
            .tfname = (PLI_BYTE8 *)entries[i].name,
            .calltf = call,
            .compiletf = NULL,
            .sizetf = size,
            .user_data = (PLI_BYTE8 *)&entries[i],
        };
        vpi_register_systf(&data);
    }
}

void (*vlog_startup_routines[])(void) = {register_all, NULL};
