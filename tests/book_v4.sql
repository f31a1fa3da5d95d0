-- The tables of a book of schema version 4, as SQLite kept them: what migrations are tried on.
CREATE TABLE meta (
"key" TEXT NOT NULL,
value BIGINT NOT NULL,
PRIMARY KEY ("key")
);
CREATE TABLE place (
number INTEGER NOT NULL,
code TEXT NOT NULL,
name TEXT NOT NULL,
kind TEXT NOT NULL,
parent TEXT NOT NULL,
tags TEXT NOT NULL,
address TEXT NOT NULL,
PRIMARY KEY (number),
UNIQUE (code)
);
CREATE TABLE person (
number INTEGER NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
addresses TEXT NOT NULL,
phone TEXT NOT NULL,
language TEXT NOT NULL,
PRIMARY KEY (number),
UNIQUE (id)
);
CREATE TABLE ladder (
id TEXT NOT NULL,
rungs TEXT NOT NULL,
repeat INTEGER,
PRIMARY KEY (id)
);
CREATE TABLE device (
id TEXT NOT NULL,
device_class TEXT NOT NULL,
profile TEXT NOT NULL,
external_id TEXT NOT NULL,
place TEXT NOT NULL,
slot INTEGER NOT NULL,
name TEXT NOT NULL,
kind TEXT NOT NULL,
gateway TEXT NOT NULL,
tags TEXT NOT NULL,
period BIGINT,
PRIMARY KEY (id),
UNIQUE (device_class, slot),
UNIQUE (profile, external_id)
);
CREATE TABLE slots (
device_class TEXT NOT NULL,
given INTEGER NOT NULL,
PRIMARY KEY (device_class)
);
CREATE TABLE alert (
id TEXT NOT NULL,
rule TEXT NOT NULL,
rule_version TEXT NOT NULL,
alert_class TEXT NOT NULL,
grade TEXT NOT NULL,
device TEXT NOT NULL,
device_class TEXT NOT NULL,
place TEXT NOT NULL,
raised_at BIGINT NOT NULL,
event_at BIGINT NOT NULL,
"offset" BIGINT NOT NULL,
condition TEXT NOT NULL,
"case" TEXT NOT NULL,
metric TEXT NOT NULL,
value FLOAT,
channel INTEGER NOT NULL,
late BOOLEAN NOT NULL,
trips INTEGER NOT NULL,
text TEXT NOT NULL,
cleared_at BIGINT,
acknowledged_at BIGINT,
acknowledged_by TEXT NOT NULL,
closed_at BIGINT,
closed_by TEXT NOT NULL,
finding TEXT,
note TEXT NOT NULL,
rank INTEGER NOT NULL,
open BOOLEAN NOT NULL,
PRIMARY KEY (id)
);
CREATE TABLE position (
street TEXT NOT NULL,
"offset" BIGINT NOT NULL,
recorded BIGINT NOT NULL,
duplicate BIGINT NOT NULL,
quarantined BIGINT NOT NULL,
at BIGINT NOT NULL,
PRIMARY KEY (street)
);
CREATE TABLE quarantine (
"offset" INTEGER NOT NULL,
source TEXT NOT NULL,
topic TEXT NOT NULL,
payload BLOB NOT NULL,
received_at BIGINT NOT NULL,
reason TEXT NOT NULL,
detail TEXT NOT NULL,
profile TEXT NOT NULL,
external_id TEXT NOT NULL,
more BIGINT NOT NULL,
replayed_at BIGINT,
PRIMARY KEY ("offset")
);
CREATE TABLE stranger (
external_id TEXT NOT NULL,
profile TEXT NOT NULL,
topic TEXT NOT NULL,
first_at BIGINT NOT NULL,
last_at BIGINT NOT NULL,
frames BIGINT NOT NULL,
PRIMARY KEY (external_id, profile)
);
CREATE TABLE user (
name TEXT NOT NULL,
password_hash TEXT NOT NULL,
person TEXT NOT NULL,
one_time BOOLEAN NOT NULL,
PRIMARY KEY (name)
);
CREATE TABLE post (
number INTEGER NOT NULL,
role TEXT NOT NULL,
place TEXT NOT NULL,
PRIMARY KEY (number),
UNIQUE (place, role),
FOREIGN KEY(place) REFERENCES place (code) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE selector (
number INTEGER NOT NULL,
ladder TEXT NOT NULL,
alert_classes TEXT NOT NULL,
grades TEXT NOT NULL,
places TEXT NOT NULL,
tags TEXT NOT NULL,
PRIMARY KEY (number),
FOREIGN KEY(ladder) REFERENCES ladder (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE because (
alert TEXT NOT NULL,
told TEXT NOT NULL,
PRIMARY KEY (alert),
FOREIGN KEY(alert) REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE climb (
alert TEXT NOT NULL,
ladder TEXT NOT NULL,
rungs TEXT NOT NULL,
repeat INTEGER,
state TEXT NOT NULL,
rung INTEGER NOT NULL,
round INTEGER NOT NULL,
due_at BIGINT,
version INTEGER NOT NULL,
rank INTEGER NOT NULL,
PRIMARY KEY (alert),
FOREIGN KEY(alert) REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE call (
number INTEGER NOT NULL,
"key" TEXT NOT NULL,
alert TEXT NOT NULL,
purpose TEXT NOT NULL,
person TEXT NOT NULL,
role TEXT NOT NULL,
place TEXT NOT NULL,
channel TEXT NOT NULL,
address TEXT NOT NULL,
language TEXT NOT NULL,
rung INTEGER NOT NULL,
round INTEGER NOT NULL,
created_at BIGINT NOT NULL,
due_at BIGINT NOT NULL,
urgent BOOLEAN NOT NULL,
state TEXT NOT NULL,
attempts INTEGER NOT NULL,
receipt TEXT NOT NULL,
sent_at BIGINT,
rank INTEGER NOT NULL,
ready_at BIGINT,
told TEXT,
PRIMARY KEY (number),
UNIQUE ("key"),
FOREIGN KEY(alert) REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE step (
number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
alert TEXT NOT NULL,
at BIGINT NOT NULL,
kind TEXT NOT NULL,
who TEXT NOT NULL,
detail TEXT NOT NULL,
FOREIGN KEY(alert) REFERENCES alert (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE session (
token_hash TEXT NOT NULL,
user TEXT NOT NULL,
expires_at BIGINT NOT NULL,
PRIMARY KEY (token_hash),
FOREIGN KEY(user) REFERENCES user (name) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE holding (
number INTEGER NOT NULL,
place TEXT NOT NULL,
role TEXT NOT NULL,
person TEXT NOT NULL,
PRIMARY KEY (number),
UNIQUE (place, role, person),
FOREIGN KEY(place, role) REFERENCES post (place, role) DEFERRABLE INITIALLY DEFERRED,
FOREIGN KEY(person) REFERENCES person (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX alert_open ON alert (open, rank, raised_at DESC);
CREATE INDEX alert_newest ON alert (rank, raised_at DESC);
CREATE INDEX quarantine_waiting ON quarantine (replayed_at, "offset");
CREATE INDEX climb_due ON climb (rank, due_at);
CREATE INDEX call_ready ON call (rank, ready_at);
CREATE INDEX call_alert ON call (alert);
CREATE INDEX step_alert ON step (alert);
CREATE INDEX session_expires ON session (expires_at);
INSERT INTO meta VALUES ('schema', 4), ('plan', 0);
