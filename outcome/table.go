package outcome

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"firn/crypt"
	"firn/host"
	"firn/pipe"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/snapshot"
	"firn/sqlite"
	"firn/ssh"
	"firn/store"
	"firn/store/wire"
	"firn/tags"
)

// ending is the exit code of some errors and a hint: what the user can do about them.
type ending struct {
	match func(error) bool
	Code  int
	Hint  string
}

// diskHint is the hint for errors of a disk, which are no errors of the database or the snapshot.
const diskHint = "Look at the disk: dmesg shows the system's messages about it. The database and the snapshot may be sound."

// isDamagedKey reports whether an error is about a damaged key slot.
func isDamagedKey(err error) bool {
	corrupt, ok := errors.AsType[*repo.CorruptError](err)
	return ok && corrupt.Kind == "key"
}

// Endings returns the one table of exit codes and hints. The first line that matches an error counts. The code and the hint
// of an [Error] override the table.
func Endings() []ending {
	interrupted := ending{Is(context.Canceled), CodeInterrupted, ""}
	return slices.Concat([]ending{interrupted}, connectionEndings(), mostEndings())
}

// connectionEndings returns the lines for connections by ssh. An error about a database on the other host is one of the source.
func connectionEndings() (lines []ending) {
	for _, line := range []ending{
		{Is(ssh.ErrNoProgram), CodeFailed, "Install OpenSSH's client, or name another program as program of [ssh]."},
		{Is(ssh.ErrHostKey), CodeFailed, "Find out why the host has another key: it may be another machine. Then replace its line in known_hosts of the user that firn runs as (ssh-keygen -R HOST)."},
		{Is(ssh.ErrUnknownHost), CodeFailed, "Connect once by hand with ssh, as the user that firn runs as, and compare the key that it shows."},
		{Is(ssh.ErrLogin), CodeFailed, "firn never asks for passwords of hosts. Give the user that firn runs as a key without a passphrase or an agent, and try it: ssh -o BatchMode=yes HOST must ask nothing."},
		{Is(ssh.ErrNoCommand), CodeFailed, "Is firn installed there, and sftp allowed? firn of [ssh] in the configuration is the command that runs firn on the other host."},
		{Is(ssh.ErrChatter), CodeFailed, "Let the shell's startup files of that user print nothing unless they run on a terminal. Is firn there as new as here?"},
		{Is(pipe.ErrProtocol), CodeFailed, "Install the same version of firn on both hosts."},
		{Is(pipe.ErrService), CodeFailed, "Another command is forced for this key in authorized_keys of that host: use another key, or another host name in ssh's configuration."},
		{Is(ssh.ErrEnded), CodeFailed, "Run it by hand: ssh HOST firn version. Is firn there as new as here?"},
		{Is(ErrNotAllowed), CodeFailed, "On that host, name the database with --allow in the line of authorized_keys, and add --writable for restores: see \"firn agent --help\"."},
		{Is(ssh.ErrSilent, ssh.ErrUnreachable), CodeFailed, "Check the host's name, its port and the network. Nothing is lost: run it again."},
	} {
		lines = append(lines, ending{all(isA[*SourceError](), line.match), CodeSource, line.Hint}, line)
	}
	return lines
}

func mostEndings() []ending {
	return []ending{
		{Is(ErrRunning), CodeRunning, "Wait for that run, or stop it. If a run takes longer than the time between two runs, make that time longer."},
		{Is(repo.ErrNotRepository), CodeNoRepository, `Check the location, and that its disk is mounted. "firn init" makes a new repository.`},
		{Is(crypt.ErrWrongKey), CodeWrongKey, `Is it the key of this repository? "firn help flags" says where firn looks for keys.`},
		{Is(crypt.ErrWeak), CodeUsage, `Take four words or more that have nothing to do with one another, or a key file: "firn key generate".`},
		{Is(repo.ErrVersion, crypt.ErrVersion, snapshot.ErrVersion), CodeFailed, "Update firn."},
		{Is(repo.ErrExists), CodeFailed, "It was left as it is. Use it, or choose another location."},
		{Is(repo.ErrSameRepository), CodeUsage, `Name another one: "firn init --repository" makes it.`},
		{Is(repo.ErrLastKey), CodeFailed, `Add another one first: "firn key add".`},
		{Is(repo.ErrTooMany), CodeDamage, `An intruder with access to the store may have put them there. "firn key list" shows the keys; firn needs no object that it did not write.`},
		{Is(repo.ErrUnproven), CodeFailed, `Use another key for it, which proves that one: --key-file, for instance. "firn key rotate" replaces the key in use.`},
		{Is(repo.ErrMayNotDelete), CodeFailed, "Forget and prune from a host whose credentials may delete; back up without --prune here."},
		{Is(repo.ErrUnsettled), CodeFailed, "Run it again."},
		{isA[*snapshot.AmbiguousError](), CodeFailed, "Give more digits of the ID."},
		{Is(snapshot.ErrNotFound), CodeFailed, `"firn snapshots" lists the snapshots.`},
		{Is(retention.ErrKeepsNothing), CodeUsage, "Keep something: --keep-last 10, for instance, or [keep] in the configuration."},
		{Is(tags.ErrInvalid), CodeUsage, ""},
		{Is(sqlite.ErrSQL), CodeUsage, ""},

		{Is(store.ErrBucket), CodeNoRepository, "Make the bucket first, or check its name and the endpoint."},
		{Is(store.ErrCredentials), CodeFailed, "Check access_key_file and secret_key_file of [s3], or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."},
		{Is(wire.ErrRefused), CodeFailed, "The other host decides that: look at the rights there, and at the command of this key in its authorized_keys (docs/append-only.md)."},
		{Is(store.ErrFolder), CodeNoRepository, `Check the path, and that its disk is mounted there. "firn init" makes a new repository.`},
		{Is(store.ErrRights), CodeFailed, "Let that user own the folder and all that is in it (chown -R), or log in as its owner."},
		{Is(store.ErrReplaces), CodeFailed, "Two hosts that write at the same moment could lose what they write. Use OpenSSH's server, or another one with hardlink@openssh.com."},
		{Is(store.ErrAnswer), CodeFailed, "Is it the right server? Look at its folder with another program, and at its log."},
		{Is(store.ErrDenied), CodeFailed, "Give the credentials the missing right. Reading needs s3:ListBucket and s3:GetObject, a backup also s3:PutObject, forget and prune also s3:DeleteObject."},
		{Is(store.ErrClock), CodeFailed, "Set the clock: chronyc and timedatectl show how wrong it is."},
		{Is(store.ErrRegion), CodeFailed, "Set region of [s3] or AWS_REGION to the bucket's."},
		{Is(store.ErrCertificate), CodeFailed, "Name the certificate of its authority as ca_file of [s3], or in AWS_CA_BUNDLE. Check the host's name."},
		{Is(store.ErrProtocol), CodeFailed, "Check host and port, and whether it is http or https."},
		{Is(store.ErrLock), CodeFailed, "Object Lock can be had when a bucket is made. Else remove lock from [s3]."},
		{Is(store.ErrNoRclone), CodeFailed, "Install rclone 1.76 or later where the user that runs firn finds programs (https://rclone.org/install)."},
		{Is(store.ErrOldRclone), CodeFailed, "Install rclone 1.76 or later (https://rclone.org/install). Distributions often have older ones."},
		{Is(store.ErrRcloneConfig), CodeFailed, `"rclone listremotes" shows the remotes of the user that runs it: it must be the user that runs firn. RCLONE_CONFIG names another file, RCLONE_CONFIG_PASS or RCLONE_PASSWORD_COMMAND its password.`},
		{Is(store.ErrRclone), CodeFailed, `Try "rclone lsd REMOTE:" as the user that runs firn. Nothing is lost: run it again.`},
		{Is(store.ErrUnreachable), CodeFailed, "Check host and port, and the network. Nothing is lost: run it again."},

		{all(isA[*SourceError](), isA[*host.RightsError]()), CodeSource, foreignHint},
		{isA[*host.RightsError](), CodeFailed, foreignHint},
		{all(isA[*SourceError](), Is(host.ErrTwoOwners)), CodeSource, twoOwnersHint},
		{Is(host.ErrTwoOwners), CodeFailed, twoOwnersHint},
		{all(isA[*SourceError](), Is(host.ErrNoIdentity)), CodeSource, identityHint},
		{Is(host.ErrNoIdentity), CodeFailed, identityHint},
		{matchSource(sqlite.ErrHoldsUp), CodeSource, "Make room for temporary files, set TMPDIR to a folder with more, or have the application use WAL mode. --block-writers reads all the same."},
		{matchSource(fs.ErrNotExist), CodeSource, "Check the path of the database. firn never creates one."},
		{matchSource(ErrStuck), CodeSource, "Look at the disk or the file server that holds the database: dmesg shows messages about both."},
		{matchSource(sqlite.ErrStrangeSidecar), CodeSource, "SQLite makes no such file. Find out who did, and remove it."},
		{matchSource(sqlite.ErrDetached), CodeSource, "Name the database by the path that its application uses. In a container, mount the database's folder, not the file alone."},
		{matchSource(sqlite.ErrChanged), CodeSource, "Run it again, or as the owner of the database, who can lock it."},
		{matchSource(fs.ErrPermission), CodeSource, "Run firn as a user who may read the database: best as its owner, or as root."},
		{matchSource(sqlite.ErrEmpty), CodeSource, "Check the path: an empty file often means that a program was started with a wrong one."},
		{matchSource(sqlite.ErrNotDatabase), CodeSource, "Check the path. Encrypted databases (SQLCipher, SEE) cannot be read."},
		{matchSource(sqlite.ErrNotFile), CodeSource, "Name the database file itself."},
		{matchSource(sqlite.ErrBusy), CodeSource, "Look for a program that holds the database: lsof or fuser name it. Then run firn again."},
		{matchSource(sqlite.ErrUnparsed), CodeSource, "The database is not damaged. Drop the definition, or make it anew in words that every version of SQLite reads."},
		{matchSource(sqlite.ErrCorrupt), CodeSource, `The database itself is damaged. Earlier snapshots are not: "firn snapshots", "firn restore".`},
		{matchSource(sqlite.ErrNoSpace, syscall.ENOSPC, syscall.EDQUOT), CodeSource, "Make room for the database's own files and for temporary ones (df -h, df -i), or set TMPDIR to a folder with more."},
		{matchSource(sqlite.ErrIO, syscall.EIO), CodeSource, diskHint},
		{isA[*SourceError](), CodeSource, ""},

		{isA[*repo.OtherError](), CodeDamage, WayForward},
		{isDamagedKey, CodeDamage, `"firn check --repair" puts the key back if a host that still opens the repository has a copy. This host may be one. Remove no key until then.`},
		{isA[*repo.CorruptError](), CodeDamage, `"firn check" tells what is hit. Keep the repository as it is until then.`},
		{Is(sqlite.ErrStrangeSidecar), CodeFailed, "SQLite makes no such file. Find out who did, and remove it."},
		{Is(sqlite.ErrUnparsed), CodeFailed, "The database is not damaged: use it with the SQLite of its application."},
		{Is(sqlite.ErrSidecar), CodeFailed, "Move the named file away, then run it again."},
		{Is(sqlite.ErrPageSize), CodeFailed, "Stop the application and add --offline, or restore to another file with --target."},
		{Is(sqlite.ErrBusy), CodeFailed, "Wait for the transaction, or longer with --wait, or stop the application, then run it again."},
		{Is(store.ErrNoSpace), CodeFailed, `Make room on that disk or in that bucket: "firn prune" frees what is not needed. Then run it again.`},
		{Is(sqlite.ErrNoSpace, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG), CodeFailed, "Make room on that disk (df -h, df -i), then run it again."},
		{Is(sqlite.ErrIO, syscall.EIO), CodeFailed, diskHint},
		{Is(syscall.EBUSY, syscall.EXDEV), CodeFailed, "A file that is mounted by itself (docker -v FILE:FILE) can be written but not replaced or renamed: mount its folder, or restore to another file with --target."},
		{Is(syscall.EROFS), CodeFailed, "The disk is mounted read-only: mount it for writing. If it should be writable, dmesg shows whether an error has made it read-only."},
		{Is(syscall.ETXTBSY), CodeFailed, "The file is in use as a program or as swap space: is it the right one?"},
		{Is(syscall.ENAMETOOLONG), CodeFailed, "Files beside the database have longer names than the database: give it a shorter name."},
		{Is(fs.ErrPermission), CodeFailed, "Run firn as a user who may read and write there."},
	}
}

// Hints for paths that belong to other users.
const (
	foreignHint   = "If another user can write a folder, firn works there with the rights of the folder's owner. Give that user the access, or let only root write the folder."
	twoOwnersHint = "Keep it in a folder on whose path only root and one other user can write."
	identityHint  = "Run firn as the owner of the folder. As root it needs Linux, and the capabilities CAP_SETUID, CAP_SETGID and CAP_SYS_CHROOT."
)

// all returns a function that matches errors that all of the given functions match.
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

// Is returns a function that matches errors that wrap one of the targets.
func Is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

// isA returns a function that matches errors that wrap an error of type T.
func isA[T error]() func(error) bool {
	return func(err error) bool {
		_, ok := errors.AsType[T](err)
		return ok
	}
}

// matchSource returns a function that matches a [SourceError] that wraps one of the targets.
func matchSource(targets ...error) func(error) bool {
	return func(err error) bool {
		s, ok := errors.AsType[*SourceError](err)
		return ok && Is(targets...)(s)
	}
}

// Classify returns the exit code of an error and the hint, "" for none. An [Error] may bring them; otherwise they are from
// [Endings].
func Classify(err error) (code int, hint string) {
	code = CodeFailed
	for _, e := range Endings() {
		if e.match(err) {
			code, hint = e.Code, e.Hint
			break
		}
	}
	if p, ok := errors.AsType[*Error](err); ok {
		if p.code != 0 {
			code = p.code
		}
		if p.hint != "" {
			hint = p.hint
		}
	}
	return code, cmp.Or(hint, TrustHint(err, ""))
}

// WayForward is the hint for a repository that was set back: how a person accepts the present state.
const WayForward = `Is the right disk mounted, or was an old copy put back? To accept the present state: "firn check --accept-rollback".`

// TrustHint returns the hint for a path that other users can change: the commands that mend its rights. For any other error it
// returns the given hint.
func TrustHint(err error, otherwise string) string {
	e, ok := errors.AsType[*host.UntrustedError](err)
	if !ok {
		return otherwise
	}
	words := make([]string, len(e.Fix))
	for i, w := range e.Fix {
		words[i] = report.QuoteWord(w)
	}
	run := "run: " + strings.Join(words, " ")
	if e.Folder {
		return "Keep it in a folder that no other user can change, or " + run
	}
	return strings.ToUpper(run[:1]) + run[1:]
}
