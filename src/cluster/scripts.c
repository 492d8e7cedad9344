/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/scripts.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* Numbers are Lua's doubles: microseconds since 1970 fit into their 53 bits until 2255. */
#define PRELUDE                                                                                    \
    "local P = '{auralink}:'\n"                                                                    \
    "local function now_us() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end\n"      \
    "local function text(n) return string.format('%.0f', n) end\n"                                 \
    "local function settling(now)\n"                                                               \
    "  local born = redis.call('GET', P .. 'born')\n"                                              \
    "  return not born or now - tonumber(born) < " TEXT(4000) " * 1000\n"                          \
                                                              "end\n"

_Static_assert(AURA_SETTLE_MS == 4000 && AURA_NODE_TTL_MS == 5000 && AURA_ROOM_TTL_MS == 3600000,
               "the scripts have the same numbers");

/* ARGV: node, its record, its address, then (room, epoch)…
 * Answer: "settling" or "settled", how many rooms are lost, their names, the records of all nodes.
 */
static const char beat[] = PRELUDE
    "local node, now = ARGV[1], now_us()\n"
    "redis.call('SET', P .. 'node:' .. node, ARGV[2], 'PX', " TEXT(
        5000) ")\n"
              "redis.call('SADD', P .. 'nodes', node)\n"
              "redis.call('SETNX', P .. 'born', text(now))\n"
              "local lost = {}\n"
              "for i = 4, #ARGV, 2 do\n"
              "  local key, epoch = P .. 'room:' .. ARGV[i], tonumber(ARGV[i + 1])\n"
              "  local is = redis.call('HMGET', key, 'node', 'epoch')\n"
              "  if is[1] and tonumber(is[2]) > epoch then\n"
              "    lost[#lost + 1] = ARGV[i]\n"
              "  else\n"
              "    if is[1] ~= node or is[2] ~= ARGV[i + 1] then\n"
              "      redis.call('HSET', key, 'node', node, 'epoch', ARGV[i + 1], 'address', "
              "ARGV[3])\n"
              "      local last = tonumber(redis.call('GET', P .. 'epoch') or '0')\n"
              "      if last < epoch then redis.call('SET', P .. 'epoch', ARGV[i + 1]) end\n"
              "    end\n"
              "    redis.call('PEXPIRE', key, " TEXT(
                  3600000) ")\n"
                           "  end\n"
                           "end\n"
                           "local out = {settling(now) and 'settling' or 'settled', text(#lost)}\n"
                           "for _, room in ipairs(lost) do out[#out + 1] = room end\n"
                           "for _, id in ipairs(redis.call('SMEMBERS', P .. 'nodes')) do\n"
                           "  local record = redis.call('GET', P .. 'node:' .. id)\n"
                           "  if record then out[#out + 1] = record else redis.call('SREM', P .. "
                           "'nodes', id) end\n"
                           "end\n"
                           "return out\n";

/* ARGV: room, the node that would take it ("" = it is only looked up), the epoch that may be taken
 * over ("0" = none).
 * Answer: what, owner, epoch, address. What is "is" (it has that owner), "placed" (it has it now),
 * "draining" or "dead" (the owner; may be taken over), "none", "settling", or "unfit" (who would
 * take it is not there, or drains). */
static const char place[] =
    PRELUDE "local function fit(id)\n"
            "  local record = redis.call('GET', P .. 'node:' .. id)\n"
            "  if not record then return 'dead' end\n"
            "  return cjson.decode(record).drain and 'draining' or 'fit'\n"
            "end\n"
            "local key, now = P .. 'room:' .. ARGV[1], now_us()\n"
            "local is = redis.call('HMGET', key, 'node', 'epoch', 'address')\n"
            "if is[1] then\n"
            "  local state = fit(is[1])\n"
            "  if state == 'fit' then return {'is', is[1], is[2], is[3]} end\n"
            "  if ARGV[2] == '' or ARGV[3] ~= is[2] then return {state, is[1], is[2], is[3]} end\n"
            "elseif ARGV[2] == '' then\n"
            "  return {'none', '', '0', ''}\n"
            "end\n"
            "if settling(now) then return {'settling', '', '0', ''} end\n"
            "if fit(ARGV[2]) ~= 'fit' then return {'unfit', ARGV[2], '0', ''} end\n"
            "local last = tonumber(redis.call('GET', P .. 'epoch') or '0')\n"
            "local epoch = text(math.max(last + 1, now))\n"
            "local record = cjson.decode(redis.call('GET', P .. 'node:' .. ARGV[2]))\n"
            "redis.call('SET', P .. 'epoch', epoch)\n"
            "redis.call('HSET', key, 'node', ARGV[2], 'epoch', epoch, 'address', record.address)\n"
            "redis.call('PEXPIRE', key, " TEXT(
                3600000) ")\n"
                         "return {'placed', ARGV[2], epoch, record.address}\n";

/* ARGV: room, node, epoch. Answer: "released" or "not yours". */
static const char release[] =
    PRELUDE "local key = P .. 'room:' .. ARGV[1]\n"
            "local is = redis.call('HMGET', key, 'node', 'epoch')\n"
            "if is[1] ~= ARGV[2] or is[2] ~= ARGV[3] then return {'not yours'} end\n"
            "redis.call('DEL', key)\n"
            "return {'released'}\n";

/* ARGV: node. Its rooms may be taken over at once. */
static const char leave[] = PRELUDE "redis.call('DEL', P .. 'node:' .. ARGV[1])\n"
                                    "redis.call('SREM', P .. 'nodes', ARGV[1])\n"
                                    "return {}\n";

const char *aura_script_text(enum aura_script script) {
    static const char *const texts[] = {[AURA_SCRIPT_BEAT] = beat,
                                        [AURA_SCRIPT_PLACE] = place,
                                        [AURA_SCRIPT_RELEASE] = release,
                                        [AURA_SCRIPT_LEAVE] = leave};
    return texts[script];
}
