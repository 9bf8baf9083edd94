#!lua
-- Begin a new log: rename the old one, and set the nonce of the new one.
--
-- KEYS: edition, log, archive (which doesn't exist). ARGV: the present nonce, the new nonce.
-- Returns 1, or 0 if the present nonce is another; nothing has changed then.

local edition, log, archive = KEYS[1], KEYS[2], KEYS[3]

if redis.call('HGET', edition, 'nonce') ~= ARGV[1] then
  return 0
end
if redis.call('EXISTS', log) == 1 then
  redis.call('RENAME', log, archive)
end
redis.call('HSET', edition, 'nonce', ARGV[2])
return 1
