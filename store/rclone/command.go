package rclone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"firn/store"
)

// The place is shown to rclone's commands as the folder "firn" of a remote that exists for firn's processes only. The remote
// stands in variables, not in arguments, because a location can have secrets and other users see arguments.
const (
	remote = "firnplace:"
	folder = "firn"
)

// command returns a call of rclone. It has no terminal and no input, so it cannot ask for anything.
func (o *Options) command(ctx context.Context, args ...string) *exec.Cmd {
	program := o.Program
	if program == "" {
		program = "rclone"
	}
	cmd := exec.CommandContext(ctx, program, append(args, "--ask-password=false")...)
	cmd.Env = o.environment()
	cmd.WaitDelay = time.Second // for the output of a process that rclone has left behind
	apart(cmd)
	return cmd
}

// environment returns the user's own variables with the remote, without firn's own and those that change what rclone does.
func (o *Options) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		option, ok := strings.CutPrefix(name, "RCLONE_")
		return strings.HasPrefix(name, "FIRN_") || ok && slices.Contains(strings.Fields(meddling), option)
	})
	return append(env, "RCLONE_CONFIG_FIRNPLACE_TYPE=combine", "RCLONE_CONFIG_FIRNPLACE_UPSTREAMS="+o.Location.upstream(folder))
}

// meddling names options that are good for other uses of rclone, and turn a server of objects into something else: one that
// writes nothing, hides objects, serves another protocol, says things another way, or has more doors.
const meddling = `
DRY_RUN INTERACTIVE READ_ONLY
INCLUDE INCLUDE_FROM EXCLUDE EXCLUDE_FROM EXCLUDE_IF_PRESENT FILTER FILTER_FROM FILES_FROM FILES_FROM_RAW
MIN_SIZE MAX_SIZE MIN_AGE MAX_AGE MAX_DEPTH IGNORE_CASE
ADDR BASEURL CERT KEY CLIENT_CA USER PASS HTPASSWD AUTH_PROXY FORCE_PATH_STYLE DIRECTORY_MARKERS NO_CLEANUP
VERBOSE QUIET PROGRESS LOG_LEVEL LOG_FILE LOG_FORMAT LOG_SYSTEMD USE_JSON_LOG SYSLOG STATS
RC RC_ADDR RC_NO_AUTH RC_SERVE RC_WEB_GUI METRICS_ADDR
`

// output runs rclone to its end and returns what it prints.
func (o *Options) output(ctx context.Context, args ...string) (string, error) {
	cmd := o.command(ctx, args...)
	said := o.newTail()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, said
	err := cmd.Run()
	if cause := ctx.Err(); err != nil && cause != nil {
		return "", cause
	}
	if err != nil {
		return "", explain(err, said)
	}
	return out.String(), nil
}

// newTail returns a tail for the output of a command. It leaves out what rclone says in front of most errors, since users do
// not know the remote of the command, and the place can have a secret.
func (o *Options) newTail() *tail {
	place := strconv.Quote(o.Location.Remote + o.Location.Path)
	return &tail{noise: `Failed to create file system for "` + remote + `": failed to create upstream ` + place + ": "}
}

// signs are the words by which rclone tells of faults of its configuration.
const signs = `didn't find section in config file
didn't find backend called
failed to load config file
couldn't find type of fs
config name contains invalid characters
unquoted config value
`

// explain returns the error of an rclone that could not be started, or has ended, with its last words.
func explain(err error, said *tail) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return store.ErrNoRclone
	}
	words := said.essence()
	if words == "" {
		return fmt.Errorf("%w: %w", store.ErrRclone, err)
	}
	for sign := range strings.Lines(signs) {
		if strings.Contains(strings.ToLower(words), strings.TrimSpace(sign)) {
			return fmt.Errorf("%w: %s", store.ErrRcloneConfig, words)
		}
	}
	return fmt.Errorf("%w: %s", store.ErrRclone, words)
}
