/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that the controller's bus master reads and writes, with permissions per word. */
#include "pf.h"

#include <stdlib.h>
#include <string.h>

/* BESIDE: the master reads a lane that it need not want: refused without a complaint. */
enum { MAY_READ = 1, MAY_WRITE = 2, BESIDE = 5 };
enum { OKAY = 0, SLVERR = 2, DECERR = 3 };

uint8_t *pf_mem_bytes = NULL;
uint8_t *pf_mem_rights = NULL; /* one byte per word */
uint32_t pf_mem_base = 0;
uint32_t pf_mem_size = 0;
/* Beats moved: read, written. */
uint64_t pf_mem_beats[2];
/* Knobs: clocks from a read's address to its data, from the last data of a write to its response,
 * chance in 1/256 of a stall per beat, longest stall in clocks, random state, error responses still
 * to give (reads, writes), most clocks that a latency is longer at random. */
uint32_t pf_mem_knobs[8] = {0, 0, 0, 0, 1, 0, 0, 0};
/* Violations: address, kind (1 read, 2 write), rights there (4 = outside of memory). */
#define VIOLATIONS 64
uint32_t pf_mem_violations[VIOLATIONS][3];
uint32_t pf_mem_violation_count = 0;
/* Where accesses get an error response: first, end, kinds; how many. */
#define ERROR_RANGES 16
uint32_t pf_mem_errors[ERROR_RANGES][3];
uint32_t pf_mem_error_count = 0;

static uint32_t random_step(uint32_t *state) {
    uint32_t x = *state ? *state : 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* Lay the memory out anew: all zero, nothing mapped. Returns 0 when it could be had. */
int32_t pf_mem_init(uint32_t base, uint32_t size) {
    free(pf_mem_bytes);
    free(pf_mem_rights);
    pf_mem_bytes = calloc(size, 1);
    pf_mem_rights = calloc(size / 4, 1);
    pf_mem_base = base;
    pf_mem_size = size;
    pf_mem_violation_count = 0;
    pf_mem_error_count = 0;
    return pf_mem_bytes == NULL || pf_mem_rights == NULL;
}

/* Set the rights of the words that [address, address + size) touches. Returns 0 if inside. */
int32_t pf_mem_allow(uint32_t address, uint32_t size, int32_t rights) {
    uint64_t first = (uint64_t)address - pf_mem_base;
    if (address < pf_mem_base || first + size > pf_mem_size) return 1;
    if (size == 0) return 0;
    memset(pf_mem_rights + first / 4, rights, (first % 4 + size + 3) / 4);
    return 0;
}

static void violate(uint32_t address, uint32_t kind, uint32_t rights) {
    if (pf_mem_violation_count < VIOLATIONS) {
        uint32_t *entry = pf_mem_violations[pf_mem_violation_count++];
        entry[0] = address;
        entry[1] = kind;
        entry[2] = rights;
    }
    pf_raise(PF_EVENT_MEMORY);
}

/* Clocks before the next step: 0 read burst, 1 write burst, 2 read beat, 3 write beat. */
int32_t pf_mem_delay(int32_t step) {
    if (step < 2) {
        uint32_t more = pf_mem_knobs[7];
        if (more) more = random_step(&pf_mem_knobs[4]) % (more + 1);
        return (int32_t)(pf_mem_knobs[step] + more);
    }
    if (pf_mem_knobs[2] == 0 || pf_mem_knobs[3] == 0) return 0;
    uint32_t draw = random_step(&pf_mem_knobs[4]);
    if ((draw & 255) >= pf_mem_knobs[2]) return 0;
    return (int32_t)(1 + (draw >> 8) % pf_mem_knobs[3]);
}

static int erroneous(uint32_t address, uint32_t kind) {
    for (uint32_t i = 0; i < pf_mem_error_count; i++) {
        const uint32_t *range = pf_mem_errors[i];
        if (address >= range[0] && address < range[1] && (range[2] & kind)) return 1;
    }
    return 0;
}

/* The response that an access gets; kind is MAY_READ, MAY_WRITE or BESIDE. */
int32_t pf_mem_check(int32_t address, int32_t kind) {
    uint32_t offset = (uint32_t)address - pf_mem_base;
    uint32_t *errors = &pf_mem_knobs[kind == MAY_WRITE ? 6 : 5];
    if (kind == BESIDE) {
        if ((uint32_t)address < pf_mem_base || offset >= pf_mem_size) return DECERR;
        return (pf_mem_rights[offset >> 2] & MAY_READ) ? OKAY : SLVERR;
    }
    if ((uint32_t)address < pf_mem_base || offset >= pf_mem_size) {
        violate((uint32_t)address, (uint32_t)kind, 4);
        return DECERR;
    }
    if (*errors) {
        (*errors)--;
        return SLVERR;
    }
    if (erroneous((uint32_t)address, (uint32_t)kind)) return SLVERR;
    if (!(pf_mem_rights[offset >> 2] & kind)) {
        violate((uint32_t)address, (uint32_t)kind, pf_mem_rights[offset >> 2]);
        return SLVERR;
    }
    return OKAY;
}

/* Read a word; call pf_mem_check first. */
int32_t pf_mem_read(int32_t address) {
    uint32_t offset = ((uint32_t)address - pf_mem_base) & ~3u;
    uint32_t value = 0xDEADDEADu;
    if (offset < pf_mem_size) memcpy(&value, pf_mem_bytes + offset, 4);
    pf_mem_beats[0]++;
    return (int32_t)value;
}

/* Write the bytes that `strobe` names. */
int32_t pf_mem_write(int32_t address, int32_t value, int32_t strobe) {
    uint32_t offset = ((uint32_t)address - pf_mem_base) & ~3u;
    uint32_t word = (uint32_t)value;
    if (offset >= pf_mem_size) return 0;
    pf_mem_beats[1]++;
    if (strobe == 15) {
        memcpy(pf_mem_bytes + offset, &word, 4);
        return 0;
    }
    for (int lane = 0; lane < 4; lane++)
        if (strobe & (1 << lane)) pf_mem_bytes[offset + lane] = (uint8_t)(word >> (8 * lane));
    return 0;
}
