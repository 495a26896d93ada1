package config

// Help is an example of a configuration file: every key with its meaning. A test parses it, so it stays true.
const Help = `# firn.toml, looked for in: --config, $FIRN_CONFIG, ./firn.toml (not by root),
# $XDG_CONFIG_HOME/firn/firn.toml, /etc/firn/firn.toml. The file and the files that it names
# must belong to the user or to root, and no other user may write them or a folder on their way.
# Relative paths start at the folder of this file, and ~/ at the home folder. Flags beat environment variables
# (FIRN_REPOSITORY, FIRN_KEY_FILE, FIRN_PASSWORD_FILE, FIRN_PASSWORD, FIRN_CACHE_DIR,
# FIRN_STATE_DIR), these beat the file.

repository = "/mnt/backup/firn"     # or "s3:https://host:port/bucket/prefix", "s3://bucket/prefix", "sftp:user@host:/path",
                                    # "ssh://user@host/path" (where "firn store serve" answers), or "rclone:remote:path"
key_file   = "/etc/firn/key"        # or password_file, or password_command
#cache_size = "1GiB"                # how much of a repository on another host this host keeps
#metrics_file = "/var/lib/prometheus/node-exporter/firn.prom"   # the outcome of backups, for Prometheus

[keep]                              # how many snapshots retention keeps; these are the defaults
last     = 10                       # a number, or "all"; so are the next six
#minutely = 1440                    # the newest of each minute; this is the default of a watch alone
hourly   = 24
daily    = 7
weekly   = 4                        # ISO weeks
monthly  = 6
yearly   = "all"
timezone = "UTC"                    # the time zone in which days begin
#within      = "2h"                 # all snapshots of this time before the newest; default of a watch: 1h
#pre_restore = "30d"                # for how long to keep snapshots of what restores have replaced

[env.production]
database = "/srv/app/production.db" # needed
#from    = "ssh://app@db1"          # the host of the database: firn there reads it, see docs/pull.md
name     = "app"                    # default: the file's name without its extension
max_age  = "30m"                    # the limit of the newest snapshot's age for "firn status"; default: 25h
tags     = ["web"]                  # beyond env_production and db_app
keep     = { daily = 30 }           # overrides single values of [keep]
before     = "systemctl reload app"   # commands around a backup: FIRN_ENV, FIRN_DATABASE, and then
after      = "logger backed up $FIRN_SNAPSHOT"  # FIRN_SNAPSHOT, FIRN_SIZE, FIRN_ADDED, FIRN_UNCHANGED, FIRN_DURATION;
on_failure = "mail -s \"$FIRN_ERROR\" root"     # after an error FIRN_ERROR and FIRN_EXIT_CODE
#hook_timeout = "10m"               # each command is killed after this time
ping       = "https://hc-ping.com/your-uuid"   # a monitor: firn reports success here, and also calls /start and /fail
#block_writers = true               # for databases over 32 MiB with a rollback journal, without room in TMPDIR: keep the application
                                    # from committing for as long as a backup takes, rather than fail after 2 seconds
#prove       = false                # backups do not look whether what has changed in the database is sound
#foreign_keys = false               # rows without a parent are no fault: the application does not keep its foreign keys
#max_shrink = "50%"                 # a snapshot that has lost more of its rows since the last good one is suspect, ...
#guard      = false                 # ... as is one with lost tables or another application_id; false: none is suspect
# For "firn verify": SQL that finds rows which must not exist. If any of its statements
# returns a row, the snapshot is not sound. The SQL can only read. It runs once a day, as a
# rule in the repository: SQL that finds its rows by an index reads little of it.
verify   = "SELECT id FROM account WHERE balance < 0"

[env.demo]
database = "/srv/app/demo.db"
name     = "app"
stop     = "systemctl stop app-demo"  # commands around a restore; start runs after a failure, too
start    = "systemctl start app-demo"
#scrub   = "scrub.sql"              # SQL that is run on clones of other environments before they go live
#require_scrub = true               # unscrubbed clones may neither leave this environment nor enter it
#export  = "compact"                # VACUUM INTO: a smaller image, but unlike the one before
#watch   = false                    # "firn watch --all" leaves it out
#hold    = false                    # the watch keeps no connection open: for an application that changes its journal_mode
#every   = "30s"                    # the time between two rounds of this environment, in place of that of [watch]

#[env."tenant-*"]                   # a pattern: an environment for each file that fits, tenant-acme for acme.db
#database = "/srv/tenants/*.db"     # one * in the name, and one in the name of a file or a folder
#exclude  = ["*-old.db", "scratch*"]  # files, or folders, that are left out; hidden files are, too
#name     = "app"                   # may have a *; all other keys hold for each file

[s3]                                # the whole table may be left out: see the AWS_* variables
#endpoint        = "https://s3.example.org:9000"   # of s3://bucket/prefix; default: Amazon's
#region          = "eu-central-1"
#access_key_file = "/etc/firn/access"              # the first line of each file counts
#secret_key_file = "/etc/firn/secret"
#ca_file         = "/etc/firn/ca.pem"              # authorities to trust beside the system's
#path_style      = true                            # the bucket's name stands in the path, not in the host
#conditional_put = false                           # for servers that refuse If-None-Match
#lock            = "30d"                           # Object Lock of all that firn writes
#lock_mode       = "governance"                    # default: compliance, which cannot be undone
#limit_upload    = "2MB"                           # per second; a number is in KiB
#limit_download  = "10MB"

[ssh]                               # the whole table may be left out: ssh has its own configuration
#program = "/usr/bin/ssh"           # default: ssh in the search path
#options = ["-F", "/etc/firn/ssh_config"]          # before all others
#firn    = "/usr/local/bin/firn"    # on the other host; default: firn in the search path there

#[watch]                            # for "firn watch"; these are the defaults
#every      = "10s"                 # the time between two rounds: 1s to 1h
#confirm    = "1m"                  # how often a round is confirmed against prunes on other hosts, or "round": each is
#spool_size = "256 MiB"             # how much the rounds may take that wait for a store which is away
#spool_dir  = "/var/spool/firn"     # where they wait; default: below /var/lib/firn, or ~/.local/state/firn

#[copy]                             # another repository, for "firn copy"
#repository = "s3://offsite/firn"   # or any other place
#key_file   = "/etc/firn/offsite.key" # or password_file, or password_command
#keep       = { daily = 30, monthly = "all" } # these rules alone count there; default: those of the environments
#s3         = { access_key_file = "/etc/firn/offsite-access", secret_key_file = "/etc/firn/offsite-secret" } # in place of [s3]
`
