//go:build unix

package host

import (
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// stat holds the facts that decide about the access to a file.
type stat struct {
	uid, gid int
	mode     fs.FileMode
}

func statOf(info fs.FileInfo) stat {
	s := info.Sys().(*syscall.Stat_t) // os.Root and os.Lstat set nothing else on these systems
	return stat{int(s.Uid), int(s.Gid), info.Mode()}
}

func (s stat) groupCanWrite() bool { return s.mode.Perm()&0o020 != 0 }
func (s stat) allCanWrite() bool   { return s.mode.Perm()&0o002 != 0 }
func (s stat) sticky() bool        { return s.mode&fs.ModeSticky != 0 }

// judge finds the user that can put another file under the name. From there on the walk uses that user's rights.
//
// The order of the looks does not matter to safety. Only one user can change their answers, and the walk takes the
// rights of that user.
func (s *step) judge(name string) error {
	info, err := s.at.Stat(".")
	if err != nil {
		return err
	}
	dir := statOf(info)
	s.shared = false
	switch {
	case s.rights != nil:
		if dir.uid != 0 && dir.uid != s.rights.UID {
			return ErrTwoOwners
		}
		return nil
	case dir.uid != 0:
		s.rights = rightsOf(dir.uid, dir.gid)
		return nil
	case !dir.allCanWrite() && (!dir.groupCanWrite() || dir.gid == 0 && !folderHasACL(s.at)):
		return nil
	}
	return s.judgeShared(dir, name)
}

// judgeShared is for a folder of the superuser that other users can write, such as /tmp. There, the owner of a file
// can rename and replace it. Without the sticky bit all writers can, and the walk takes the least rights.
func (s *step) judgeShared(dir stat, name string) error {
	entry, err := s.at.Lstat(name)
	if err == nil && statOf(entry).uid != 0 {
		of := statOf(entry)
		s.rights = rightsOf(of.uid, of.gid)
		return nil
	}
	if dir.sticky() || forTemporaryFiles(s.path) {
		s.shared = true
		return nil // the error, if any, is found again by the caller
	}
	s.rights = &Rights{UID: unmapped, GID: unmapped}
	if dir.groupCanWrite() && dir.gid != 0 {
		s.rights.GID, s.rights.Groups = dir.gid, []int{dir.gid}
	}
	return nil
}

// rightsOf returns the rights of a user. Files that are made belong to the group gid if the user is a member of it,
// and otherwise to the user's own group. For a user that the system does not know, only a group of the same number
// counts as the user's own: another group may come from a folder that hands on its group, and proves no membership.
func rightsOf(uid, gid int) *Rights {
	r := &Rights{UID: uid, GID: unmapped}
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		if gid == uid {
			r.GID = gid
		}
		return r
	}
	r.GID, _ = strconv.Atoi(u.Gid) // LookupId has parsed it
	ids, _ := u.GroupIds()         // without a list, the user's own group remains
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			r.Groups = append(r.Groups, n)
		}
	}
	if slices.Contains(r.Groups, gid) {
		r.GID = gid
	}
	return r
}

// reach walks from the root of the file system if this process is the superuser, with more rights than other users.
// Other processes use paths as they are: the system enforces their rights.
func reach(path string) (*Folder, string, error) {
	if os.Geteuid() != 0 {
		return asIs(path)
	}
	root, err := os.OpenRoot("/")
	if err != nil {
		return nil, "", err
	}
	s := step{at: root, path: "/"}
	name, err := s.walk(split(path))
	if err != nil || s.rights == nil && !s.shared {
		_ = s.at.Close() // it was only read
		return &Folder{path: s.path}, name, err
	}
	return &Folder{path: s.path, root: s.at, rights: s.rights}, name, nil
}
