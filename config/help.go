package config

// Help is a configuration file with every key, and what each means. A test reads it as one, so that it stays true.
const Help = `# firn.toml, looked for in: --config, $FIRN_CONFIG, ./firn.toml (not by root),
# $XDG_CONFIG_HOME/firn/firn.toml, /etc/firn/firn.toml. It must belong to the user or to
# root, like the files that it names, and nobody else may write it or a folder on the way.
# Relative paths start at the folder of this file, and ~/ at the home folder. Flags beat environment variables
# (FIRN_REPOSITORY, FIRN_KEY_FILE, FIRN_PASSWORD_FILE, FIRN_PASSWORD, FIRN_CACHE_DIR,
# FIRN_STATE_DIR), these beat the file.

repository = "/mnt/backup/firn"     # or "s3:https://host:port/bucket/prefix", or "s3://bucket/prefix"
key_file   = "/etc/firn/key"        # or password_file, or password_command
#cache_size = "1GiB"                # what is kept here of a repository in S3
#metrics_file = "/var/lib/prometheus/node-exporter/firn.prom"   # what backups do, for Prometheus

[keep]                              # what retention keeps; these are the defaults
last     = 10                       # a number, or "all", like those that follow
hourly   = 24
daily    = 7
weekly   = 4                        # ISO weeks
monthly  = 6
yearly   = "all"
timezone = "UTC"                    # in which days begin
#within      = "2h"                 # all younger than this before the newest
#pre_restore = "30d"                # what restores have replaced

[env.production]
database = "/srv/app/production.db" # needed
name     = "app"                    # default: the file's name without its extension
max_age  = "30m"                    # of the newest snapshot, for "firn status"; default: 25h
tags     = ["web"]                  # beyond env_production and db_app
keep     = { daily = 30 }           # overrides single values of [keep]
before     = "systemctl reload app"   # commands around a backup: FIRN_ENV, FIRN_DATABASE, and then
after      = "logger backed up $FIRN_SNAPSHOT"  # FIRN_SNAPSHOT, FIRN_SIZE, FIRN_ADDED, FIRN_UNCHANGED, FIRN_DURATION;
on_failure = "mail -s \"$FIRN_ERROR\" root"     # FIRN_ERROR, FIRN_EXIT_CODE tell how it went
#hook_timeout = "10m"               # each is killed after this
ping       = "https://hc-ping.com/your-uuid"   # a monitor: told of success here, at /start and at /fail
#block_writers = true               # with a rollback journal, over 32 MiB, and no room in TMPDIR: keep the application from
                                    # committing for as long as a backup takes, rather than fail after 2 seconds of that
#max_shrink = "50%"                 # more of its rows gone since the last good snapshot is suspect, ...
#guard      = false                 # ... as are lost tables and another application_id; this takes all for good
# For "firn verify": SQL that finds what must not be. A row that any of its statements
# returns means that the snapshot is not sound. It can only read.
verify   = "SELECT id FROM account WHERE balance < 0"

[env.demo]
database = "/srv/app/demo.db"
name     = "app"
stop     = "systemctl stop app-demo"  # around a restore; start runs whatever happens
start    = "systemctl start app-demo"
#scrub   = "scrub.sql"              # SQL that clones of other environments go through before they go live
#require_scrub = true               # clones from here, or to here, only if they are scrubbed
#export  = "compact"                # VACUUM INTO: smaller alone, but new every time

[s3]                                # all of it may be left out: see the AWS_* variables
#endpoint        = "https://s3.example.org:9000"   # of s3://bucket/prefix; default: Amazon's
#region          = "eu-central-1"
#access_key_file = "/etc/firn/access"              # the first line of each file counts
#secret_key_file = "/etc/firn/secret"
#ca_file         = "/etc/firn/ca.pem"              # to trust beside the system's certificates
#path_style      = true                            # the bucket's name stands in the path, not in the host
#conditional_put = false                           # for servers that refuse If-None-Match
#lock            = "30d"                           # Object Lock of what is written
#lock_mode       = "governance"                    # default: compliance, nobody can undo it
#limit_upload    = "2MB"                           # per second; a number is in KiB
#limit_download  = "10MB"

#[copy]                             # another repository, for "firn copy"
#repository = "s3://offsite/firn"   # or a folder
#key_file   = "/etc/firn/offsite.key" # or password_file, or password_command
#keep       = { daily = 30, monthly = "all" } # these rules alone count there; default: those of the environments
#s3         = { access_key_file = "/etc/firn/offsite-access", secret_key_file = "/etc/firn/offsite-secret" } # in place of [s3]
`
