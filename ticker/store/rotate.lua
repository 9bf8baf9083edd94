#!lua
-- Begin a new history: rename the log, set the nonce of the new one, and put the prepared log in place, if there is one.
-- Delete the reports of reach, which name entries of the old log by their numbers. Ring the bell.
--
-- KEYS: edition, log, archive (which doesn't exist), reach, bell, the prepared log (or a key that doesn't exist).
-- ARGV: the present nonce, the new nonce, and the id of the log's last entry with the number of its entries, which were
--   read to prepare the new log (both '' to rotate whatever is there), and the histories that the new one continues
--   as JSON, or '' for none.
-- Returns 1, or 0 if the nonce or the log is another; nothing has changed then.

local edition, log, archive, reach, bell, prepared = unpack(KEYS)
local nonce, new_nonce, last_id, length, continued = unpack(ARGV)

if redis.call('HGET', edition, 'nonce') ~= nonce then
  return 0
end
if last_id ~= '' then
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if not last or last[1] ~= last_id or redis.call('XLEN', log) ~= tonumber(length) then
    return 0
  end
end
if redis.call('EXISTS', log) == 1 then
  redis.call('RENAME', log, archive)
end
if redis.call('EXISTS', prepared) == 1 then
  redis.call('PERSIST', prepared)
  redis.call('RENAME', prepared, log)
end
redis.call('HSET', edition, 'nonce', new_nonce)
if continued == '' then
  redis.call('HDEL', edition, 'continued')
else
  redis.call('HSET', edition, 'continued', continued)
end
redis.call('DEL', reach)
redis.call('XADD', bell, 'MAXLEN', '1', '*', 'nonce', new_nonce)
return 1
