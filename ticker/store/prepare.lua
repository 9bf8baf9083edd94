#!lua
-- Append entries to a prepared log, which isn't in use yet. Redis deletes it unless it is put in place in time.
--
-- KEYS: the prepared log. ARGV: how many seconds it is kept, then for each entry: its id, its bytes, and its link.

local prepared = KEYS[1]
for i = 2, #ARGV, 3 do
  redis.call('XADD', prepared, ARGV[i], 'entry', ARGV[i + 1], 'link', ARGV[i + 2])
end
redis.call('EXPIRE', prepared, ARGV[1])
