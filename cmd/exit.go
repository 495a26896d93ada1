package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"firn/crypt"
	"firn/host"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/sqlite"
	"firn/store"
	"firn/tags"
)

// The exit codes. Their meaning is a promise; exitCodes tells it to users.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitSource       = 3
	exitPartly       = 4
	exitNoRepository = 10
	exitRunning      = 11
	exitWrongKey     = 12
	exitDamage       = 13
	exitInterrupted  = 130
)

// exitCodes is shown by the help of every command.
const exitCodes = `Exit codes:
  0    done
  1    failed, or there is no such snapshot
  2    wrong usage or configuration
  3    the source could not be read, or is not an SQLite database
  4    some environments failed, others are done
  10   there is no repository at this place
  11   the same environment's run is under way
  12   wrong key or password
  13   damage was found, or the repository shows less than was stored
  130  interrupted; nothing is left half-done
`

// ending says how the program ends after an error: the code, and what the
// user can do about it.
type ending struct {
	match func(error) bool
	code  int
	hint  string
}

// diskHint is for errors that say nothing about a database or a snapshot.
const diskHint = "Look at the disk: dmesg says what the system knows of it. This says nothing about the database or the snapshot."

// isDamagedKey reports whether err tells of a damaged key slot.
func isDamagedKey(err error) bool {
	corrupt, ok := errors.AsType[*repo.CorruptError](err)
	return ok && corrupt.Kind == "key"
}

// endings is the one table of exit codes and hints; the first line that
// matches counts. What a [problem] says comes before it.
func endings() []ending {
	return []ending{
		{is(context.Canceled), exitInterrupted, ""},
		{is(errRunning), exitRunning, "Wait for it, or stop it. If the times between two runs are too short for it, make them longer."},
		{is(repo.ErrNotRepository), exitNoRepository, `Check the location, and that its disk is mounted. "firn init" makes a new repository.`},
		{is(crypt.ErrWrongKey), exitWrongKey, `Is it the key of this repository? "firn help" tells where keys are looked for.`},
		{is(crypt.ErrWeak), exitUsage, `Take four words or more that have nothing to do with one another, or a key file: "firn key generate".`},
		{is(repo.ErrVersion, crypt.ErrVersion, snapshot.ErrVersion), exitFailed, "Update firn."},
		{is(repo.ErrExists), exitFailed, "It was left as it is. Use it, or choose another location."},
		{is(repo.ErrSameRepository), exitUsage, `Name another one: "firn init --repository" makes it.`},
		{is(repo.ErrLastKey), exitFailed, `Add another one first: "firn key add".`},
		{is(repo.ErrTooMany), exitDamage, `Somebody with access to the store may have put them there. "firn key list" shows the keys; firn needs no object that it did not write.`},
		{is(repo.ErrUnproven), exitFailed, `Use another key for it, which proves that one: --key-file, for instance. "firn key rotate" replaces the key in use.`},
		{is(repo.ErrMayNotDelete), exitFailed, "Forget and prune from a host whose credentials may delete; back up without --prune here."},
		{is(repo.ErrUnsettled), exitFailed, "Run it again."},
		{isA[*snapshot.AmbiguousError](), exitFailed, "Give more digits of the ID."},
		{is(snapshot.ErrNotFound), exitFailed, `"firn snapshots" lists what there is.`},
		{is(retention.ErrKeepsNothing), exitUsage, "Keep something: --keep-last 10, for instance, or [keep] in the configuration."},
		{is(tags.ErrInvalid), exitUsage, ""},
		{is(sqlite.ErrSQL), exitUsage, ""},

		{is(store.ErrBucket), exitNoRepository, "Make the bucket first, or check its name and the endpoint."},
		{is(store.ErrCredentials), exitFailed, "Check access_key_file and secret_key_file of [s3], or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."},
		{is(store.ErrDenied), exitFailed, "Give the credentials the right. Reading takes s3:ListBucket and s3:GetObject, a backup s3:PutObject too, forget and prune s3:DeleteObject."},
		{is(store.ErrClock), exitFailed, "Set it: chronyc or timedatectl tell how far it is off."},
		{is(store.ErrRegion), exitFailed, "Set region of [s3] or AWS_REGION to the bucket's."},
		{is(store.ErrCertificate), exitFailed, "Name the certificate of its authority as ca_file of [s3], or in AWS_CA_BUNDLE. Check the host's name."},
		{is(store.ErrProtocol), exitFailed, "Check host and port, and whether it is http or https."},
		{is(store.ErrLock), exitFailed, "Object Lock can be had when a bucket is made. Else remove lock from [s3]."},
		{is(store.ErrUnreachable), exitFailed, "Check host and port, and the network. Nothing is lost: run it again."},

		{all(isA[*sourceError](), isA[*host.RightsError]()), exitSource, foreignHint},
		{isA[*host.RightsError](), exitFailed, foreignHint},
		{all(isA[*sourceError](), is(host.ErrTwoOwners)), exitSource, twoOwnersHint},
		{is(host.ErrTwoOwners), exitFailed, twoOwnersHint},
		{all(isA[*sourceError](), is(host.ErrNoIdentity)), exitSource, identityHint},
		{is(host.ErrNoIdentity), exitFailed, identityHint},
		{ofSource(sqlite.ErrHoldsUp), exitSource, "Make room for temporary files, set TMPDIR to a folder with more, or have the application use WAL mode. --block-writers reads all the same."},
		{ofSource(fs.ErrNotExist), exitSource, "Check the path of the database. firn never creates one."},
		{ofSource(errStuck), exitSource, "Look at the disk or the file server that holds the database: dmesg tells of both."},
		{ofSource(sqlite.ErrStrangeSidecar), exitSource, "SQLite makes no such file. Find out who did, and remove it."},
		{ofSource(sqlite.ErrDetached), exitSource, "Name the database by the path that its application uses. In a container, mount the database's folder, not the file alone."},
		{ofSource(sqlite.ErrChanged), exitSource, "Run it again, or as the owner of the database, who can lock it."},
		{ofSource(fs.ErrPermission), exitSource, "Run firn as a user who may read the database: best as its owner, or as root."},
		{ofSource(sqlite.ErrEmpty), exitSource, "Check the path: an empty file often means that a program was started with a wrong one."},
		{ofSource(sqlite.ErrNotDatabase), exitSource, "Check the path. Encrypted databases (SQLCipher, SEE) cannot be read."},
		{ofSource(sqlite.ErrNotFile), exitSource, "Name the database file itself."},
		{ofSource(sqlite.ErrBusy), exitSource, "Look for a program that holds the database: lsof or fuser name it. Then run firn again."},
		{ofSource(sqlite.ErrCorrupt), exitSource, `The database itself is damaged. Earlier snapshots are not: "firn snapshots", "firn restore".`},
		{ofSource(sqlite.ErrNoSpace, syscall.ENOSPC, syscall.EDQUOT), exitSource, "Make room for the database's own files and for temporary ones (df -h, df -i), or set TMPDIR to a folder with more."},
		{ofSource(sqlite.ErrIO, syscall.EIO), exitSource, diskHint},
		{isA[*sourceError](), exitSource, ""},

		{isA[*repo.OtherError](), exitDamage, wayForward},
		{isDamagedKey, exitDamage, `"firn check --repair" puts the key back from the copy of a host that still opens the repository, such as this one, perhaps. Remove no key until then.`},
		{isA[*repo.CorruptError](), exitDamage, `"firn check" tells what is hit. Keep the repository as it is until then.`},
		{is(sqlite.ErrStrangeSidecar), exitFailed, "SQLite makes no such file. Find out who did, and remove it."},
		{is(sqlite.ErrSidecar), exitFailed, "Move the named file away, then run it again."},
		{is(sqlite.ErrPageSize), exitFailed, "Stop the application and add --offline, or restore to another file with --target."},
		{is(sqlite.ErrBusy), exitFailed, "Wait for the transaction, or longer with --wait, or stop the application, then run it again."},
		{is(store.ErrNoSpace), exitFailed, `Make room on that disk or in that bucket: "firn prune" frees what is not needed. Then run it again.`},
		{is(sqlite.ErrNoSpace, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG), exitFailed, "Make room on that disk (df -h, df -i), then run it again."},
		{is(sqlite.ErrIO, syscall.EIO), exitFailed, diskHint},
		{is(syscall.EBUSY, syscall.EXDEV), exitFailed, "A file that is mounted by itself (docker -v FILE:FILE) can be written but not replaced or renamed: mount its folder, or restore to another file with --target."},
		{is(syscall.EROFS), exitFailed, "The disk is mounted read-only: mount it for writing. If it should be writable, dmesg tells whether an error has made it so."},
		{is(syscall.ETXTBSY), exitFailed, "The file is being run as a program, or is in use as swap: is it the right one?"},
		{is(syscall.ENAMETOOLONG), exitFailed, "Names of files beside the database get longer than its own: use a shorter one."},
		{is(fs.ErrPermission), exitFailed, "Run firn as a user who may read and write there."},
	}
}

// What to do where a path is another user's.
const (
	foreignHint   = "firn uses a folder that another user can write with the rights of its owner. Give that user the access, or make the folder one that only root can write."
	twoOwnersHint = "Keep it in a folder on whose path only one user beside root can write."
	identityHint  = "Run firn as the user to whom the folder belongs. As root it needs Linux, and the capabilities CAP_SETUID, CAP_SETGID and CAP_SYS_CHROOT."
)

// all matches errors that all of the functions match.
func all(matches ...func(error) bool) func(error) bool {
	return func(err error) bool {
		for _, match := range matches {
			if !match(err) {
				return false
			}
		}
		return true
	}
}

// is matches errors that wrap one of the targets.
func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

// isA matches errors that wrap one of type T.
func isA[T error]() func(error) bool {
	return func(err error) bool {
		_, ok := errors.AsType[T](err)
		return ok
	}
}

// ofSource matches errors of reading a source database that wrap one of the targets.
func ofSource(targets ...error) func(error) bool {
	return func(err error) bool {
		s, ok := errors.AsType[*sourceError](err)
		return ok && is(targets...)(s)
	}
}

// sourceError is an error of the database that is to be backed up, not of the
// repository.
type sourceError struct{ err error }

// ofTheSource marks an error as one of the database that is to be backed up.
func ofTheSource(err error) error { return &sourceError{err} }

// Error is the error of the source itself.
func (e *sourceError) Error() string { return e.err.Error() }

// Unwrap returns it.
func (e *sourceError) Unwrap() error { return e.err }

// problem is an error that brings its own exit code or hint; what is zero is
// left to the table.
type problem struct {
	err  error
	code int
	hint string
}

// newProblem returns an error with an exit code and a hint; what is zero is left to the table.
func newProblem(err error, code int, hint string) error { return &problem{err, code, hint} }

// Error says what happened, without the hint.
func (p *problem) Error() string { return p.err.Error() }

// Unwrap returns the cause.
func (p *problem) Unwrap() error { return p.err }

// usage is an error in how firn was called or configured.
func usage(hint, format string, args ...any) error {
	return newProblem(fmt.Errorf(format, args...), exitUsage, hint)
}

// failed is any other error that the program itself finds.
func failed(hint, format string, args ...any) error {
	return newProblem(fmt.Errorf(format, args...), 0, hint)
}

// interrupted is how every run ends that was told to stop.
func interrupted(err error) error {
	if p, ok := errors.AsType[*problem](err); ok && p.code == exitInterrupted {
		return err
	}
	return newProblem(errors.New("interrupted: nothing was left half-done"), exitInterrupted, "")
}

// classify returns the exit code and the hint of an error.
func classify(err error) (code int, hint string) {
	code = exitFailed
	for _, e := range endings() {
		if e.match(err) {
			code, hint = e.code, e.hint
			break
		}
	}
	if p, ok := errors.AsType[*problem](err); ok {
		if p.code != 0 {
			code = p.code
		}
		if p.hint != "" {
			hint = p.hint
		}
	}
	return code, cmp.Or(hint, trustHint(err, ""))
}

// fail reports an error and returns its exit code. Errors that were reported
// already are not repeated.
func (c *cli) fail(err error) int {
	code, hint := classify(err)
	if _, ok := errors.AsType[*reported](err); !ok {
		c.report(err, code, hint)
	}
	return code
}

// reported is an error that the user has been told of.
type reported struct{ err error }

// alreadyReported marks an error that the user has been told of.
func alreadyReported(err error) error { return &reported{err} }

// Error says what the user was told.
func (r *reported) Error() string { return r.err.Error() }

// Unwrap returns the error, which gives the exit code.
func (r *reported) Unwrap() error { return r.err }

// errorMessage is an error in JSON.
type errorMessage struct {
	Type    string `json:"message_type"` // "error"
	Code    int    `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// report writes an error to standard error.
func (c *cli) report(err error, code int, hint string) {
	if c.json {
		c.writeJSON(c.stderr, errorMessage{"error", code, err.Error(), hint})
		return
	}
	c.bar.Load().hide()
	for _, text := range messages(err) {
		_ = c.style(c.stderr, red, "firn:") // there is nowhere else to tell of it
		c.tell(c.stderr, " ", "%s", text)
	}
	if hint != "" {
		c.tell(c.stderr, "firn: hint: ", "%s", hint)
	}
}

// messages returns the messages of several errors that were joined, or that of one.
func messages(err error) (texts []string) {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	for _, e := range several.Unwrap() {
		texts = append(texts, messages(e)...)
	}
	if strings.Join(texts, "\n") != err.Error() { // it is one with several causes
		return []string{err.Error()}
	}
	return texts
}
