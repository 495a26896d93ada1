package users

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"firn/sqlite/internal/source"
)

// maxProgram is the largest program that is looked into, in bytes.
const maxProgram = 256 << 20

// maxMaps is how many bytes of a list of mappings are read.
const maxMaps = 8 << 20

// Of returns the processes that have a database in WAL mode open, if the version of their SQLite can be found out:
// they share memory through its -shm file, and have mapped the library or the program with SQLite in it. The
// superuser sees all processes, other users see their own. Of looks at each process once, and is meant to be
// called now and then.
func Of(path string) []User {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	info, err := os.Stat(path + "-shm")
	if err != nil {
		return nil
	}
	processes, _ := filepath.Glob("/proc/[0-9]*") // a process that has ended meanwhile is no user
	var users []User
	for _, dir := range processes {
		number, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || number == os.Getpid() {
			continue
		}
		mapped := mappings(dir)
		if !mapped.have(source.StatOf(info).Inode, filepath.Base(path)+"-shm") {
			continue
		}
		if version := mapped.version(dir); version != "" {
			name, _ := os.ReadFile(filepath.Join(dir, "comm"))
			users = append(users, User{number, strings.TrimSpace(string(name)), version})
		}
	}
	return users
}

// mapping is a file that a process has mapped.
type mapping struct {
	addresses string
	code      bool
	inode     uint64
	path      string // as the process sees it
}

type mapped []mapping

// mappings returns the files that a process has mapped. It leaves out files that this user may not see.
func mappings(dir string) mapped {
	f, err := os.Open(filepath.Join(dir, "maps"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var list mapped
	lines := bufio.NewScanner(io.LimitReader(f, maxMaps))
	for lines.Scan() {
		var m mapping
		var rights, offset, device string
		if _, err := fmt.Sscan(lines.Text(), &m.addresses, &rights, &offset, &device, &m.inode); err != nil || m.inode == 0 {
			continue
		}
		if at := strings.IndexByte(lines.Text(), '/'); at >= 0 {
			m.path = lines.Text()[at:]
		}
		m.code = strings.Contains(rights, "x")
		list = append(list, m)
	}
	return list
}

// have reports whether a file is mapped, by its inode and name. The number of the device does not help: some file
// systems report different numbers in different places.
func (m mapped) have(inode uint64, name string) bool {
	for _, file := range m {
		if file.inode == inode && filepath.Base(file.path) == name {
			return true
		}
	}
	return false
}

// version returns the version of the first SQLite among the code that is mapped.
func (m mapped) version(dir string) string {
	seen := map[uint64]bool{}
	for _, file := range m {
		if !file.code || seen[file.inode] {
			continue
		}
		seen[file.inode] = true
		if version := file.version(dir); version != "" {
			return version
		}
	}
	return ""
}

// version returns the version of the SQLite in a mapped file. The system's own link leads straight to the file, if
// this user may follow it. Otherwise the path must lead to the same file.
func (m mapping) version(dir string) string {
	f, err := os.OpenFile(filepath.Join(dir, "map_files", m.addresses), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		// The name is looked at first: the process chooses the path, and opening a device can have an effect of its
		// own.
		if info, err := os.Lstat(m.path); err != nil || !m.is(info) {
			return ""
		}
		f, err = os.OpenFile(m.path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	}
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !m.is(info) {
		return ""
	}
	return versionIn(f)
}

// is reports whether a file is the mapped file, and can be a program.
func (m mapping) is(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Ino == m.inode && info.Mode().IsRegular() && info.Size() <= maxProgram
}
