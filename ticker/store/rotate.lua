#!lua
-- Begin a new history: keep the old log aside, and set the nonce that the new one begins with.
--
-- KEYS: edition, log, archive (which doesn't exist). ARGV: the nonce in force, the new one.
-- Returns 1, or 0 with nothing done if the nonce in force is another.

local edition, log, archive = KEYS[1], KEYS[2], KEYS[3]

if redis.call('HGET', edition, 'nonce') ~= ARGV[1] then
  return 0
end
if redis.call('EXISTS', log) == 1 then
  redis.call('RENAME', log, archive)
end
redis.call('HSET', edition, 'nonce', ARGV[2])
return 1
