package cmd

import "github.com/spf13/cobra"

// configurationHelp is the help topic on firn.toml. A test reads it as one, so
// that it stays true.
const configurationHelp = `# firn.toml, looked for in: --config, $FIRN_CONFIG, ./firn.toml,
# $XDG_CONFIG_HOME/firn/firn.toml, /etc/firn/firn.toml. Relative paths start at the
# folder of this file, and ~/ at the home folder. Flags beat environment variables
# (FIRN_REPOSITORY, FIRN_KEY_FILE, FIRN_PASSWORD_FILE, FIRN_PASSWORD, FIRN_CACHE_DIR),
# these beat the file.

repository = "/mnt/backup/firn"
key_file   = "/etc/firn/key"        # or password_file, or password_command

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
tags     = ["web"]                  # beyond env_production and db_app
keep     = { daily = 30 }           # overrides single values of [keep]

[env.demo]
database = "/srv/app/demo.db"
name     = "app"
stop     = "systemctl stop app-demo"  # around a restore; start runs whatever happens
start    = "systemctl start app-demo"
#export  = "compact"                # VACUUM INTO: smaller alone, but new every time
`

// newConfigurationHelp is no command: it has nothing to run.
func newConfigurationHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "configuration",
		Short: "The configuration file and its keys",
		Long:  configurationHelp,
	}
}
