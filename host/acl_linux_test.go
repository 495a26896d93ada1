package host_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"firn/host"
)

// An access control list may let other users write a file that only its group seems to write.
func TestOpenJudgesAccessControlLists(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.file("conf", 0o660)
	needRoot(t) // root's group is trusted otherwise
	if _, err := host.ReadFile(p.path("conf")); err != nil {
		t.Fatal(err)
	}
	const (
		version                             = 2
		owner, named, group, most, everyone = 0x01, 0x02, 0x04, 0x10, 0x20
		nobody                              = 0xffffffff
	)
	acl := binary.LittleEndian.AppendUint32(nil, version)
	for _, entry := range [][3]uint32{{owner, 6, nobody}, {named, 6, stranger}, {group, 0, nobody}, {most, 6, nobody}, {everyone, 0, nobody}} {
		acl = binary.LittleEndian.AppendUint16(acl, uint16(entry[0]))
		acl = binary.LittleEndian.AppendUint16(acl, uint16(entry[1]))
		acl = binary.LittleEndian.AppendUint32(acl, entry[2])
	}
	if err := unix.Setxattr(p.path("conf"), "system.posix_acl_access", acl, 0); err != nil {
		t.Skip("no access control lists here: ", err)
	}
	_, err := host.ReadFile(p.path("conf"))
	checkFault(t, err, p.path("conf"))
}
