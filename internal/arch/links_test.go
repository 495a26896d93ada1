package arch_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	fencedBlock = regexp.MustCompile("(?s)```.*?```")
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	link        = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	sourceFile  = regexp.MustCompile("`((?:\\w+/)+\\w+\\.go)`")
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	// citation is a heading or a section of a document that a comment names.
	citation = regexp.MustCompile(`docs/(\w+\.md),\s+(?:"([^"]+)"|section (\d+))`)
	// commentLine is where a comment goes on in the next line.
	commentLine = regexp.MustCompile(`\n\s*(?://|#) ?`)
)

// TestLinks checks that each link of a document leads to a file and a heading that are there.
func TestLinks(t *testing.T) {
	t.Parallel()
	for path, text := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], ":") {
				continue // to another host
			}
			name, anchor, _ := strings.Cut(m[1], "#")
			to := path
			if name != "" {
				to = filepath.Join(filepath.Dir(path), name)
			}
			b, err := os.ReadFile(to)
			if info, e := os.Stat(to); e == nil && info.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
			} else if anchor != "" && !hasHeading(string(b), func(h string) bool { return anchorOf(h) == anchor }) {
				t.Errorf("%s: %s has no heading #%s", path, to, anchor)
			}
		}
	}
}

// TestSourceFiles checks that each Go file that a document names is there.
func TestSourceFiles(t *testing.T) {
	t.Parallel()
	for path, text := range files(t, ".md") {
		for _, m := range sourceFile.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// TestCitations checks that each heading and section that a comment cites is in the document.
func TestCitations(t *testing.T) {
	t.Parallel()
	cited := 0
	for path, text := range files(t, ".go") {
		for _, m := range citation.FindAllStringSubmatch(commentLine.ReplaceAllString(text, " "), -1) {
			cited++
			b, err := os.ReadFile(filepath.Join(root, "docs", m[1]))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if !hasHeading(string(b), func(h string) bool { return h == m[2] || m[3] != "" && strings.HasPrefix(h, m[3]+". ") }) {
				t.Errorf("%s cites %s", path, m[0])
			}
		}
	}
	if cited == 0 {
		t.Error("no citations were found")
	}
}

// files returns the texts of the module's files with an ending, by path.
func files(t *testing.T, ending string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ending) {
			return nil
		}
		b, err := os.ReadFile(path)
		texts[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// hasHeading reports whether a heading of a document is the right one.
func hasHeading(document string, right func(heading string) bool) bool {
	for _, m := range heading.FindAllStringSubmatch(fencedBlock.ReplaceAllString(document, ""), -1) {
		if right(m[1]) {
			return true
		}
	}
	return false
}

// anchorOf returns the name under which a heading can be linked to.
func anchorOf(heading string) string {
	return strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
