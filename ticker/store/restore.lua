#!lua
-- Put a restored log in place as a new history. The log that was there is kept under another key. Editors,
-- receipts, settings and held items of the backup are added only if this server lacks them: its own ones stay.
--
-- KEYS: edition, log, archive (which doesn't exist), reach, bell, cursors, held, editors, the staged log, the staged held
--   items, the staged editors, then for each editor: receipts, staged receipts. Staged keys may be missing.
-- ARGV: the present nonce ('' if the edition doesn't exist), the new nonce, the id of the log's last entry ('' for none)
--   with the number of its entries, the continued histories as JSON or '', the settings as JSON, then the editors in the
--   order of their receipts.
-- Returns 1, or 0 if the nonce or the log is another; nothing has changed then.

local edition, log, archive, reach, bell, cursors, held, editors, new_log, new_held, new_editors = unpack(KEYS, 1, 11)
local nonce, new_nonce, last_id, length, continued, settings = unpack(ARGV, 1, 6)
local KEYS_BEFORE, ARGV_BEFORE = 11, 6

if (redis.call('HGET', edition, 'nonce') or '') ~= nonce then
  return 0
end
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '') ~= last_id or redis.call('XLEN', log) ~= tonumber(length) then
  return 0
end

local function put(staged, place)
  if redis.call('EXISTS', staged) == 1 then
    redis.call('PERSIST', staged)
    redis.call('RENAME', staged, place)
  end
end

local function put_if_missing(staged, place)
  if redis.call('EXISTS', place) == 1 then
    redis.call('DEL', staged)
    return false
  end
  put(staged, place)
  return true
end

if redis.call('EXISTS', log) == 1 then
  redis.call('RENAME', log, archive)
end
put(new_log, log)
redis.call('HSETNX', edition, 'settings', settings)
redis.call('HSET', edition, 'nonce', new_nonce)
if continued == '' then
  redis.call('HDEL', edition, 'continued')
else
  redis.call('HSET', edition, 'continued', continued)
end
local items = redis.call('HGETALL', new_held)
for i = 1, #items, 2 do
  redis.call('HSETNX', held, items[i], items[i + 1])
end
redis.call('DEL', new_held)
put_if_missing(new_editors, editors)
for i = 1, (#KEYS - KEYS_BEFORE) / 2 do
  local receipts, staged = KEYS[KEYS_BEFORE + 2 * i - 1], KEYS[KEYS_BEFORE + 2 * i]
  if put_if_missing(staged, receipts) then
    -- The desk reads the receipts of the editors that have a cursor.
    redis.call('HSETNX', cursors, ARGV[ARGV_BEFORE + i], '0-0')
  end
end
redis.call('DEL', reach)
redis.call('XADD', bell, 'MAXLEN', '1', '*', 'nonce', new_nonce)
return 1
