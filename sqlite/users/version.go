package users

import (
	"bytes"
	"debug/elf"
	"io"
	"regexp"

	"firn/sqlite/internal/capi"
)

// versionSymbol is the name that SQLite's library gives to the text of its version.
const versionSymbol = "sqlite3_version"

// maxSection is the largest section that is looked into, in bytes. Reading takes as much memory as a program says that it has.
const maxSection = 64 << 20

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
