#!lua
-- Settle submissions, in order: for each, append its entry (if it makes one), move the inbox's cursor, give the
-- receipt, and take it out of the inbox. Each is settled whole or not at all; it stops at the first that can't be.
--
-- KEYS: edition, log, cursors, then for each submission: inbox, receipts.
-- ARGV: the number and the link of the log's last entry as the desk knows them (0 and the nonce for an empty log; both
--   empty where no submission makes an entry and the log is not to be looked at), retained entries, retained receipts,
--   by how many milliseconds an id may be ahead of this server's clock,
--   then for each submission: editor, cursor before it, its id, deadline in milliseconds or '', entry or '', link or
--   '', receipt, and '1' if its id is known to be ahead.
-- Returns how many were settled, why it stopped, and this server's clock in milliseconds.
--
-- No command here can fail after the first write of a submission: types are looked at before. (Redis refuses a
-- script that has #!lua as a whole where it may not write: out of memory, on a replica, with a broken disk.)

local edition, log, cursors = KEYS[1], KEYS[2], KEYS[3]
local seq, head_link = ARGV[1], ARGV[2]
local retained, receipts_retained, ahead_ms = ARGV[3], ARGV[4], tonumber(ARGV[5])
local KEYS_BEFORE, KEYS_EACH, ARGV_BEFORE, ARGV_EACH = 3, 2, 5, 8

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

-- The inbox's last id is ahead of the clock, so an editor could add nothing, or only what looks younger than it is:
-- begin it anew, unless more waits in it.
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
  local inbox, receipts = KEYS[KEYS_BEFORE + i * KEYS_EACH + 1], KEYS[KEYS_BEFORE + i * KEYS_EACH + 2]
  local editor, cursor, id, deadline, entry, link, receipt, is_ahead =
    unpack(ARGV, ARGV_BEFORE + i * ARGV_EACH + 1, ARGV_BEFORE + (i + 1) * ARGV_EACH)

  redis.call('XLEN', inbox)
  redis.call('XLEN', receipts)
  if (redis.call('HGET', cursors, editor) or '0-0') ~= cursor then
    return {i, 'moved', now}
  end
  if is_ahead ~= '1' and tonumber(string.match(id, '^%d+')) > now + ahead_ms then
    return {i, 'ahead', now}
  end
  if entry ~= '' then
    if now > tonumber(deadline) then
      return {i, 'late', now}
    end
    seq = string.format('%.0f', tonumber(seq) + 1)
    redis.call('XADD', log, 'MAXLEN', '~', retained, seq .. '-0', 'entry', entry, 'link', link)
  end
  redis.call('HSET', cursors, editor, id)
  redis.call('XADD', receipts, 'MAXLEN', '~', receipts_retained, '*',
    'receipt', receipt, 'submission', id, 'until', deadline)
  redis.call('XDEL', inbox, id)
  if is_ahead == '1' then
    restart(inbox, editor)
  end
end
return {count, 'done', now}
