package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/config"
	"firn/session"
	"firn/site"
	"firn/snapshot"
)

// inheritance is the owner, the group and the mode of a file that a restore makes, and the way to give them to it.
type inheritance struct {
	*snapshot.Access        // nil for the caller's alone
	foreign          bool   // it is made with the rights of another user
	maker            int    // that user
	chown            bool   // its owner or group must be changed
	like             string // where Access is from, for a warning
	warn             func(format string, args ...any)
}

// inheritedAccess finds out which owner, group and mode the target will have if the restore makes a new file. A file that
// replaces the target as a whole inherits the target's.
func (op *Operation) inheritedAccess(replaced bool) *inheritance {
	a := &inheritance{warn: op.s.Warn}
	if rights := op.site.Folder.Rights(); rights != nil {
		a.foreign, a.maker = true, rights.UID
	}
	switch {
	case replaced:
		a.Access, a.like = op.site.Access(), op.path
	case op.target.exists || op.env == nil:
	default:
		a.Access, a.like = op.lostAccess()
	}
	a.chown = a.Access != nil && !replaced
	return a
}

// lostAccess returns the access of the lost database, as the newest snapshot of it says that this host took: another host's
// numbers can stand for other users. Without such a snapshot it is that of the folder's owner, or, for a clone, like that of
// the database that is configured for the snapshot's environment.
func (op *Operation) lostAccess() (access *snapshot.Access, like string) {
	own := session.HostName()
	for _, s := range op.known.All {
		if s.Environment == op.env.Name && s.Database == op.env.DatabaseName && s.Image().Access != nil && s.Host == own {
			return s.Image().Access, "the lost database"
		}
	}
	dir := filepath.Dir(op.path)
	info, err := os.Stat(dir)
	if err != nil {
		return nil, ""
	}
	access = site.AccessOf(info)
	if access == nil {
		return nil, ""
	}
	access.Mode = uint32(site.PrivateMode)
	if env := op.s.Conf.Lookup(op.source.Environment); env != nil && op.clones() {
		return op.likeOrigin(env, access), dir
	}
	return access, dir
}

// likeOrigin gives a clone the mode of the database that it is a clone of, and its owner in a folder of the superuser's,
// which tells nothing.
func (op *Operation) likeOrigin(env *config.Environment, folder *snapshot.Access) *snapshot.Access {
	if env.Remote() {
		return folder
	}
	origin, err := site.Reach(env.Database)
	if err != nil {
		return folder
	}
	defer origin.Close()
	of := origin.Access()
	if of == nil {
		return folder
	}
	if folder.UID == 0 {
		return of
	}
	folder.Mode = of.Mode
	return folder
}

// before gives the image its owner and group before it becomes the target, if that is possible then, and returns the mode
// for it. The owner comes first: no other user may read the file for a moment because the mode is right and the group is not
// yet.
func (a *inheritance) before(image *site.Staged) (fs.FileMode, error) {
	if !a.chown || a.later() {
		return site.PrivateMode, nil
	}
	if err := a.give(image); err != nil {
		a.warn("%s will belong to you, not to the owner of %s: %v", image.Site.Path(), a.like, err)
		return site.PrivateMode, nil
	}
	return fs.FileMode(a.Mode), nil
}

// later reports whether the owner can only be given when the file has its name: the thread that gives it the name can
// do so only with a file of its own user's.
func (a *inheritance) later() bool { return a.foreign && int(a.UID) != a.maker }

// after gives the target the owner, group and mode that could not be given before. It uses the descriptor that the file was
// made with: the name may lead elsewhere by now.
func (a *inheritance) after(image *site.Staged) error {
	if a.Access == nil || image.File == nil || a.chown && !a.later() {
		return nil
	}
	err := errors.Join(a.give(image), image.File.Chmod(fs.FileMode(a.Mode)), image.File.Sync())
	if err != nil {
		return fmt.Errorf("give %s its owner: %w", image.Site.Path(), err)
	}
	return nil
}

// give gives the file its owner and group.
func (a *inheritance) give(image *site.Staged) error {
	if image.File != nil {
		return image.File.Chown(int(a.UID), int(a.GID))
	}
	return image.At(func(path string) error { return os.Lchown(path, int(a.UID), int(a.GID)) })
}
