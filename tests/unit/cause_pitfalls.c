/* cause_pitfalls: what deceives; each once was misjudged, or nearly. */
#include "unit.h"

#include "cause_cases.h"

const struct pitfall pitfalls[] = {
    {"a capture of nothing but a close in order says nothing", TALKED "> F.; < F.; > .;"},
};
const size_t pitfall_count = sizeof(pitfalls) / sizeof(pitfalls[0]);
