/* status.c: what a core_status means, in words. */
#include "types.h"

const char *core_status_text(int status)
{
    switch (status) {
    case CORE_OK: return "no error";
    case CORE_ERR_MEMORY: return "the host has no memory left";
    case CORE_ERR_CALLBACK: return "the pipeline model failed";
    case CORE_ERR_STREAM: return "the event stream does not fit the decoded blocks";
    case CORE_ERR_ENGINE: return "Unicorn refused a call";
    case CORE_ERR_CONFIG: return "a configuration value is outside what the core can hold";
    case CORE_ERR_LIMIT: return "a table of the core is full";
    case CORE_ERR_CAPTURE: return "what is replayed was not recorded";
    case CORE_ERR_ADDRESSES: return "data addresses worked out are not those of the engine";
    default: return "unknown error";
    }
}
