package sqlite

import (
	"bytes"
	"debug/elf"
	"io"
	"regexp"
	"strconv"
	"strings"

	"firn/sqlite/internal/capi"
)

// User is a process that has a database open in WAL mode, with the version of its SQLite.
type User struct {
	Process int
	Command string // name of the process
	Version string // of SQLite, such as "3.45.1"
}

// MayLoseCommits reports whether a version of SQLite has the WAL-reset bug: a checkpoint by one connection while
// another connection restarts the WAL can lose commits or damage the database. The bug is in 3.7.0 to 3.51.2 but for
// the releases that got the fix: 3.44.6, 3.50.7 and later releases of these two lines. A text that is no version has
// no known bug.
func MayLoseCommits(version string) bool {
	parts := strings.Split(version, ".")
	if len(parts) < 3 || parts[0] != "3" {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	patch, bad := strconv.Atoi(parts[2])
	if err != nil || bad != nil {
		return false
	}
	switch minor {
	case 44:
		return patch < 6
	case 50:
		return patch < 7
	case 51:
		return patch < 3
	}
	return minor >= 7 && minor < 51
}

// versionSymbol is the name that SQLite's library gives to the text of its version.
const versionSymbol = "sqlite3_version"

// The largest program and the largest section that are looked into. Reading takes as much memory as a program says
// that it has.
const (
	maxProgram = 256 << 20
	maxSection = 64 << 20
)

// versionIn returns the version of the SQLite in a program or library. It is empty if there is no SQLite, or more
// than one text that could be its version.
func versionIn(program io.ReaderAt) (version string) {
	// Package debug/elf is not made for hostile files, and a user of the database may map any file.
	defer func() {
		if recover() != nil {
			version = ""
		}
	}()
	f, err := elf.NewFile(program)
	if err != nil {
		return ""
	}
	for _, symbols := range []func() ([]elf.Symbol, error){f.DynamicSymbols, f.Symbols} {
		list, err := symbols()
		if err != nil {
			continue
		}
		for _, s := range list {
			if s.Name == versionSymbol && int(s.Section) < len(f.Sections) {
				return textAt(f.Sections[s.Section], s.Value)
			}
		}
	}
	return versionAmong(f)
}

// textAt returns the version at an address.
func textAt(section *elf.Section, address uint64) string {
	var b [16]byte
	if address < section.Addr || section.ReaderAt == nil {
		return ""
	}
	n, _ := section.ReadAt(b[:], int64(address-section.Addr))
	text, _, ended := bytes.Cut(b[:n], []byte{0})
	if !ended {
		return ""
	}
	return string(text)
}

// versionAmong looks for the version among the constants of a program that has SQLite in it, without symbols.
func versionAmong(f *elf.File) string {
	version := regexp.MustCompile(`\x00(3\.[0-9]{1,2}\.[0-9]{1,2})\x00`)
	found, sqlite := "", false
	for _, section := range f.Sections {
		if section.Type != elf.SHT_PROGBITS || section.Flags&(elf.SHF_ALLOC|elf.SHF_EXECINSTR) != elf.SHF_ALLOC {
			continue
		}
		b, _ := io.ReadAll(io.NewSectionReader(section, 0, maxSection))
		sqlite = sqlite || bytes.Contains(b, []byte(capi.HeaderMagic))
		for _, match := range version.FindAllSubmatch(b, -1) {
			if found != "" && found != string(match[1]) {
				return ""
			}
			found = string(match[1])
		}
	}
	if !sqlite {
		return ""
	}
	return found
}
