package schedule

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firn/internal/dbtest"
)

// handWritten are the files of deploy/ that schedule does not write.
func handWritten() []string {
	return []string{"firn-serve.service", "firn-serve.socket", "Containerfile"}
}

// TestServeUnitsAreValid lets systemd verify the units of the server, and rate its exposure.
func TestServeUnitsAreValid(t *testing.T) {
	t.Parallel()
	tool := dbtest.Tool(t, "systemd-analyze")
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"firn-serve.service", "firn-serve.socket"} {
		text, err := os.ReadFile(filepath.Join("../deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		here := strings.ReplaceAll(string(text), "/usr/local/bin/firn", program) // which is installed
		if err := os.WriteFile(filepath.Join(dir, name), []byte(here), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	service, socket := filepath.Join(dir, "firn-serve.service"), filepath.Join(dir, "firn-serve.socket")
	if out, err := exec.Command(tool, "verify", "--man=no", service, socket).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := exec.Command(tool, "security", "--no-pager", "--offline=true", "--threshold=30", service).CombinedOutput(); err != nil {
		t.Errorf("exposure: %v\n%s", err, out)
	}
}

// instruction is a line of a file for containers.
type instruction struct{ word, rest string }

// instructions reads a file for containers.
func instructions(text string) (list []instruction) {
	joined := regexp.MustCompile(`\\\n`).ReplaceAllString(regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, ""), " ")
	for line := range strings.Lines(joined) {
		if word, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			list = append(list, instruction{strings.ToUpper(word), strings.TrimSpace(rest)})
		}
	}
	return list
}

// departures returns what is wrong with the last image of a file for containers: it must hold nothing but what the build has made,
// and must run as a numeric user that is not root.
func departures(text string) (found []string) {
	var user, base string
	for _, i := range instructions(text) {
		switch {
		case i.word == "FROM":
			base, user = i.rest, ""
		case i.word == "USER":
			user = i.rest
		case i.word == "ADD":
			found = append(found, "ADD "+i.rest)
		case i.word == "RUN" && base == "scratch", strings.Contains(i.rest, "curl") || strings.Contains(i.rest, "wget"):
			found = append(found, i.word+" "+i.rest)
		}
	}
	if base != "scratch" {
		found = append(found, "FROM "+base)
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		found = append(found, "USER "+user)
	}
	return found
}

func TestContainerIsConfined(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, departure := range departures(string(text)) {
		t.Errorf("deploy/Containerfile: %s", departure)
	}
	for _, i := range instructions(string(text)) {
		var words []string
		if (i.word == "CMD" || i.word == "ENTRYPOINT") && json.Unmarshal([]byte(i.rest), &words) != nil {
			t.Errorf("deploy/Containerfile: %s needs a shell, which is not there: %s", i.word, i.rest)
		}
		if i.word == "CMD" && !slices.Contains(words, "serve") {
			t.Errorf("deploy/Containerfile: the command is %q", words)
		}
	}
	for name, bad := range map[string]string{
		"Root": "FROM scratch\nUSER 0:0", "NoUser": "FROM x\nUSER 1:1\nFROM scratch", "Name": "FROM scratch\nUSER firn", "Net": "FROM scratch\nUSER 1:1\nADD https://x /",
		"Base": "FROM debian\nUSER 1:1", "Load": "FROM a AS b\nRUN true && \\\n  curl x\nFROM scratch\nUSER 1:1",
	} {
		if len(departures(bad)) == 0 {
			t.Errorf("%s: got no departure", name)
		}
	}
}
