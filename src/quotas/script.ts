/**
 * The one script that the store runs: it counts connections and rates of all pods, whole or not at all, in one round
 * trip.
 *
 * A count is a hash: a field for each pod, whose value is that pod's own number and when it is forgotten. A pod always
 * says its whole number, never a difference, so whatever is lost (an answer, a release, the whole store) is right again
 * with its next word. A rate is the time at which all that was asked for is paid off. All times are the store's own: no
 * clock of a pod counts.
 *
 * KEYS: those of counts, then those of rates.
 * ARGV: the pod, the lease in ms, how many counts, then for each count its cap (−1: none) and the pod's own number with
 * what it asks for, then for each rate the ms that one costs and how many may come at once.
 * Answers {0, 0}, or {the place of the key that refuses, what was seen: connections of all pods, or ms until it may
 * be}.
 */
import { createHash } from 'node:crypto';

export const takeScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local pod, lease, counts = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local at = 4
for i = 1, counts do
  local cap, own = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  if cap >= 0 then
    local fields = redis.call('HGETALL', KEYS[i])
    local sum = own
    for j = 1, #fields, 2 do
      if fields[j] ~= pod then
        local number, until_ = string.match(fields[j + 1], '^(%d+) (%d+)$')
        if number and tonumber(until_) > now then sum = sum + number else redis.call('HDEL', KEYS[i], fields[j]) end
      end
    end
    if sum > cap then return {i, sum} end
  end
end
local paid = {}
for i = counts + 1, #KEYS do
  local each, burst = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  local before = tonumber(redis.call('GET', KEYS[i]) or '0') or 0
  -- More than a whole burst is never owed, unless the clock was set back, or the rate was another.
  before = math.min(math.max(before, now), now + burst * each)
  local wait = before - now - (burst - 1) * each
  if wait > 0.001 then return {i, math.ceil(wait)} end
  paid[i] = before + each
end
at = 4
for i = 1, counts do
  local own = tonumber(ARGV[at + 1])
  at = at + 2
  if own > 0 then
    redis.call('HSET', KEYS[i], pod, string.format('%d %d', own, now + lease))
    redis.call('PEXPIRE', KEYS[i], lease)
  else
    redis.call('HDEL', KEYS[i], pod)
  end
end
for i = counts + 1, #KEYS do
  redis.call('SET', KEYS[i], string.format('%.3f', paid[i]), 'PX', math.max(1, math.ceil(paid[i] - now)))
end
return {0, 0}
`;

/** By which the store knows the script once it has run it. */
export const takeScriptSha = createHash('sha1').update(takeScript).digest('hex');
