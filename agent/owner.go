package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/site"
	"firn/snapshot"
)

// inheritance is the owner, group and mode of a database that is made anew.
type inheritance struct {
	access  *snapshot.Access // nil for those of this process
	warning string           // why they could not be given; "" if they were
}

// inherited returns the access for the target, if it is made anew: that of the file that it replaces, or the one that the puller
// knows of the lost database, or else the folder's owner's.
func (x *restoring) inherited() *inheritance {
	switch {
	case x.stage.KeepAs != "":
		return &inheritance{access: x.at.Access()}
	case !x.stage.New:
		return &inheritance{}
	case x.stage.Access != nil:
		access := *x.stage.Access
		access.Mode &= 0o777
		return &inheritance{access: &access}
	}
	info, err := os.Stat(filepath.Dir(x.at.Path()))
	if err != nil {
		return &inheritance{}
	}
	access := site.AccessOf(info)
	if access != nil {
		access.Mode = uint32(site.PrivateMode)
	}
	return &inheritance{access: access}
}

// mode returns the mode for the target. It is private as long as the owner is not the right one.
func (i *inheritance) mode() fs.FileMode {
	if i.access == nil || os.Geteuid() != 0 && os.Geteuid() != int(i.access.UID) {
		return site.PrivateMode
	}
	return fs.FileMode(i.access.Mode)
}

// give gives the file its owner and group, if this user can.
func (i *inheritance) give(file *site.Staged) {
	if i.access == nil {
		return
	}
	var err error
	if file.File != nil {
		err = file.File.Chown(int(i.access.UID), int(i.access.GID))
	} else {
		err = os.Lchown(file.Path, int(i.access.UID), int(i.access.GID))
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		i.warning = fmt.Sprintf("the new database belongs to the user of the agent, not to the owner of the lost one: %v", err)
	}
}
