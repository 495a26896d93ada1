package cmd

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

// newAccess says whose a file will be that a restore makes, and what is to be done for that.
type newAccess struct {
	*snapshot.Access        // nil for the caller's alone
	foreign          bool   // it is made with the rights of another user
	maker            int    // that user
	chown            bool   // its owner or group must be changed
	like             string // where Access is from, for a warning
	warn             func(format string, args ...any)
}

// newAccess finds out whose the target will be if the restore makes a new file: one that it replaces as a whole stays
// whose it was.
func (r *restoration) newAccess(replaced bool) *newAccess {
	a := &newAccess{warn: r.warn}
	if rights := r.site.Folder.Rights(); rights != nil {
		a.foreign, a.maker = true, rights.UID
	}
	switch {
	case replaced:
		a.Access, a.like = r.site.Access(), r.path
	case r.target.exists || r.env == nil:
	default:
		a.Access, a.like = r.lostAccess()
	}
	a.chown = a.Access != nil && !replaced
	return a
}

// lostAccess says whose the lost database was: by the newest snapshot of it that this host took, since another host's
// numbers can stand for other users; else as the one that is configured for the snapshot's environment, for a clone, or
// the folder's owner.
func (r *restoration) lostAccess() (access *snapshot.Access, like string) {
	own := session.HostName()
	for _, s := range r.known.All {
		if s.Environment == r.env.Name && s.Database == r.env.DatabaseName && s.Image().Access != nil && s.Host == own {
			return s.Image().Access, "the lost database"
		}
	}
	dir := filepath.Dir(r.path)
	info, err := os.Stat(dir)
	if err != nil {
		return nil, ""
	}
	access = site.AccessOf(info)
	if access == nil {
		return nil, ""
	}
	access.Mode = uint32(site.PrivateMode)
	if env := r.Conf.Env[r.source.Environment]; env != nil && env != r.env {
		return r.likeOrigin(env, access), dir
	}
	return access, dir
}

// likeOrigin gives a clone the mode of the database that it is a clone of, and its owner in a folder of the superuser's,
// which tells nothing.
func (r *restoration) likeOrigin(env *config.Environment, folder *snapshot.Access) *snapshot.Access {
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

// before gives the image, before it becomes the target, what can be given then, and returns the mode for it. The owner
// comes first: no other user may read the file for a moment because the mode is right and the group is not yet.
func (a *newAccess) before(image *site.Staged) (fs.FileMode, error) {
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
func (a *newAccess) later() bool { return a.foreign && int(a.UID) != a.maker }

// after gives the target what could not be given before, by the descriptor that the file was made with: its name may
// lead elsewhere by now.
func (a *newAccess) after(image *site.Staged) error {
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
func (a *newAccess) give(image *site.Staged) error {
	if image.File != nil {
		return image.File.Chown(int(a.UID), int(a.GID))
	}
	return image.At(func(path string) error { return os.Lchown(path, int(a.UID), int(a.GID)) })
}
