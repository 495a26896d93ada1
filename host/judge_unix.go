//go:build unix

package host

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// trust is the set of users that the caller trusts: the caller itself, and root, which can do
// everything anyway.
type trust struct{ uid int }

func caller() trust { return trust{os.Geteuid()} }

func (t trust) has(uid int) bool { return uid == 0 || uid == t.uid }

// judge returns an [UntrustedError] if another user can change the file, folder or link.
func (t trust) judge(path string, s *unix.Stat_t) error {
	kind := s.Mode & unix.S_IFMT
	e := &UntrustedError{Path: path, UID: int(s.Uid), Folder: kind == unix.S_IFDIR}
	switch {
	case !t.has(e.UID):
		e.Reason = fmt.Sprintf("its owner is %s, not %s", userName(e.UID), t)
		e.Fix = []string{"chown", plainUser(t.uid), path}
	case kind == unix.S_IFLNK, kind == unix.S_IFCHR, kind == unix.S_IFBLK:
		return nil // a link has no mode, and bytes written to a device are not read from it again
	case e.Folder && protected(path, s):
		return nil
	default:
		return t.judgeMode(e, s)
	}
	return e
}

// protected reports whether the files in a folder can only be removed and renamed by their owners,
// although other users may write the folder.
func protected(path string, s *unix.Stat_t) bool {
	return s.Mode&unix.S_ISVTX != 0 || forTemporaryFiles(path)
}

// forTemporaryFiles reports whether a folder is one of the system's folders for temporary files. In
// images of containers these often lack the sticky bit. If the users of a machine make use of that,
// no program on it has a safe place; so a missing sticky bit is no reason to refuse the files
// below.
func forTemporaryFiles(path string) bool { return path == "/tmp" || path == "/var/tmp" }

// judgeMode returns an [UntrustedError] if the mode lets other users write.
func (t trust) judgeMode(e *UntrustedError, s *unix.Stat_t) error {
	change := ""
	switch others, group := s.Mode&0o002 != 0, s.Mode&0o020 != 0; {
	case others && group:
		change = "go-w"
	case others:
		change = "o-w"
	case group && !t.private(e.Path, int(s.Gid)):
		change = "g-w"
	default:
		return nil
	}
	e.Reason = fmt.Sprintf("others may write it (mode %04o, group %s)", s.Mode&0o7777, groupName(int(s.Gid)))
	e.Fix = []string{"chmod", change, e.Path}
	return e
}

// judgeOpened is judge for an open folder.
func (t trust) judgeOpened(f *os.File) error {
	found, err := fstat(f)
	if err != nil {
		return err
	}
	return t.judge(f.Name(), found)
}

// judgePrivate is judgeOpened for a folder that other users may not write, sticky or not.
func (t trust) judgePrivate(f *os.File) error {
	found, err := fstat(f)
	if err != nil {
		return err
	}
	return t.judgeMode(&UntrustedError{Path: f.Name(), UID: int(found.Uid), Folder: true}, found)
}

func fstat(f *os.File) (*unix.Stat_t, error) {
	var found unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &found); err != nil {
		return nil, &os.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return &found, nil
}

// String names the trusted users, for messages.
func (t trust) String() string {
	if t.uid == 0 {
		return "root"
	}
	return userName(t.uid) + " or root"
}

// private reports whether all members of a group are trusted users. On many systems the user's own
// group may write the user's files (umask 002). Root's group counts as root. A group that is not in
// the local files may have any members. So may a file with an access control list, because its mode
// shows only the most that the list allows.
func (t trust) private(path string, gid int) bool {
	return (gid == 0 || t.alone(gid, table("/etc/passwd"), table("/etc/group"))) && !hasACL(path)
}

// alone reports whether a group is among the given groups, and all of its members are accounts of
// trusted users. Rows are as in /etc/passwd and /etc/group.
func (t trust) alone(gid int, accounts, groups [][]string) bool {
	i := slices.IndexFunc(groups, func(g []string) bool { return len(g) > 3 && g[2] == strconv.Itoa(gid) })
	if i < 0 {
		return false
	}
	members := listed(groups[i][3])
	for _, account := range accounts {
		if len(account) < 4 {
			continue
		}
		member := account[3] == strconv.Itoa(gid) || slices.Contains(members, account[0])
		if uid, err := strconv.Atoi(account[2]); member && (err != nil || !t.has(uid)) {
			return false
		}
		members = slices.DeleteFunc(members, func(m string) bool { return m == account[0] })
	}
	return len(members) == 0 // the remaining members have no account in the list
}

// plainUser returns a user as chown takes it.
func plainUser(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
