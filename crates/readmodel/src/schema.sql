-- One status view: everything here is a pure function of the log's records, except `heartbeat` and `checkpoint.epoch`.
-- Instants are milliseconds since 1970, UTC. Columns named `personal*`, and those of `message` marked so, are personal.

CREATE TABLE checkpoint(
  part INTEGER PRIMARY KEY,             -- part of the log; there is one, 0
  position INTEGER NOT NULL,            -- the last record that is in the view
  recorded_at INTEGER NOT NULL,         -- when that was recorded; 0 before the first
  epoch INTEGER NOT NULL,               -- grows with each writer: an older one may not commit
  log_id TEXT NOT NULL                  -- the log that the records come from; empty before the first
) STRICT;
INSERT INTO checkpoint VALUES (0, 0, 0, 0, '');

CREATE TABLE heartbeat(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at INTEGER NOT NULL,                  -- the wall, when the projector last said that it lives
  head INTEGER NOT NULL,                -- the log's last record, as it saw it
  head_at INTEGER NOT NULL              -- when that was recorded
) STRICT;

CREATE TABLE view_changed(
  view TEXT PRIMARY KEY,
  position INTEGER NOT NULL             -- the last record that changed it
) STRICT, WITHOUT ROWID;

CREATE TABLE appeal(
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  opened INTEGER NOT NULL UNIQUE,       -- position of `registered`: the order of lists
  changed INTEGER NOT NULL,             -- position of its last record
  changed_at INTEGER NOT NULL,
  day TEXT NOT NULL,                    -- local day of `received_at`
  received_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  open INTEGER NOT NULL,
  status TEXT NOT NULL,
  category TEXT NOT NULL,               -- of the main finding, like the next four
  bucket TEXT NOT NULL,
  priority TEXT NOT NULL,
  district TEXT NOT NULL,               -- `unknown`, `region` (outside the city) or a code
  party TEXT NOT NULL,
  channel TEXT NOT NULL,
  surface TEXT NOT NULL,
  contact TEXT NOT NULL,
  lang TEXT,
  danger INTEGER NOT NULL,
  official INTEGER NOT NULL,
  draft INTEGER NOT NULL,
  reopened INTEGER NOT NULL,
  reopen_requested INTEGER NOT NULL,
  rated INTEGER,
  corrected INTEGER NOT NULL,           -- a person corrected what was understood
  problem TEXT,
  parent TEXT,
  due_at INTEGER,                       -- the nearest term that is known of an open finding
  legal_due_at INTEGER,                 -- the main finding's terms
  service_due_at INTEGER,
  overdue INTEGER NOT NULL,             -- a term of an open finding was found overdue
  routed_at INTEGER,
  told_at INTEGER,
  answered_at INTEGER,
  done_at INTEGER,
  settled_at INTEGER,                   -- when nothing was open any more, the last time
  messages INTEGER NOT NULL,
  erased INTEGER NOT NULL,
  search TEXT NOT NULL                  -- number, other numbers and names of streets, in lower case; nothing personal
) STRICT;
CREATE INDEX appeal_day ON appeal(day);
CREATE INDEX appeal_open ON appeal(open, opened);
CREATE INDEX appeal_party ON appeal(party, opened);
CREATE INDEX appeal_problem ON appeal(problem);
CREATE INDEX appeal_parent ON appeal(parent);

-- Who joined or left a problem changed the voices of everybody who writes about it.
CREATE TABLE problem(
  id TEXT PRIMARY KEY,                  -- the appeal that the others were joined to
  changed INTEGER NOT NULL              -- the last record by which one joined or left
) STRICT, WITHOUT ROWID;

CREATE TABLE finding(
  appeal TEXT NOT NULL,
  finding INTEGER NOT NULL,
  category TEXT NOT NULL,
  priority TEXT NOT NULL,
  bucket TEXT NOT NULL,
  district TEXT NOT NULL,
  stage TEXT NOT NULL,
  open INTEGER NOT NULL,
  queue TEXT NOT NULL,                  -- the party in whose queue it stands
  party TEXT NOT NULL,                  -- whom the decision names
  outside INTEGER NOT NULL,
  legal_due_at INTEGER,
  service_due_at INTEGER,
  secure_due_at INTEGER,
  overdue TEXT NOT NULL,                -- clocks found overdue, JSON array
  confidence INTEGER NOT NULL,          -- thousandths
  place TEXT NOT NULL,                  -- JSON, without house and point
  personal_place TEXT,                  -- JSON, those two
  route TEXT,                           -- JSON: rule, rules, because, copies, candidates, waits_at, inputs
  PRIMARY KEY (appeal, finding)
) STRICT, WITHOUT ROWID;

CREATE TABLE task(
  party TEXT NOT NULL,
  appeal TEXT NOT NULL,
  finding INTEGER NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (party, appeal, finding)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_appeal ON task(appeal);

CREATE TABLE timeline(
  appeal TEXT NOT NULL,
  position INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  by TEXT NOT NULL,
  data TEXT NOT NULL,                   -- the event without what is personal
  personal TEXT,                        -- what is, by JSON pointer
  PRIMARY KEY (appeal, position, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE alias(number TEXT PRIMARY KEY, appeal TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE message(
  id TEXT PRIMARY KEY,
  appeal TEXT,
  outcome TEXT,                         -- `placed`, or why it was set aside
  opens INTEGER NOT NULL DEFAULT 0,
  found TEXT,
  ours INTEGER NOT NULL DEFAULT 0,
  answers TEXT,                         -- ours: the message that it answers
  channel TEXT,
  surface TEXT,
  sent_at INTEGER,
  recorded_at INTEGER NOT NULL,         -- of its first record
  position INTEGER NOT NULL,            -- its first record
  changed INTEGER NOT NULL,             -- its last record, or the one that gave it its appeal
  edited_at INTEGER,
  withdrawn_at INTEGER,
  sent INTEGER NOT NULL DEFAULT 0,      -- by this system
  carries TEXT,                         -- ours, under the platform's id: the message that we meant to send
  echoed INTEGER NOT NULL DEFAULT 0,
  delivery TEXT,
  delivery_at INTEGER,
  delivery_error INTEGER,
  raw TEXT,
  contact TEXT,
  unsupported TEXT,
  button TEXT,
  attachments TEXT NOT NULL DEFAULT '[]', -- JSON: kind, media type and key
  words_missing TEXT,                   -- why the words of a mention will not come
  erased INTEGER NOT NULL DEFAULT 0,
  unverified INTEGER NOT NULL DEFAULT 0, -- a letter for which its sender's domain does not vouch
  name TEXT, phone TEXT, address TEXT, text TEXT, point TEXT, files TEXT, subject TEXT, quoted TEXT -- personal
) STRICT;
-- What a message said before it was edited; what it says now stands in `message`.
CREATE TABLE earlier(
  message TEXT NOT NULL,
  seq INTEGER NOT NULL,                 -- in the order in which the records came
  said_at INTEGER NOT NULL,             -- the author's time of these words
  attachments TEXT NOT NULL,
  text TEXT, point TEXT, files TEXT,    -- personal
  PRIMARY KEY (message, seq)
) STRICT, WITHOUT ROWID;
-- What became of the files of messages: kept or missing; those of which neither is said are in no row.
CREATE TABLE file(
  message TEXT NOT NULL,
  key TEXT NOT NULL,                    -- which file of the message, whatever its version
  sent_at INTEGER NOT NULL,             -- of the message
  missing TEXT,                         -- why it will not come
  file TEXT,                            -- the name of its bytes
  media_type TEXT,                      -- by its bytes
  bytes INTEGER,
  width INTEGER,
  height INTEGER,
  cut INTEGER NOT NULL DEFAULT 0,
  copy TEXT,                            -- the names of what others may see of it
  thumbnail TEXT,
  print TEXT,                           -- by what the same scene is known again
  taken_at TEXT, point TEXT,            -- personal
  PRIMARY KEY (message, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_name ON file(file) WHERE file IS NOT NULL;
CREATE INDEX file_print ON file(sent_at) WHERE print IS NOT NULL;
-- Pictures of two messages that show the same; each pair stands here twice.
CREATE TABLE alike(
  message TEXT NOT NULL,
  key TEXT NOT NULL,
  other TEXT NOT NULL,
  other_key TEXT NOT NULL,
  equal INTEGER NOT NULL,               -- the same bytes
  PRIMARY KEY (message, key, other, other_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX alike_other ON alike(other);
CREATE INDEX message_appeal ON message(appeal, position) WHERE appeal IS NOT NULL;
CREATE INDEX message_answers ON message(answers) WHERE answers IS NOT NULL;
CREATE INDEX message_for_person ON message(position)
  WHERE (outcome = 'for_person' OR (outcome = 'no_appeal' AND edited_at IS NOT NULL));
CREATE INDEX message_no_appeal ON message(position) WHERE outcome = 'no_appeal';
CREATE INDEX message_note ON message(position) WHERE outcome = 'note';
CREATE INDEX message_mailing ON message(position) WHERE outcome = 'mailing';

CREATE TABLE token(
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  role TEXT NOT NULL,
  party TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE rules(
  position INTEGER PRIMARY KEY,
  city TEXT NOT NULL,
  version TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  pack TEXT NOT NULL
) STRICT;

CREATE TABLE counter(
  day TEXT NOT NULL,
  category TEXT NOT NULL,
  district TEXT NOT NULL,
  party TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (day, category, district, party, channel, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE change(
  position INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  number TEXT,
  views TEXT NOT NULL,                  -- JSON array
  events TEXT NOT NULL                  -- JSON array
) STRICT;

CREATE TABLE parked(
  position INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL             -- 0: it only waits behind an earlier one of its stream
) STRICT;
CREATE INDEX parked_stream ON parked(stream);
