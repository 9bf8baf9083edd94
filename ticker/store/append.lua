#!lua
-- Settle requests and held items in order. For each: append its entry (if it has one) and remove the entries that leave
-- the log with it, add, change or remove the held item, add the receipts, move the inbox's cursor, and delete the request
-- from the inbox. Each is settled as a whole or
-- not at all. The script stops at the first that can't be settled.
--
-- KEYS: edition, log, cursors, held, then for each: inbox, receipts, receipts of the held item's author.
-- ARGV: the number and the link of the log's last entry as the desk knows them (0 and the nonce for an empty log; both
--   empty to leave the log unchecked, if nothing has an entry), retained receipts,
--   how many milliseconds an id may be ahead of this server's clock,
--   then for each: editor, cursor before it, its id ('' for a held item that is due: it is in no inbox), deadline
--   in milliseconds or '', entry or '', link or '', the id of the oldest entry that the log keeps or '', receipt, '1' if its id is known to be ahead,
--   the held item's id or '', its bytes before ('' for a new item) and after ('' if it is removed),
--   the time in milliseconds before which it must not be published or '', and a receipt for the author or ''.
-- Returns how many were settled, why the script stopped, and this server's clock in milliseconds.
--
-- No command can fail after the first write of a settlement, because the script checks all types first. (If the server
-- can't write, because it is out of memory, a replica, or has a broken disk, it rejects a script with #!lua as a whole.)

local edition, log, cursors, all_held = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local seq, head_link = ARGV[1], ARGV[2]
local receipts_retained, ahead_ms = ARGV[3], tonumber(ARGV[4])
local KEYS_BEFORE, KEYS_EACH, ARGV_BEFORE, ARGV_EACH = 4, 3, 4, 14

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function field(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then
      return fields[i + 1]
    end
  end
end

local function is_head()
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if last then
    return last[1] == seq .. '-0' and field(last[2], 'link') == head_link
  end
  return seq == '0' and redis.call('HGET', edition, 'nonce') == head_link
end

-- Reset an inbox whose last id is ahead of the clock, unless it has more requests. Otherwise the editor could add
-- nothing, or only requests that look newer than they are.
local function restart(inbox, editor)
  if redis.call('XLEN', inbox) == 0 then
    redis.call('DEL', inbox)
    redis.call('HDEL', cursors, editor)
  end
end

if seq ~= '' and not is_head() then
  return {0, 'moved', now}
end

local count = (#ARGV - ARGV_BEFORE) / ARGV_EACH
for i = 0, count - 1 do
  local inbox, receipts, authors_receipts =
    unpack(KEYS, KEYS_BEFORE + i * KEYS_EACH + 1, KEYS_BEFORE + (i + 1) * KEYS_EACH)
  local editor, cursor, id, deadline, entry, link, oldest, receipt, is_ahead, held, held_before, held_after, not_before,
    authors_receipt = unpack(ARGV, ARGV_BEFORE + i * ARGV_EACH + 1, ARGV_BEFORE + (i + 1) * ARGV_EACH)

  redis.call('XLEN', inbox)
  redis.call('XLEN', receipts)
  redis.call('XLEN', authors_receipts)
  if id ~= '' and (redis.call('HGET', cursors, editor) or '0-0') ~= cursor then
    return {i, 'moved', now}
  end
  if held ~= '' and (redis.call('HGET', all_held, held) or '') ~= held_before then
    return {i, 'moved', now}
  end
  if id ~= '' and is_ahead ~= '1' and tonumber(string.match(id, '^%d+')) > now + ahead_ms then
    return {i, 'ahead', now}
  end
  if not_before ~= '' and now < tonumber(not_before) then
    return {i, 'early', now}
  end
  if (entry ~= '' or held_after ~= '') and deadline ~= '' and now > tonumber(deadline) then
    return {i, 'late', now}
  end
  if entry ~= '' then
    seq = string.format('%.0f', tonumber(seq) + 1)
    redis.call('XADD', log, seq .. '-0', 'entry', entry, 'link', link)
    if oldest ~= '' then
      redis.call('XTRIM', log, 'MINID', oldest)
    end
  end
  if held_after ~= '' then
    redis.call('HSET', all_held, held, held_after)
  elseif held ~= '' then
    redis.call('HDEL', all_held, held)
  end
  if authors_receipt ~= '' then
    redis.call('XADD', authors_receipts, 'MAXLEN', '~', receipts_retained, '*',
      'receipt', authors_receipt, 'submission', '', 'until', '')
  end
  if id ~= '' then
    redis.call('HSET', cursors, editor, id)
    redis.call('XADD', receipts, 'MAXLEN', '~', receipts_retained, '*',
      'receipt', receipt, 'submission', id, 'until', deadline)
    redis.call('XDEL', inbox, id)
    if is_ahead == '1' then
      restart(inbox, editor)
    end
  end
end
return {count, 'done', now}
