import { createHash } from 'node:crypto'

export interface Script {
  source: string
  sha: string
}

const script = (source: string): Script => ({
  source,
  sha: createHash('sha1').update(source).digest('hex'),
})

/**
 * `decideClaim` (claims.ts) for a batch. A claim's key is a hash: owner -> "at|until".
 * ARGV: claims per key, then owner, at, windowMs, lifeMs for each key. Numbers stay text where they
 * are kept or given back, so that none loses a digit. Time is the server's.
 */
export const claimScript = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for i, key in ipairs(KEYS) do
  local base = 2 + (i - 1) * 4
  local owner, atText, life = ARGV[base], ARGV[base + 1], tonumber(ARGV[base + 3])
  local at, window = tonumber(atText), tonumber(ARGV[base + 2])
  local all = redis.call('HGETALL', key)
  local mine, holder, oldest, count = nil, nil, nil, 0
  for j = 1, #all, 2 do
    local theirs, untilText = string.match(all[j + 1], '^(.*)|(.*)$')
    if tonumber(untilText) <= now then
      redis.call('HDEL', key, all[j])
    else
      local one = { all[j], theirs, tonumber(theirs) }
      count = count + 1
      if one[1] == owner then mine = one end
      if math.abs(at - one[3]) < window and (holder == nil or one[3] < holder[3]) then holder = one end
      if oldest == nil or one[3] < oldest[3] then oldest = one end
    end
  end
  local found = mine or holder
  if found then
    answer[#answer + 1] = found[1]
    answer[#answer + 1] = found[2]
  else
    if count >= tonumber(ARGV[1]) then redis.call('HDEL', key, oldest[1]) end
    local left = redis.call('PTTL', key)
    redis.call('HSET', key, owner, atText .. '|' .. string.format('%.0f', now + life))
    redis.call('PEXPIRE', key, math.max(left, life))
    answer[#answer + 1] = owner
    answer[#answer + 1] = atText
  end
end
return answer
`)

/** ARGV: value and life for each key. */
export const setScript = script(`
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[2 * i - 1], 'PX', ARGV[2 * i])
end
return #KEYS
`)

/** ARGV: whether a value is expected (1) or none (0), that value, the new one and its life, for each key. */
export const replaceScript = script(`
local answer = {}
for i, key in ipairs(KEYS) do
  local base = 1 + (i - 1) * 4
  local present = redis.call('GET', key)
  local same
  if ARGV[base] == '1' then same = present == ARGV[base + 1] else same = not present end
  if same then redis.call('SET', key, ARGV[base + 2], 'PX', ARGV[base + 3]) end
  answer[i] = same and 1 or 0
end
return answer
`)

/** ARGV: what to add, and the life of a counter that begins now. */
export const addScript = script(`
local sum = redis.call('INCRBYFLOAT', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sum
`)
